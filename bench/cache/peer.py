"""A peer's side of compare.py: peer.py langchain|litellm FOLDER ROWS DIMS. Speaks as
cache_worker_main.cc does."""
import os
import pathlib
import random
import sys
import time

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # no network
FILL = 256


def text_of(number: int) -> str:
    return (f"{number} " + "some words of a text and " * 20)[:500]


class Model:
    """Makes vectors, and counts the texts it is asked for."""

    def __init__(self, dims: int):
        self.dims, self.asked, self.random = dims, 0, random.Random(1)

    def embed(self, texts: list[str]) -> list[list[float]]:
        self.asked += len(texts)
        return [[self.random.gauss(0, 1) / 32 for _ in range(self.dims)] for _ in texts]


def langchain(folder: str, model: Model):
    from langchain_classic.embeddings import CacheBackedEmbeddings
    from langchain_classic.storage import LocalFileStore
    from langchain_core.embeddings import Embeddings

    class Underlying(Embeddings):
        def embed_documents(self, texts):
            return model.embed(texts)

        def embed_query(self, text):
            return model.embed([text])[0]

    cached = CacheBackedEmbeddings.from_bytes_store(
        Underlying(), LocalFileStore(folder), namespace="fingerprint", key_encoder="sha256")
    return cached.embed_documents


def litellm(folder: str, model: Model):
    from litellm.caching.caching import Cache
    from litellm.types.utils import Embedding, EmbeddingResponse

    cache = Cache(type="disk", disk_cache_dir=folder)
    name = "text-embedding-3-small"

    def embed(texts: list[str]) -> list[list[float]]:
        found = [cache.get_cache(model=name, input=text) for text in texts]
        missing = [i for i, entry in enumerate(found) if entry is None]
        if missing:
            made = model.embed([texts[i] for i in missing])
            response = EmbeddingResponse(model=name, data=[
                Embedding(embedding=vector, index=n, object="embedding") for n, vector in enumerate(made)])
            for n, i in enumerate(missing):
                key, data, _ = cache.add_embedding_response_to_cache(
                    result=response, input=texts[i], kwargs={"model": name}, idx_in_result_data=n)
                cache.cache.set_cache(key, data)
                found[i] = {"embedding": made[n]}
        return [entry["embedding"] for entry in found]

    return embed


def main() -> None:
    kind, folder, rows, dims = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    model = Model(dims)
    embed = {"langchain": langchain, "litellm": litellm}[kind](str(pathlib.Path(folder)), model)
    start = time.perf_counter()
    for first in range(0, rows, FILL):
        embed([text_of(n) for n in range(first, min(rows, first + FILL))])
    print(time.perf_counter() - start, 0, flush=True)
    for line in sys.stdin:
        seed, count, batch = map(int, line.split())
        pick = random.Random(seed)
        texts = [text_of(pick.randrange(rows)) for _ in range(count)]
        model.asked = 0
        start = time.perf_counter()
        for first in range(0, count, batch):
            vectors = embed(texts[first:first + batch])
            assert len(vectors[0]) == dims
        print(time.perf_counter() - start, count - model.asked, flush=True)


if __name__ == "__main__":
    main()
