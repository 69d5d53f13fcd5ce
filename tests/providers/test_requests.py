"""Our requests are those of the vendors' own clients, field by field, and our vectors are theirs."""

import fake as fakes
import numpy
import openai
import pytest
import voyageai

TEXTS = ["def f(x):\n\treturn x", "naïve 日本 🙂", 'quotes " and \\ and \u2028', " ", "<|endoftext|>"]


def with_voyage(fake, texts, role, dims):
    client = voyageai.Client(api_key=fakes.KEYS["voyage"], base_url=fake.url)
    input_type = None if role == "none" else role
    reply = client.embed(texts, model="voyage-code-3", input_type=input_type, truncation=False,
                         output_dimension=dims or None)
    return reply.embeddings


def with_openai(fake, texts, role, dims):
    client = openai.OpenAI(api_key=fakes.KEYS["openai"], base_url=fake.url, max_retries=0)
    options = {"dimensions": dims} if dims else {}
    reply = client.embeddings.create(input=texts, model="text-embedding-3-small", **options)
    return [entry.embedding for entry in reply.data]


THEIRS = {"voyage": (with_voyage, "voyage-code-3"), "openai": (with_openai, "text-embedding-3-small")}


def without_nulls(body):
    """Both vendors document null as "not given"."""
    return {name: value for name, value in body.items() if value is not None}


@pytest.mark.parametrize("role", ["document", "query", "none"])
@pytest.mark.parametrize("dims", [0, 256])
def test_one_request_of_theirs_is_one_of_ours(fake, ours, role, dims):
    client, model = THEIRS[fake.vendor]
    theirs = client(fake, TEXTS, role, dims)
    mine = ours.at(fake, model, TEXTS, role=role, dims=dims)
    their_request, my_request = fake.seen
    assert without_nulls(my_request.body) == without_nulls(their_request.body)
    assert my_request.path == their_request.path
    for header in ("authorization", "content-type"):
        assert my_request.headers[header].split(";")[0] == their_request.headers[header].split(";")[0]
    assert numpy.array_equal(numpy.float32(theirs), numpy.float32([row["vector"] for row in mine]))


def test_many_texts_are_cut_into_requests_that_the_api_takes(fake, ours):
    texts = [f"text number {i} of many" for i in range(1100)]
    _, model = THEIRS[fake.vendor]
    rows = ours.at(fake, model, texts, dims=256)
    body = {"model": model, "input_type": "document" if fake.vendor == "voyage" else None}
    for i in (0, 1, 512, 1099):
        assert numpy.array_equal(numpy.float32(rows[i]["vector"]), fakes.vector_of(texts[i], body, 256))
    assert sorted(text for seen in fake.seen for text in seen.body["input"]) == sorted(texts)
    assert sum(row["tokens"] for row in rows) == fake.billed == sum(map(fakes.tokens_of, texts))


@pytest.mark.parametrize("vendor", ["openai"], indirect=True)
def test_token_ids_are_sent_as_openai_takes_them(fake):
    client = openai.OpenAI(api_key=fakes.KEYS["openai"], base_url=fake.url, max_retries=0)
    reply = client.embeddings.create(model="text-embedding-3-small", input=[[1, 2], [3]])
    # RequestTest.TokensGoInPlaceOfTextsWhereTheLimiterChargesThemLess has this very body from us.
    assert fake.seen[0].body == {"model": "text-embedding-3-small", "input": [[1, 2], [3]],
                                 "encoding_format": "base64"}
    assert len(reply.data) == 2
