"""OpenAI's API on a bad day: replies that break though nothing is wrong with the request."""

import base64
import collections
import io
import itertools
import random
import socket
import struct

import fake as fakes

SHUFFLED, BLACK_HOLE = "shuffled", "black hole"  # the first is no fault: rows say whose they are
FAULTS = ["rate", "server", "reset", "truncated", "short", "not finite", SHUFFLED]


class FaultyFake(fakes.Fake):
    """Every so many requests, by chance, it does one of `faults`, in turn."""

    def __init__(self, every=20, faults=FAULTS, seed=1):
        super().__init__("openai")
        self.every, self.random = every, random.Random(seed)
        self.faults = itertools.cycle(faults)
        self.requests = self.sent = self.lost = 0  # `lost`: texts of a fault
        self.told_tokens = 0  # in replies that say what they cost
        self.answers = collections.Counter()  # whole ones, by text
        self.hits = collections.Counter()
        self.done = collections.Counter()  # faults

    def draw(self, texts):
        self.requests += 1
        self.sent += len(texts)
        # A request is given up after its fourth failure, which chance brings to one in 160,000 at 5 %.
        if self.random.randrange(self.every) or self.hits[texts[0]] == 3:
            return None
        fault = next(self.faults)
        self.done[fault] += 1
        if fault != SHUFFLED:
            self.hits[texts[0]] += 1
            self.lost += len(texts)
        return fault

    def answer(self, handler):
        raw = handler.rfile.read(int(handler.headers["Content-Length"]))
        with self.lock:
            status, body, headers = self.reply(handler, raw)
            texts = self.seen.pop().body["input"]
            fault = self.draw(texts)
            if fault:
                status, body, headers = self.spoilt(fault, texts, status, body, headers)
        if fault == "reset":
            return reset(handler)
        if fault == BLACK_HOLE:
            handler.close_connection = True
            return handler.connection.recv(1)  # until the other side hangs up
        self.send(handler, status, body, headers, cut=fault == "truncated")
        with self.lock:
            if fault in (None, SHUFFLED):
                self.answers.update(texts)
            if fault in (None, SHUFFLED, "short", "not finite"):
                self.told_tokens += body["usage"]["total_tokens"]

    def spoilt(self, fault, texts, status, body, headers):
        if fault in fakes.ERRORS["openai"]:
            return fakes.ERRORS["openai"][fault]
        if fault == "short":
            body["data"].pop()
        elif fault == "not finite":
            spoil(self.random.choice(body["data"]))
        elif fault == SHUFFLED:
            self.random.shuffle(body["data"])
        return status, body, headers


def spoil(row):
    """Three numbers of a vector become NaN; in base64 these are 16 characters."""
    if isinstance(row["embedding"], list):
        row["embedding"][:3] = 3 * [float("nan")]
    else:
        row["embedding"] = base64.b64encode(3 * struct.pack("<f", float("nan"))).decode() + row["embedding"][16:]


def reset(handler):
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.rfile.close()
    handler.connection.close()
    handler.wfile, handler.close_connection = io.BytesIO(), True
