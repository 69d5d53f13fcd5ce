"""Four real processes and a real Redis: one bill, and what is said of a Redis that is not as it should be."""

import json
import socket
import subprocess

import certificates
import numpy
import pytest
from redis_server import Redis
from test_command import MODELS, VECMILL, vecmill  # noqa: F401

TEXTS = [f"text number {i} of those that all of them want" for i in range(200)]


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
    shared = []
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        report = json.loads(out)
        assert report["embedded"] == len(TEXTS)
        shared.append(report["shared"])
    asked = [text for seen in fake.seen for text in seen.body["input"]]
    assert sorted(asked) == sorted(TEXTS)
    assert sum(one["admitted"] for one in shared) == len(fake.seen)
    # A busy machine may let the server answer too late now and then.
    assert all(one["used"] and 1 <= one["processes"] <= 4 and (one["alone"] == 0 or one["failure"]) for one in shared)
    first = numpy.load(vecmill.folder / "0.npy")
    assert all(numpy.array_equal(first, numpy.load(vecmill.folder / f"{i}.npy")) for i in range(1, 4))


def test_without_the_server_each_goes_on_alone_and_says_so(fake, vecmill, redis):  # noqa: F811
    redis.kill()
    done = vecmill("embed", "texts.txt", "--out", "a.npy", "--redis", redis.url)
    assert done.returncode == 0, done.stderr
    assert "Redis cannot be reached" in done.stderr and "going on without" in done.stderr
    assert "1 requests, 1 of them by this process's share alone" in done.stderr
    assert len(numpy.load(vecmill.folder / "a.npy")) == 4
    shared = json.loads((vecmill.folder / "a.report.json").read_text())["shared"]
    assert (shared["used"], shared["admitted"], shared["alone"], shared["processes"]) == (True, 1, 1, 1)
    assert "Redis cannot be reached" in shared["failure"]


def test_without_redis_no_limits_are_shared(fake, vecmill):  # noqa: F811
    done = vecmill("embed", "texts.txt", "--out", "a.npy", "--json")
    assert json.loads(done.stdout)["shared"] == {"used": False, "admitted": 0, "alone": 0, "processes": 0, "failure": ""}


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


def doctor(vecmill, url, *words, **env):  # noqa: F811
    """The exit code, and what is found of the Redis: {name: finding}."""
    done = vecmill("doctor", "--online", "--json", "--redis", url, *words, **env)
    findings = [one for one in json.loads(done.stdout)["findings"] if one["provider"] == "redis"]
    return done.returncode, {one["name"]: one for one in findings}


def test_the_doctor_says_what_the_redis_is(fake, vecmill, redis):  # noqa: F811
    code, found = doctor(vecmill, redis.url)
    assert code == 0 and all(one["good"] for one in found.values()), found
    assert list(found) == ["address", "tls", "version", "persistence", "eviction"]
    assert redis.url in found["address"]["value"] and found["eviction"]["value"] == "noeviction"
    assert found["persistence"]["value"].startswith("none")
    plain = vecmill("doctor", "--redis", redis.url).stdout
    assert "ok    redis version" in plain and "ok    redis eviction    noeviction" in plain
    assert len(fake.seen) == 2, "the address and one word; without --online nothing"
    assert "redis" not in vecmill("doctor").stdout


@pytest.mark.parametrize("options, persistence", [(("--appendonly", "yes"), "append-only file"),
                                                  (("--save", "3600 1"), "snapshots")])
def test_the_doctor_knows_what_a_redis_keeps(fake, vecmill, tmp_path, options, persistence):  # noqa: F811
    server = Redis(tmp_path, *options)
    try:
        assert doctor(vecmill, server.url)[1]["persistence"]["value"] == persistence
    finally:
        server.kill()


@pytest.mark.parametrize("options, words, code, name, hint", [
    (("--maxmemory-policy", "allkeys-lru"), (), 2, "eviction", "noeviction"),
    (("--maxmemory-policy", "allkeys-lru"), ("--redis-cache-only",), 0, "eviction", ""),
    (("--requirepass", "right-secret"), (), 4, "key", "set user and password"),
    (("--replicaof", "127.0.0.1 1"), (), 2, "settings", "primary"),
])
def test_the_doctor_names_what_is_wrong_with_a_redis(fake, vecmill, tmp_path, options, words, code, name,  # noqa: F811
                                                     hint):
    server = Redis(tmp_path, *options)
    try:
        told, found = doctor(vecmill, server.url, *words)
        plain = vecmill("doctor", "--redis", server.url, *words)
    finally:
        server.kill()
    assert told == code and found[name]["good"] == (code == 0) and hint in found[name]["hint"], found
    assert plain.returncode == 1 and ("WRONG redis " + name in plain.stdout) == (code != 0)


def test_the_doctor_finds_no_redis(fake, vecmill, redis):  # noqa: F811
    told, found = doctor(vecmill, f"redis://127.0.0.1:{fake.server.server_port}")
    assert told == 5 and "does not answer like a Redis" in found["address"]["value"]
    redis.kill()
    told, found = doctor(vecmill, redis.url)
    assert told == 5 and list(found) == ["address"] and "start it" in found["address"]["hint"]
    assert doctor(vecmill, "redis:/nowhere")[0] == 2
    told, found = doctor(vecmill, redis.url, "--redis-password-env", "NOT_SET")
    assert told == 4 and "export NOT_SET" in found["key"]["hint"]


def test_the_doctor_sees_that_a_redis_cannot_save(fake, vecmill, tmp_path):  # noqa: F811
    data = tmp_path / "data"
    data.mkdir()
    server = Redis(tmp_path, "--dir", str(data))
    try:
        data.rmdir()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(server.socket))
            client.sendall(b"BGSAVE\r\n")
            while b"rdb_last_bgsave_status:err" not in client.recv(1 << 16):
                client.sendall(b"INFO persistence\r\n")
        told, found = doctor(vecmill, server.url)
    finally:
        server.kill()
    assert told == 5 and not found["persistence"]["good"] and "look at its log" in found["persistence"]["hint"]


def test_the_doctor_looks_at_the_certificate_of_a_redis(fake, vecmill, tmp_path):  # noqa: F811
    certificate, key = certificates.self_signed(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Redis(tmp_path, "--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key),
                   "--tls-ca-cert-file", str(certificate), "--tls-auth-clients", "no")
    try:
        for host, words, code, what in (("localhost", ("--redis-ca-file", str(certificate)), 0, "the certificate is good"),
                                        ("127.0.0.1", ("--redis-ca-file", str(certificate)), 4, "IP address mismatch"),
                                        ("localhost", (), 4, "self")):
            told, found = doctor(vecmill, f"rediss://{host}:{port}", *words)
            assert told == code and what in found["tls"]["value"], found
    finally:
        server.kill()
