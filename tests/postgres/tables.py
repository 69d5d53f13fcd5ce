"""The program before a table, and what its vectors must be."""

import json

import numpy as np
import program


class Answer(program.Answer):
    @property
    def said(self):
        """The error, which is one line, in words."""
        error = json.loads(self.err)["error"]
        return "; ".join(error[part] for part in ("message", "hint") if error.get(part))


class Program(program.Program):
    def embed(self, source, *more, env=None):
        answer = self("embed", source, "--model", "builtin:hash", "--json", *more, env=env)
        return Answer(answer.code, answer.out, answer.err)

    def vectors(self, texts, *more):
        """What builtin:hash makes of each text."""
        lines = "".join(json.dumps({"id": str(i), "text": text}) + "\n" for i, text in enumerate(texts))
        (self.folder / "expected.jsonl").write_text(lines)
        for old in self.folder.glob("expected.npy*"):
            old.unlink()
        for old in self.folder.glob("expected.[!j]*"):
            old.unlink()
        assert self.embed("expected.jsonl", "--out", "expected.npy", *more).code == 0
        return np.load(self.folder / "expected.npy")


def check_rows(vecmill, rows):
    """Rows of (text, vector as the server prints it): each has the vector of its own text."""
    assert rows
    expected = vecmill.vectors([text for text, _ in rows])
    for i, (_, vector) in enumerate(rows):
        assert vector is not None, i
        assert np.array_equal(np.array(json.loads(vector), dtype=np.float32), expected[i]), i
