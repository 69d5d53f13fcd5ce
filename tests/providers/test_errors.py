"""Each documented error is the client's documented exception, and ours is of the same kind."""

import fake as fakes
import openai
import pytest
import test_requests
import voyageai

EXCEPTIONS = {
    "voyage": {"bad request": voyageai.error.InvalidRequestError, "key": voyageai.error.AuthenticationError,
               "forbidden": voyageai.error.APIError,
               "malformed": voyageai.error.MalformedRequestError, "rate": voyageai.error.RateLimitError,
               "server": voyageai.error.ServerError, "bad gateway": voyageai.error.ServiceUnavailableError,
               "overloaded": voyageai.error.ServiceUnavailableError,
               "timeout": voyageai.error.ServiceUnavailableError},
    "openai": {"bad request": openai.BadRequestError, "key": openai.AuthenticationError,
               "forbidden": openai.PermissionDeniedError, "unknown model": openai.NotFoundError,
               "unprocessable": openai.UnprocessableEntityError, "rate": openai.RateLimitError,
               "credit": openai.RateLimitError, "limit of money": openai.RateLimitError,
               "slow down": openai.RateLimitError, "too much": openai.BadRequestError, "server": openai.InternalServerError,
               "overloaded": openai.InternalServerError},
}
# What our error is of, for those that are not tried again.
KINDS = {"bad request": "invalid_data", "key": "auth", "malformed": "invalid_data", "forbidden": "auth",
         "unknown model": "invalid_argument", "unprocessable": "invalid_data", "credit": "limited",
         "limit of money": "limited", "too much": "too_long"}
CASES = [(vendor, name) for vendor, errors in fakes.ERRORS.items() for name in errors]


@pytest.mark.parametrize("vendor,name", CASES, indirect=["vendor"])
def test_a_documented_error(fake, ours, name):
    client, model = test_requests.THEIRS[fake.vendor]
    error = fakes.ERRORS[fake.vendor][name]
    fake.plan = [error]
    with pytest.raises(EXCEPTIONS[fake.vendor][name]):
        client(fake, ["text"], "document", 0)
    fake.seen.clear()
    fake.plan = [error]
    row, = ours.at(fake, model, ["text"])
    if name in KINDS:
        assert row["error"] == KINDS[name], row
        assert len(fake.seen) == 1
    else:
        assert len(row["vector"]) in (1024, 1536), row
        assert len(fake.seen) == 2


def test_a_wrong_key(fake, ours):
    client, model = test_requests.THEIRS[fake.vendor]
    rows = ours.at(fake, model, ["a", "b"], key="pa-canary")
    assert [row["error"] for row in rows] == ["auth", "auth"]
    assert "canary" not in str(rows)
    assert f"{fake.vendor.upper()}_API_KEY" in rows[0]["message"]


def test_an_unknown_model_is_asked_for_once_and_named(fake, ours):
    rows = ours.at(fake, "voyage-code-33", [f"text {i}" for i in range(100)], dims=256)
    assert {row["error"] for row in rows} == {"invalid_argument"}
    assert "voyage-code-33" in rows[0]["message"]
    assert len(fake.seen) == 1


def test_a_text_that_is_too_long_fails_alone(fake, ours):
    _, model = test_requests.THEIRS[fake.vendor]
    rows = ours.at(fake, model, ["short", "x" * 4 * 33_000, "also short", ""])
    assert ["error" in row for row in rows] == [False, True, False, fake.vendor == "openai" or "error" in rows[3]]
    assert rows[1]["error"] == "invalid_data"


@pytest.mark.parametrize("body", [b"<html>busy</html>", {"object": "list", "data": []}, b"",
                                  {"object": "list", "data": [{"index": 0, "embedding": [0.0, 0.0]}]}])
def test_a_reply_that_is_wrong_is_not_believed(fake, ours, body):
    _, model = test_requests.THEIRS[fake.vendor]
    fake.plan = [(200, body, {})]
    row, = ours.at(fake, model, ["text"])
    assert len(row["vector"]) in (1024, 1536), row
    assert len(fake.seen) == 2


def test_no_key_no_address(ours):
    ours("voyage:voyage-code-3", [], check=False)
    assert "export VOYAGE_API_KEY" in ours.err
    ours("openai-compatible:m", [], check=False)
    assert "export VECMILL_REMOTE_BASE_URL" in ours.err
    ours("openai:m", [], env={"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://192.0.2.1/v1"}, check=False)
    assert "use https://" in ours.err


@pytest.mark.parametrize("vendor", ["openai"], indirect=True)
def test_any_server_that_speaks_like_openai(fake, ours):
    env = {"VECMILL_REMOTE_BASE_URL": fake.url + "/", "VECMILL_REMOTE_API_KEY": fakes.KEYS["openai"]}
    row, = ours("openai-compatible:text-embedding-3-small", ["text"], env=env)
    assert len(row["vector"]) == 1536
    assert [seen.body for seen in fake.seen] == [
        {"model": "text-embedding-3-small", "input": ["How long is a vector?"]},
        {"model": "text-embedding-3-small", "input": ["text"]}]
