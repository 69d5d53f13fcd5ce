"""The program, a queue of each kind, and a look at the vectors that came out."""

import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "postgres"))

import servers  # noqa: E402
from program import DEEP, home  # noqa: E402, F401
from tables import Answer, Program  # noqa: E402

KINDS = ["sqlite", "postgres", "redis"]

SEED = int(os.environ.get("VECMILL_TEST_SEED", "1"))
KILLED = 137
PATIENCE = 120


def until(condition):
    """Asks until the answer is yes."""
    end = time.monotonic() + PATIENCE
    while not (answer := condition()):
        assert time.monotonic() < end, "waited in vain"
    return answer


def answer_of(process, stdin=None):
    out, err = process.communicate(stdin, timeout=PATIENCE)
    return Answer(process.returncode, out.decode(), err.decode())


class Jobs:
    """`vecmill` with one queue."""

    def __init__(self, folder, home, queue):
        self.program = Program(folder, home)
        self.folder, self.env, self.vectors = folder, self.program.env, self.program.vectors
        self.queue = queue

    def __call__(self, *words, stdin=None, env=None):
        return answer_of(self.begin(*words, env=env, stdin=subprocess.PIPE), stdin)

    def begin(self, *words, env=None, stdin=subprocess.DEVNULL):
        return self.program.start(*words, "--queue", self.queue, "--json", env=env, stdin=stdin)

    def submit(self, source, *more, out="out.db", model="builtin:hash", stdin=None):
        answer = self("jobs", "submit", source, "--model", model, "--out", out, *more, stdin=stdin)
        assert answer.code == 0, answer.err
        return answer.json

    def worker(self, *more, env=None, lease="60s", retry="1s"):
        return self.begin("worker", "--lease", lease, "--retry-delay", retry, *more, env=env)

    def drain(self, *more, code=0, **options):
        """A worker that ends when everything is done."""
        process = self.worker("--drain", *more, **options)
        answer = answer_of(process)
        assert answer.code == code, (answer.code, answer.err)
        return json.loads(answer.out)

    def count(self, state):
        return sum(group[state] for group in json.loads(self("jobs", "ls").out))

    def jobs(self, *words):
        return [json.loads(line) for line in self("jobs", "show", *words).out.splitlines()]

    def dead(self, *more):
        return json.loads(self("dead", "ls", *more).out)

    def rows(self, out="out.db"):
        """id, vector and metadata of all rows."""
        with sqlite3.connect(self.folder / out) as db:
            found = db.execute("SELECT id, vector, metadata FROM vectors").fetchall()
            assert db.execute("SELECT value FROM meta WHERE key='rows'").fetchone() == (str(len(found)),)
        return {id: (np.frombuffer(vector, dtype=np.float32), json.loads(meta)) for id, vector, meta in found}

    def write(self, texts, name="in.jsonl"):
        """`texts` by id."""
        lines = [json.dumps({"id": id, "text": text, "n": len(text)}) for id, text in texts.items()]
        (self.folder / name).write_text("".join(line + "\n" for line in lines))
        return name

    def check(self, texts, out="out.db"):
        """Each text has its own vector, and nothing else is there."""
        rows = self.rows(out)
        assert rows.keys() == texts.keys()
        expected = self.vectors(list(texts.values()))
        for i, (id, text) in enumerate(texts.items()):
            assert np.array_equal(rows[id][0], expected[i]), id
            assert rows[id][1] == {"n": len(text)}


def some_texts(count, words=5):
    return {f"r{i}": " ".join(f"word{(i * 7 + k) % 1000}" for k in range(words)) + f" {i}" for i in range(count)}


def end(process, how=signal.SIGKILL):
    process.send_signal(how)
    return answer_of(process)


class Held:
    """Keeps everybody from writing into an output: what a worker embeds waits."""

    def __init__(self, path):
        self.db = sqlite3.connect(path, isolation_level=None, timeout=PATIENCE)
        self.db.execute("BEGIN IMMEDIATE")

    def let_go(self):
        self.db.execute("ROLLBACK")
        self.db.close()


@pytest.fixture(scope="session")
def postgres():
    server = servers.started()
    yield server
    server.stop()


class Redis:
    def __init__(self, folder):
        self.folder, self.process = folder, None
        self.url = f"unix://{folder}/s"
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", f"{self.folder}/s", "--dir", str(self.folder), "--save", "",
             "--appendonly", "yes", "--appendfsync", "always"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: self.ask("PING") == "PONG")

    def ask(self, *words):
        return subprocess.run(["redis-cli", "-s", f"{self.folder}/s", *words], capture_output=True).stdout.decode().strip()

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def redis(tmp_path_factory):
    server = Redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


def queue_of(kind, request):
    if kind == "postgres":
        database = request.getfixturevalue("postgres").new_database()
        return f"postgres://test@/{database.name}?host={database.server.folder}"
    if kind == "redis":
        server = request.getfixturevalue("redis")
        server.ask("FLUSHALL")
        return server.url
    return "queue.db"


def kinds(count):
    """All of them in a deep run; else `count`, others with each seed."""
    count = 3 if DEEP else count
    return [KINDS[(SEED + i) % 3] for i in range(count)]


@pytest.fixture(params=KINDS)
def vecmill(request, tmp_path, home):
    return Jobs(tmp_path, home, queue_of(request.param, request))
