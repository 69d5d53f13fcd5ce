"""The real APIs, where a key is in the environment: what the fake is believed to do, they do."""

import os

import numpy
import pytest

MODELS = {"voyage": "voyage:voyage-code-3", "openai": "openai:text-embedding-3-small", "cohere": "cohere:embed-v4.0",
          "jina": "jina:jina-embeddings-v3", "mistral": "mistral:codestral-embed",
          "gemini": "gemini:gemini-embedding-001"}
ROLES = ("voyage", "cohere", "jina", "gemini")  # that make another vector of the same text
TEXTS = ["def add(a, b): return a + b", "a cat on a mat", "Straße, Σίσυφος, 東京 and 😀", "the third pier at low tide"]


@pytest.fixture(params=MODELS)
def name(request):
    variable = f"{request.param.upper()}_API_KEY"
    if not os.environ.get(variable):
        pytest.skip(f"{variable} is not set: {request.param} itself was not asked")
    return request.param


@pytest.fixture
def ask(ours, name):
    variable = f"{name.upper()}_API_KEY"

    def call(texts, *, model=None, key=None, **options):
        return ours(model or MODELS[name], texts, env={variable: key or os.environ[variable]}, **{"dims": 256, **options})
    return call


def cosines(rows, others):
    a, b = (numpy.float64([row["vector"] for row in list_of]) for list_of in (rows, others))
    return (a * b).sum(1) / numpy.linalg.norm(a, axis=1) / numpy.linalg.norm(b, axis=1)


def test_each_text_has_its_own_vector_in_any_order(ask):
    rows, backwards = ask(TEXTS), ask(TEXTS[::-1])[::-1]
    assert [len(row["vector"]) for row in rows] == [256] * len(TEXTS)
    assert cosines(rows, backwards).min() > 0.999
    assert cosines(rows, rows[1:] + rows[:1]).max() < 0.99


def test_a_question_is_no_document(ask, name):
    cosine = cosines(ask(TEXTS), ask(TEXTS, role="query")).min()
    assert (cosine < 0.9999) == (name in ROLES)


def test_a_text_that_cannot_be_sent_fails_alone(ask):
    rows = ask([TEXTS[0], "x " * 60_000, TEXTS[1]])
    assert ["error" in row for row in rows] == [False, True, False], rows


def test_a_wrong_key_is_called_one(ask, name):
    row, = ask(TEXTS[:1], key="pa-no-such-key")
    assert row["error"] == "auth" and f"{name.upper()}_API_KEY" in row["message"]


def test_an_unknown_model_is_called_one(ask, name):
    row, = ask(TEXTS[:1], model=f"{name}:no-such-model-1", dims=0)
    assert row["error"] == "invalid_argument" and "no-such-model-1" in row["message"]
