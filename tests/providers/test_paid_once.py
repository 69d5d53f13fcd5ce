"""What the ledger has settled is never asked for again, wherever the program is killed, and who waits for the ledger
holds up no reply."""

import collections
import hashlib
import hmac
import json
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
from dataclasses import dataclass

import fake as fakes
import numpy
import pytest
from test_command import MODELS, VECMILL, asked, vecmill  # noqa: F401
from test_money import PRICES, many, rows_of

SEED = int(os.environ.get("VECMILL_TEST_SEED", "1"))
MODEL = f"voyage:{MODELS['voyage']}"
COUNT = 1200
BILLED, UNKNOWN = 1, 3  # calls in the ledger
# Where one reply passes, in order: asked for, its vectors kept, settled; then all of them written.
POINTS = ["ledger.intent", "ledger.intended", "cache.put", "cache.commit", "ledger.settle", "ledger.settled"]
LAST_POINTS = ["sink.write", "sink.commit", "sink.finish"]

pytestmark = pytest.mark.parametrize("vendor", ["voyage"], indirect=True)


def start(vecmill, *words, **more):
    command = [VECMILL, "embed", "many.txt", "--out", "a.npy", "--batch-size", "20", "--model", MODEL]
    return subprocess.Popen([*command, *words], cwd=vecmill.folder, env={**vecmill.env, **more}, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class Book:
    """The ledger: how the calls of each text ended, the first one first."""

    def __init__(self, folder):
        self.folder = folder

    def key(self, text):
        secret = bytes.fromhex((self.folder / "cache/secret").read_text().split()[1])
        parts = (f"ledger {MODEL}".encode(), text.encode())
        message = b"".join(len(part).to_bytes(8, "little") + part for part in parts)
        return hmac.digest(secret, message, hashlib.sha256)[:8]

    def ends(self):
        if not (self.folder / "ledger.db").exists():
            return {}
        with sqlite3.connect(self.folder / "ledger.db") as book:
            calls = book.execute("SELECT state, uses FROM calls ORDER BY id").fetchall()
        book.close()
        ends = collections.defaultdict(list)
        for state, uses in calls:
            for at in range(0, len(uses), 12):
                ends[uses[at:at + 8]].append(state)
        return ends

    def settled(self):
        return {key for key, ends in self.ends().items() if BILLED in ends}


class Run:
    """One output, in as many goes as it takes."""

    def __init__(self, fake, vecmill):
        self.fake, self.vecmill = fake, vecmill
        self.book = Book(vecmill.folder / "home")
        many(vecmill, COUNT)

    def go(self, kill=None, **more):
        """`kill`: ends it from outside. What was settled before is not asked for in it."""
        settled, before = self.book.settled(), len(self.fake.seen)
        process = start(self.vecmill, "--resume", "--quiet", **more)
        if kill:
            kill(process)
        _, error = process.communicate(timeout=120)
        again = [text for seen in self.fake.seen[before:] for text in seen.body["input"]]
        assert not settled & {self.book.key(text) for text in again}, "what was settled is asked for again"
        return process.returncode, error

    def check(self):
        code, error = self.go()
        assert code == 0, error
        body = {"model": MODELS["voyage"], "input_type": "document"}
        rows = numpy.load(self.vecmill.folder / "a.npy")
        texts = (self.vecmill.folder / "many.txt").read_text().splitlines()
        assert numpy.array_equal(rows, numpy.float32([fakes.vector_of(text, body, 1024) for text in texts]))
        ends = self.book.ends()
        for text, times in collections.Counter(asked(self.fake)).items():
            *first, last = ends[self.book.key(text)]
            assert last in (BILLED, UNKNOWN) and set(first) <= {UNKNOWN}, (text, first, last)
            assert times <= len(first) + 1, "what was not on record was sent"
        row, = rows_of(self.vecmill, "provider")
        held = float(row["cost_usd"]) + float(row["held_usd"])
        assert int(row["tokens"]) <= self.fake.billed and self.fake.billed * PRICES["voyage"] / 1e6 <= held + 1e-12


@pytest.fixture
def run(fake, vecmill):
    return Run(fake, vecmill)


def test_killed_at_each_point_of_a_reply(run):
    for count in (1, 4):
        for point in POINTS:
            assert run.go(VECMILL_FAILPOINT=f"{point}:{count}")[0] == 137, point
    for point in LAST_POINTS:
        sent = len(run.fake.seen)
        assert run.go(VECMILL_FAILPOINT=f"{point}:1")[0] == 137, point
        assert len(run.fake.seen) == sent or point == LAST_POINTS[0], "all of it was settled"
    run.check()


def test_killed_at_any_moment(run):
    pick = random.Random(SEED)

    def kill(process):
        goal = len(run.fake.seen) + pick.randint(1, 12)
        while len(run.fake.seen) < goal and process.poll() is None:
            time.sleep(pick.random() / 1000)
        process.send_signal(signal.SIGKILL)
    for _ in range(6):
        run.go(kill)
    run.check()


@dataclass
class Together(fakes.Fake):
    """Answers its first five requests at once, as soon as it has them all and nobody can write to the ledger."""

    ledger: str = ""
    to_wait: int = 5

    def hold(self):
        self.book = sqlite3.connect(self.ledger, check_same_thread=False, isolation_level=None)
        self.book.execute("BEGIN IMMEDIATE")
        self.held.set()

    def __enter__(self):
        self.held = threading.Event()
        self.all_here = threading.Barrier(self.to_wait, action=self.hold)
        return super().__enter__()

    def send(self, handler, *reply):
        with self.lock:
            waits = self.to_wait > 0
            self.to_wait -= 1
        if waits:
            self.all_here.wait(60)
        super().send(handler, *reply)


def test_who_holds_the_ledger_holds_up_no_reply(vecmill):
    count = many(vecmill, 200)
    with Together("voyage", ledger=str(vecmill.folder / "home/ledger.db")) as server:
        process = start(vecmill, "--json", "--request-timeout", "3", VOYAGE_BASE_URL=server.url)
        assert server.held.wait(60)
        threading.Event().wait(3.5)  # the deadline of all five passes
        server.book.execute("ROLLBACK")
        server.book.close()
        out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    spend = json.loads(out)["spend"]
    assert spend["held_usd"] == "0.00" and spend["requests"] == len(server.seen) == count / 20
    assert len(asked(server)) == count
