"""As test_requests.py and test_errors.py: the other vendors' own clients and ours before the same server.

Jina has no client: its documented example, sent with `requests`. TEI's is that of its maker, which sends one text or
several to a server of one's own. Azure's is OpenAI's, for the address; AzureOpenAI for the header of the key.
"""

import fake as fakes
import fake_others as others
import numpy
import pytest
from fake_others import APIS, ERRORS

TEXTS = ["def f(x):\n\treturn x", "naïve 日本 🙂", 'quotes " and \\ and \u2028', "<|endoftext|>"]
KEYS = fakes.KEYS


def with_cohere(fake, model, texts, role, dims):
    import cohere
    client = cohere.ClientV2(api_key=KEYS["cohere"], base_url=fake.url)
    more = {"output_dimension": dims} if dims else {}
    reply = client.embed(model=model, texts=texts, embedding_types=["float"], truncate="NONE",
                         input_type="search_query" if role == "query" else "search_document",
                         request_options={"max_retries": 0}, **more)
    return reply.embeddings.float_


def with_jina(fake, model, texts, role, dims):
    import requests
    task = {"query": {"task": "retrieval.query"}, "document": {"task": "retrieval.passage"}, "none": {}}[role]
    body = {"model": model, **task, "truncate": False, "input": texts}
    reply = requests.post(fake.url + "/embeddings", json={**body, "dimensions": dims} if dims else body,
                          headers={"Authorization": "Bearer " + KEYS["jina"]})
    reply.raise_for_status()
    return [entry["embedding"] for entry in reply.json()["data"]]


def with_mistral(fake, model, texts, role, dims):
    from mistralai.client import Mistral
    client = Mistral(api_key=KEYS["mistral"], server_url=fake.host)
    more = {"output_dimension": dims} if dims else {}
    return [entry.embedding for entry in client.embeddings.create(model=model, inputs=texts, **more).data]


def with_gemini(fake, model, texts, role, dims):
    from google import genai
    options = genai.types.HttpOptions(base_url=fake.host, api_version="v1beta")
    client = genai.Client(api_key=KEYS["gemini"], http_options=options)
    task = {"query": "RETRIEVAL_QUERY", "document": "RETRIEVAL_DOCUMENT", "none": None}[role]
    settings = genai.types.EmbedContentConfig(task_type=task, output_dimensionality=dims or None)
    reply = client.models.embed_content(model=model, contents=texts, config=settings)
    return [entry.values for entry in reply.embeddings]


def with_azure(fake, model, texts, role, dims):
    import openai
    client = openai.OpenAI(api_key=KEYS["azure"], base_url=fake.url, max_retries=0)
    reply = client.embeddings.create(input=texts, model=model, **({"dimensions": dims} if dims else {}))
    return [entry.embedding for entry in reply.data]


def with_tei(fake, model, texts, role, dims):
    from huggingface_hub import InferenceClient
    client = InferenceClient(model=fake.url + "/embed", token=KEYS["tei"])
    return client.feature_extraction(texts, truncate=False, **({"dimensions": dims} if dims else {}))


def with_ollama(fake, model, texts, role, dims):
    import ollama
    client = ollama.Client(host=fake.url, headers={"Authorization": "Bearer " + KEYS["ollama"]})
    return client.embed(model=model, input=texts, truncate=False, dimensions=dims or None).embeddings


THEIRS = {"cohere": with_cohere, "jina": with_jina, "mistral": with_mistral, "gemini": with_gemini,
          "azure": with_azure, "tei": with_tei, "ollama": with_ollama}


def exception_of(vendor, name):
    if vendor == "cohere":
        from cohere import errors
        return getattr(errors, {
            "bad request": "BadRequestError", "key": "UnauthorizedError", "forbidden": "ForbiddenError",
            "unknown model": "NotFoundError", "unprocessable": "UnprocessableEntityError", "rate": "TooManyRequestsError",
            "trial": "TooManyRequestsError", "server": "InternalServerError", "overloaded": "ServiceUnavailableError",
            "timeout": "GatewayTimeoutError"}[name])
    if vendor == "mistral":
        from mistralai.client import errors
        return errors.HTTPValidationError if name == "unprocessable" else errors.SDKError
    if vendor == "gemini":
        from google.genai import errors
        return errors.ServerError if ERRORS[vendor][name][0] >= 500 else errors.ClientError
    if vendor == "azure":
        import openai
        return {"bad request": openai.BadRequestError, "key": openai.AuthenticationError,
                "forbidden": openai.PermissionDeniedError, "unknown model": openai.NotFoundError,
                "rate": openai.RateLimitError}.get(name, openai.InternalServerError)
    if vendor == "tei":
        from huggingface_hub import errors
        return errors.HfHubHTTPError
    if vendor == "ollama":
        import ollama
        return ollama.ResponseError
    import requests
    return requests.HTTPError


# What our error is of, for those that are not tried again.
KINDS = {"bad request": "invalid_data", "key": "auth", "forbidden": "auth", "unknown model": "invalid_argument",
         "not found": "invalid_argument", "unprocessable": "invalid_data", "credit": "limited", "too much": "invalid_data"}


@pytest.fixture
def fake(vendor):
    with others.Other(vendor) as server:
        yield server


