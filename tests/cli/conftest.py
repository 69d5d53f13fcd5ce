"""The program as a user has it, a real model, a small disk."""

import os
import pathlib
import subprocess

import program
import pytest
from program import BINARY, DEEP, ROOT, Answer, home  # noqa: F401

MODEL = pathlib.Path(os.environ.get("VECMILL_TEST_MODEL", ROOT / ".cache/models/all-MiniLM-L6-v2"))
SEED = int(os.environ.get("VECMILL_TEST_SEED", "1"))


class Program(program.Program):
    def embed(self, source, out="out.npy", *more, **options) -> Answer:
        return self("embed", source, "--model", "builtin:hash", "--out", out, *more, **options)


@pytest.fixture
def vecmill(tmp_path, home):  # noqa: F811
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
