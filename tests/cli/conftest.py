"""The program under test and its surroundings: an own home, an own working folder."""

import json
import os
import pathlib
import subprocess
from dataclasses import dataclass

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("VECMILL_BINARY", str(ROOT / "build/dev/src/cli/vecmill"))
MODEL = pathlib.Path(os.environ.get("VECMILL_TEST_MODEL", ROOT / ".cache/models/all-MiniLM-L6-v2"))
DEEP = bool(os.environ.get("VECMILL_TEST_DEEP"))
SEED = int(os.environ.get("VECMILL_TEST_SEED", "1"))


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def error(self):
        """The error object that --json gives on the last line of standard error."""
        return json.loads(self.err.splitlines()[-1])["error"]


class Program:
    """Runs vecmill in `folder` and sees only the environment it is given."""

    def __init__(self, folder: pathlib.Path, home: pathlib.Path):
        self.folder = folder
        instruments = {k: v for k, v in os.environ.items() if k.startswith(("LLVM_", "ASAN_", "UBSAN_", "LSAN_"))}
        self.env = {"HOME": str(folder), "VECMILL_HOME": str(home), "PATH": "/usr/bin:/bin", "NO_COLOR": "1",
                    **instruments}

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

    def embed(self, source, out="out.npy", *more, **options) -> Answer:
        return self("embed", source, "--model", "builtin:hash", "--out", out, *more, **options)


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def vecmill(tmp_path, home):
    return Program(tmp_path, home)


@pytest.fixture
def model():
    if not (MODEL / "config.json").exists():
        pytest.skip(f"no model in {MODEL}")
    return str(MODEL)


def files_of(folder: pathlib.Path, stem: str) -> dict:
    """Everything that belongs to an output, except the report, which holds times."""
    return {path.name: path.read_bytes() for path in folder.glob(stem + ".*")
            if ".report.json" not in path.name}


@pytest.fixture
def small_disk(tmp_path):
    """A real disk of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("may not mount a tmpfs here")
    yield place
    subprocess.run(["umount", place], check=True)