@pytest.mark.parametrize("vendor", APIS)
@pytest.mark.parametrize("role,dims", [("document", 0), ("query", 256), ("none", 256)])
def test_one_request_of_theirs_is_one_of_ours(fake, ours, role, dims):
    model = fake.api.model
    theirs = THEIRS[fake.vendor](fake, model, TEXTS, role, dims)
    their_request, = fake.seen
    fake.seen.clear()
    mine = ours.at(fake, model, TEXTS, role=role, dims=dims)
    my_request = fake.seen[-1]
    assert my_request.body == {name: value for name, value in their_request.body.items() if value is not None}
    assert my_request.path == their_request.path
    header = "authorization" if fake.vendor == "azure" else fake.api.header
    assert their_request.headers[header].endswith(my_request.headers[fake.api.header])
    assert numpy.array_equal(numpy.float32(theirs), numpy.float32([row["vector"] for row in mine]))
    if fake.vendor != "gemini":  # which does not say
        assert sum(row["tokens"] for row in mine) == sum(map(fakes.tokens_of, TEXTS))


@pytest.mark.parametrize("vendor", ["azure"])
def test_azures_key_is_in_its_own_header(fake, ours):
    import openai
    client = openai.AzureOpenAI(api_key=KEYS["azure"], base_url=fake.url, api_version="preview", max_retries=0)
    client.embeddings.create(input=TEXTS, model=fake.api.model)
    ours.at(fake, fake.api.model, TEXTS, dims=256)
    theirs, mine = fake.seen
    assert theirs.headers["api-key"] == mine.headers["api-key"] == KEYS["azure"]
    assert "authorization" not in mine.headers


@pytest.mark.parametrize("vendor", ["gemini"])
def test_a_model_without_roles_is_told_none_and_fuses_nothing(fake, ours):
    from google.genai import types
    contents = [types.Content(parts=[types.Part(text=text)], role="user") for text in TEXTS]
    theirs = with_gemini(fake, "gemini-embedding-2", contents, "none", 0)
    mine = ours.at(fake, "gemini-embedding-2", TEXTS, role="query")
    assert fake.seen[0].body == fake.seen[1].body
    assert numpy.array_equal(numpy.float32(theirs), numpy.float32([row["vector"] for row in mine]))


@pytest.mark.parametrize("vendor,name", [(vendor, name) for vendor, errors in ERRORS.items() for name in errors])
def test_a_documented_error(fake, ours, name):
    model = fake.api.model
    fake.plan = [ERRORS[fake.vendor][name]]
    with pytest.raises(exception_of(fake.vendor, name)):
        THEIRS[fake.vendor](fake, model, ["text"], "document", 256)
    fake.plan = [ERRORS[fake.vendor][name]]
    fake.seen.clear()
    row, = ours.at(fake, model, ["text"], dims=256)
    if name in KINDS:
        assert row["error"] == KINDS[name], row
        assert len(fake.seen) == 1
    else:
        assert len(row["vector"]) == 256, row
        assert len(fake.seen) == 2


@pytest.mark.parametrize("vendor", APIS)
def test_what_is_too_long_fails_alone_and_what_is_too_much_is_cut(fake, ours):
    texts = [f"text number {i}" for i in range(130)]
    texts[7] = "x" * 4 * (fake.api.max_tokens + 1)
    rows = ours.at(fake, fake.api.model, texts, dims=256)
    assert [i for i, row in enumerate(rows) if "error" in row] == [7]
    assert rows[7]["error"] in ("invalid_data", "too_long")
    entry = {"model": fake.api.model, "dims": 256}
    role = {"cohere": "search_document", "jina": "retrieval.passage", "gemini": "RETRIEVAL_DOCUMENT"}.get(fake.vendor)
    for i in (0, 6, 8, 129):
        expected = fake.vector({**entry, "text": texts[i], "input_type": role})
        assert numpy.array_equal(numpy.float32(rows[i]["vector"]), numpy.float32(expected))


@pytest.mark.parametrize("vendor", ["tei", "ollama"])
def test_a_server_describes_itself(fake, ours):
    rows = ours.at(fake, fake.api.model, [f"text number {i}" for i in range(20)])
    assert {len(row["vector"]) for row in rows} == {384 if fake.vendor == "tei" else 768}
    sizes = [len(seen.body[fake.api.texts]) for seen in fake.seen]
    assert sorted(sizes) == ([1, 4, 8, 8] if fake.vendor == "tei" else [20]), sizes
    fake.about = {"tei": {**others.TEI_INFO, "model_type": {"reranker": {"id2label": {}}}},
                  "ollama": {**others.OLLAMA_SHOW, "capabilities": ["completion"]}}[fake.vendor]
    ours.at(fake, fake.api.model, ["text"], check=False)
    assert "unsupported" in ours.err and {"tei": "BAAI/bge", "ollama": "ollama show"}[fake.vendor] in ours.err


@pytest.mark.parametrize("vendor", ["ollama"])
def test_a_model_that_is_not_there_is_named(fake, ours):
    ours.at(fake, "nobody", ["text"], check=False)
    assert "invalid_argument" in ours.err and 'model "nobody" not found' in ours.err
