"""The real APIs, where a key is in the environment."""

import os

import pytest

MODELS = {"voyage": "voyage:voyage-code-3", "openai": "openai:text-embedding-3-small", "cohere": "cohere:embed-v4.0",
          "jina": "jina:jina-embeddings-v3", "mistral": "mistral:codestral-embed",
          "gemini": "gemini:gemini-embedding-001"}


@pytest.mark.parametrize("name", MODELS)
def test_the_real_one(ours, name):
    variable = f"{name.upper()}_API_KEY"
    if not os.environ.get(variable):
        pytest.skip(f"{variable} is not set: {name} itself was not asked")
    rows = ours(MODELS[name], ["def add(a, b): return a + b", "a cat on a mat"], dims=256,
                env={variable: os.environ[variable]})
    assert [len(row["vector"]) for row in rows] == [256, 256]
