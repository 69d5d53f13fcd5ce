"""A peer's side of throughput.py: peer.py openai|litellm PORT FILE. Vectors of all lines, 256 a request, five
requests at once. Prints wall and processor seconds, without those of its start and its first request."""
import asyncio
import os
import sys
import time

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # no network
TEXTS, AT_ONCE, MODEL = 256, 5, "text-embedding-3-small"


def openai(url):
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=url, api_key="none")

    async def embed(texts):
        reply = await client.embeddings.create(model=MODEL, input=texts)
        return [row.embedding for row in reply.data]
    return embed


def litellm(url):
    import litellm

    async def embed(texts):
        # As numbers: base64 it would hand on as it is.
        reply = await litellm.aembedding(model=f"openai/{MODEL}", input=texts, api_base=url, api_key="none",
                                         encoding_format="float")
        return [row["embedding"] for row in reply.data]
    return embed


async def main():
    kind, port, path = sys.argv[1:]
    embed = {"openai": openai, "litellm": litellm}[kind](f"http://127.0.0.1:{port}/v1")
    with open(path) as file:
        texts = file.read().splitlines()
    await embed(texts[:1])
    wall, used = time.perf_counter(), time.process_time()
    gate = asyncio.Semaphore(AT_ONCE)

    async def part(first):
        async with gate:
            vectors = await embed(texts[first:first + TEXTS])
        assert len(vectors) == len(texts[first:first + TEXTS]) and isinstance(vectors[0][0], float)
        return len(vectors)
    done = await asyncio.gather(*[part(first) for first in range(0, len(texts), TEXTS)])
    assert sum(done) == len(texts)
    print(time.perf_counter() - wall, time.process_time() - used)


asyncio.run(main())
