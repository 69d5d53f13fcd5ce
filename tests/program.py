"""The program under test and its surroundings: an own home, an own working folder."""

import json
import os
import pathlib
import subprocess
from dataclasses import dataclass

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
BINARY = os.environ.get("VECMILL_BINARY", str(ROOT / "build/dev/src/cli/vecmill"))
DEEP = bool(os.environ.get("VECMILL_TEST_DEEP"))
# What a program that is built to be watched must be told.
INSTRUMENTS = {k: v for k, v in os.environ.items() if k.startswith(("LLVM_", "ASAN_", "UBSAN_", "LSAN_"))}


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self):
        assert self.out, (self.code, self.err)
        return json.loads(self.out)

    @property
    def error(self):
        """The error object that --json gives on the last line of standard error."""
        return json.loads(self.err.splitlines()[-1])["error"]


class Program:
    """Runs vecmill in `folder` and sees only the environment it is given."""

    def __init__(self, folder: pathlib.Path, home: pathlib.Path):
        self.folder = folder
        self.env = {"HOME": str(folder), "VECMILL_HOME": str(home), "PATH": "/usr/bin:/bin", "NO_COLOR": "1",
                    **INSTRUMENTS}

    def start(self, *words, env=None, **options) -> subprocess.Popen:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([BINARY, *map(str, words)], cwd=self.folder,
                                env={**self.env, **(env or {})}, **{**pipes, **options})

    def __call__(self, *words, stdin: bytes = b"", env=None) -> Answer:
        process = self.start(*words, env=env, stdin=subprocess.PIPE)
        out, err = process.communicate(stdin, timeout=300)
        return Answer(process.returncode, out.decode(), err.decode())

    def write(self, name: str, content) -> pathlib.Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")
