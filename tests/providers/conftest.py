"""The vendors' clients and our program, each in front of the same server."""

import json
import os
import pathlib
import subprocess
import sys
import types

import pytest
from program import INSTRUMENTS, ROOT

BINARY = os.environ.get("VECMILL_REMOTE_EMBED", str(ROOT / "build/dev/tests/providers/remote_embed"))

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(ROOT / "tests/postgres")]
# voyageai names it at its import for cutting long texts, which these tests never ask for.
sys.modules.setdefault("langchain_text_splitters",
                       types.SimpleNamespace(RecursiveCharacterTextSplitter=None))
os.environ["no_proxy"] = "127.0.0.1"

import fake as fakes  # noqa: E402


@pytest.fixture(params=["voyage", "openai"])
def vendor(request):
    return request.param


@pytest.fixture
def fake(vendor):
    with fakes.Fake(vendor) as server:
        yield server


class Ours:
    """remote_embed: texts as JSON lines in, {"vector": ..} or {"error": ..} as JSON lines out."""

    def __call__(self, model, texts, *, role="document", dims=0, env=None, check=True):
        lines = "".join(json.dumps(text) + "\n" for text in texts).encode()
        done = subprocess.run([BINARY, model, role, str(dims)], input=lines, capture_output=True, timeout=120,
                              env={**INSTRUMENTS, **(env or {})})
        self.err = done.stderr.decode()
        assert done.returncode == 0 or not check, self.err
        return [json.loads(line) for line in done.stdout.decode().splitlines()]

    def at(self, fake, model, texts, key=None, **options):
        name = "AZURE_OPENAI" if fake.vendor == "azure" else fake.vendor.upper()
        env = {f"{name}_API_KEY": key or fakes.KEYS[fake.vendor], f"{name}_BASE_URL": fake.url}
        return self(f"{fake.vendor}:{model}", texts, env=env, **options)


@pytest.fixture
def ours():
    return Ours()
