"""A run with --watch, and what it says of each pass."""

import json
import queue
import signal
import threading

import pytest


class Watching:
    def __init__(self, vecmill, *words):
        self.process = vecmill.start("embed", *words, "--model", "builtin:hash", "--json", "--watch")
        self.passes = queue.Queue()
        self.said = []
        self.notes = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        threading.Thread(target=self.listen, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.passes.put(json.loads(line))
        self.passes.put(None)

    def listen(self):
        for line in self.process.stderr:
            self.said.append(line.decode())
            self.notes.put(self.said[-1])

    def says(self, words):
        """Returns when it has said so, after what was asked for before."""
        while words not in self.notes.get(timeout=60):
            pass

    def embedded(self, count):
        """Returns when so many more texts were embedded, in any number of passes."""
        while count > 0:
            try:
                report = self.passes.get(timeout=60)
            except queue.Empty:
                pytest.fail(f"{count} are missing still; it says: {self.said}")
            assert report and report["failed"] == 0, (report, self.said)
            count -= report["embedded"]
        assert count == 0, "more than was asked for"

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=60) == 143, self.said
        assert self.passes.get(timeout=60) is None, "something was done again"


@pytest.fixture
def watch(vecmill):
    all_of_them = []

    def start(*words):
        all_of_them.append(Watching(vecmill, *words))
        return all_of_them[-1]

    yield start
    for one in all_of_them:
        one.process.kill()
        one.process.wait()
