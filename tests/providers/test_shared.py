"""Four real processes and a real Redis: one bill, and what is said of a Redis that is not as it should be."""

import json
import shutil
import signal
import subprocess

import numpy
import pytest
from test_command import MODELS, VECMILL, vecmill  # noqa: F401

TEXTS = [f"text number {i} of those that all of them want" for i in range(200)]


class Redis:
    def __init__(self, folder, *options):
        assert shutil.which("redis-server"), "redis-server is missing; run tools/setup.sh"
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no", "--dir",
             str(folder), *options], stdout=subprocess.PIPE, text=True)
        while "eady to accept connections" not in (line := self.process.stdout.readline()):
            assert line, "redis-server does not start"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def redis(tmp_path):
    server = Redis(tmp_path)
    yield server
    if server.process.poll() is None:
        server.kill()


@pytest.fixture(params=["voyage"])
def vendor(request):
    return request.param


def start(vecmill, fake, *words, **env):  # noqa: F811
    return subprocess.Popen([VECMILL, *words, "--model", f"{fake.vendor}:{MODELS[fake.vendor]}", "--json"],
                            cwd=vecmill.folder, env={**vecmill.env, **env}, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def test_what_four_processes_want_at_once_is_paid_for_once(fake, vecmill, redis):  # noqa: F811
    (vecmill.folder / "many.txt").write_text("\n".join(TEXTS) + "\n")
    # A cache file of its own for each, as on four machines; the secret is shared.
    vecmill("embed", "texts.txt", "--out", "first.npy")
    fake.seen.clear()
    running = [start(vecmill, fake, "embed", "many.txt", "--out", f"{i}.npy", "--batch-size", "8", "--redis", redis.url,
                     "--cache-path", f"{i}.db") for i in range(4)]
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert json.loads(out)["embedded"] == len(TEXTS)
    asked = [text for seen in fake.seen for text in seen.body["input"]]
    assert sorted(asked) == sorted(TEXTS)
    first = numpy.load(vecmill.folder / "0.npy")
    assert all(numpy.array_equal(first, numpy.load(vecmill.folder / f"{i}.npy")) for i in range(1, 4))


def test_without_the_server_each_goes_on_alone_and_says_so(fake, vecmill, redis):  # noqa: F811
    redis.kill()
    done = vecmill("embed", "texts.txt", "--out", "a.npy", "--redis", redis.url)
    assert done.returncode == 0, done.stderr
    assert "Redis cannot be reached" in done.stderr and "going on without" in done.stderr
    assert len(numpy.load(vecmill.folder / "a.npy")) == 4


@pytest.mark.parametrize("words, code, what", [
    ((), 2, "drops keys when it is full"),
    (("--redis-cache-only",), 0, "vectors will be made again"),
])
def test_a_server_that_drops_keys(fake, vecmill, tmp_path, words, code, what):  # noqa: F811
    server = Redis(tmp_path, "--maxmemory-policy", "allkeys-lru")
    try:
        done = vecmill("embed", "texts.txt", "--out", "a.npy", "--redis", server.url, *words)
    finally:
        server.kill()
    assert done.returncode == code, done.stderr
    assert what in done.stderr
    assert len(done.stderr.splitlines()) == 1 or code == 0


def test_passwords_are_read_from_the_environment_and_never_shown(fake, vecmill, tmp_path):  # noqa: F811
    server = Redis(tmp_path, "--requirepass", "right-secret")
    words = ("embed", "texts.txt", "--redis", server.url, "--redis-password-env", "REDIS_PASSWORD")
    try:
        for password, code in (("wrong-secret", 4), ("right-secret", 0)):
            done = vecmill(*words, "--out", "a.npy", REDIS_PASSWORD=password)
            assert done.returncode == code, done.stderr
            assert "secret" not in done.stderr + done.stdout
        assert vecmill(*words, "--out", "b.npy").returncode == 4
    finally:
        server.kill()
