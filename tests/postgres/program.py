"""The program under test, and what its vectors must be."""

import json
import os
import pathlib
import subprocess

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("VECMILL_BINARY", str(ROOT / "build/dev/src/cli/vecmill"))
DEEP = bool(os.environ.get("VECMILL_TEST_DEEP"))


class Answer:
    def __init__(self, process, out, err):
        self.code, self.out, self.err = process.returncode, out.decode(), err.decode()

    @property
    def said(self):
        """The error in one line."""
        error = json.loads(self.err)["error"]
        return "; ".join(error[part] for part in ("message", "hint") if error.get(part))

    @property
    def json(self):
        assert self.code in (0, 3), (self.code, self.err)
        return json.loads(self.out)


class Program:
    def __init__(self, folder, home):
        self.folder = folder
        instruments = {k: v for k, v in os.environ.items() if k.startswith(("LLVM_", "ASAN_", "UBSAN_", "LSAN_"))}
        self.env = {"HOME": str(folder), "VECMILL_HOME": str(home), "PATH": "/usr/bin:/bin", **instruments}

    def start(self, *words, env=None):
        return subprocess.Popen([BINARY, *map(str, words)], cwd=self.folder, env={**self.env, **(env or {})},
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def embed(self, source, *more, env=None):
        process = self.start("embed", source, "--model", "builtin:hash", "--json", *more, env=env)
        return Answer(process, *process.communicate(timeout=300))

    def vectors(self, texts):
        """What builtin:hash makes of each text."""
        lines = "".join(json.dumps({"id": str(i), "text": text}) + "\n" for i, text in enumerate(texts))
        (self.folder / "expected.jsonl").write_text(lines)
        for old in self.folder.glob("expected.npy*"):
            old.unlink()
        for old in self.folder.glob("expected.[!j]*"):
            old.unlink()
        assert self.embed("expected.jsonl", "--out", "expected.npy").code == 0
        return np.load(self.folder / "expected.npy")


def check_rows(vecmill, rows):
    """Rows of (text, vector as the server prints it): each has the vector of its own text."""
    assert rows
    expected = vecmill.vectors([text for text, _ in rows])
    for i, (_, vector) in enumerate(rows):
        assert vector is not None, i
        assert np.array_equal(np.array(json.loads(vector), dtype=np.float32), expected[i]), i
