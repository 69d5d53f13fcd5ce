"""Four real processes and a real server: one bill, and what is said of a server that is not as it should be."""

import json
import signal
import socket
import subprocess

import certificates
import fake as fakes
import numpy
import pytest
import servers
from redis_server import Redis
from test_command import MODELS, VECMILL, vecmill  # noqa: F401

TEXTS = [f"text number {i} of those that all of them want" for i in range(200)]


@pytest.fixture
def redis(tmp_path):
    server = Redis(tmp_path)
    yield server
    if server.process.poll() is None:
        server.kill()


class Database:
    """A server of PostgreSQL as these tests want it: with a URL, to be killed."""

    def __init__(self):
        self.server = servers.Server.begin(servers.debians() or servers.with_pgvector(), fsync=False)
        self.server.wait()
        self.url = f"postgres://test@/postgres?host={self.server.folder}"

    def kill(self):
        self.server.process.kill()
        self.server.process.wait()

    def as_replica(self):
        self.server.process.send_signal(signal.SIGINT)
        self.server.process.wait()
        (self.server.folder / "data" / "standby.signal").touch()
        self.server.start()

    def dump(self):
        rows = self.server.sql("SELECT r::text FROM vecmill_vector_rows r UNION ALL SELECT l::text FROM vecmill_limit_states l "
                               "UNION ALL SELECT b::text FROM vecmill_breaker_states b UNION ALL "
                               "SELECT e::text FROM vecmill_vector_leases e")
        return "".join(row[0] for row in rows)


@pytest.fixture
def postgres():
    database = Database()
    yield database
    database.server.stop()


@pytest.fixture(params=["redis", "postgres"])
def shared(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["voyage"])
def vendor(request):
    return request.param


def start(vecmill, fake, *words, **env):  # noqa: F811
    return subprocess.Popen([VECMILL, *words, "--model", f"{fake.vendor}:{MODELS[fake.vendor]}", "--json"],
                            cwd=vecmill.folder, env={**vecmill.env, **env}, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def test_what_four_processes_want_at_once_is_paid_for_once(fake, vecmill, shared):  # noqa: F811
    (vecmill.folder / "many.txt").write_text("\n".join(TEXTS) + "\n")
    # A cache file of its own for each, as on four machines; the secret is shared.
    vecmill("embed", "texts.txt", "--out", "first.npy")
    fake.seen.clear()
    running = [start(vecmill, fake, "embed", "many.txt", "--out", f"{i}.npy", "--batch-size", "8", "--shared", shared.url,
                     "--cache-path", f"{i}.db") for i in range(4)]
    told = []
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        report = json.loads(out)
        assert report["embedded"] == len(TEXTS)
        told.append(report["shared"])
    asked = [text for seen in fake.seen for text in seen.body["input"]]
    assert sorted(asked) == sorted(TEXTS)
    assert sum(one["admitted"] for one in told) == len(fake.seen)
    # A busy machine may let the server answer too late now and then.
    assert all(one["used"] and 1 <= one["processes"] <= 4 and (one["alone"] == 0 or one["failure"]) for one in told)
    first = numpy.load(vecmill.folder / "0.npy")
    assert all(numpy.array_equal(first, numpy.load(vecmill.folder / f"{i}.npy")) for i in range(1, 4))


def test_without_the_server_each_goes_on_alone_and_says_so(fake, vecmill, shared):  # noqa: F811
    shared.kill()
    done = vecmill("embed", "texts.txt", "--out", "a.npy", "--shared", shared.url)
    assert done.returncode == 0, done.stderr
    why = "Redis cannot be reached" if isinstance(shared, Redis) else "connection to server on socket"
    assert why in done.stderr and "going on without" in done.stderr
    assert "1 requests, 1 of them by this process's share alone" in done.stderr
    assert len(numpy.load(vecmill.folder / "a.npy")) == 4
    told = json.loads((vecmill.folder / "a.report.json").read_text())["shared"]
    assert (told["used"], told["admitted"], told["alone"], told["processes"]) == (True, 1, 1, 1)
    assert why in told["failure"]


def test_without_a_server_no_limits_are_shared(fake, vecmill):  # noqa: F811
    done = vecmill("embed", "texts.txt", "--out", "a.npy", "--json")
    assert json.loads(done.stdout)["shared"] == {"used": False, "admitted": 0, "alone": 0, "processes": 0, "failure": ""}


@pytest.mark.parametrize("words, code, what", [
    ((), 2, "drops keys when it is full"),
    (("--shared-cache-only",), 0, "vectors will be made again"),
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
    (("--maxmemory-policy", "allkeys-lru"), ("--shared-cache-only",), 0, "eviction", ""),
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


def test_vectors_in_postgres_outlive_its_death_and_tell_nothing(fake, vecmill, postgres):  # noqa: F811
    (vecmill.folder / "many.txt").write_text("\n".join(TEXTS) + "\n")
    words = ("embed", "many.txt", "--shared", postgres.url)
    assert vecmill(*words, "--out", "a.npy", "--cache-path", "a.db").returncode == 0
    asked = len(fake.seen)
    dump = postgres.dump()
    assert dump.count("(") >= len(TEXTS) + 2, "vectors, a limit and a breaker"
    for secret in (TEXTS[7], "text number", fakes.KEYS[fake.vendor]):
        assert secret not in dump and secret.encode().hex() not in dump
    postgres.kill()
    postgres.server.start()
    # Another machine, whose user may make nothing.
    postgres.server.sql("CREATE ROLE other LOGIN; REVOKE CREATE ON SCHEMA public FROM public;"
                        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO other")
    words = ("embed", "many.txt", "--shared", postgres.url.replace("test@", "other@"))
    done = vecmill(*words, "--out", "b.npy", "--cache-path", "b.db")
    assert done.returncode == 0, done.stderr
    assert len(fake.seen) == asked, "all of them were found"
    assert numpy.array_equal(numpy.load(vecmill.folder / "a.npy"), numpy.load(vecmill.folder / "b.npy"))


def test_the_doctor_says_what_the_postgres_is(fake, vecmill, postgres):  # noqa: F811
    def look():
        done = vecmill("doctor", "--online", "--json", "--shared", postgres.url)
        found = {one["name"]: one for one in json.loads(done.stdout)["findings"] if one["provider"] == "postgres"}
        assert done.returncode == 0 and all(one["good"] for one in found.values()), found
        return found

    found = look()
    assert list(found) == ["address", "tls", "version", "persistence", "tables"]
    assert postgres.url in found["address"]["value"] and "none yet" in found["tables"]["value"]
    assert postgres.server.sql("SELECT count(*) FROM pg_class WHERE relname LIKE 'vecmill%'") == [["0"]], "it looks, no more"
    assert vecmill("embed", "texts.txt", "--out", "a.npy", "--shared", postgres.url).returncode == 0
    assert look()["tables"]["value"] == 'in schema "public"'
    assert "ok    postgres tables" in vecmill("doctor", "--shared", postgres.url).stdout


@pytest.mark.parametrize("user, database, code, name, what", [
    ("test", "none", 2, "address", "none"),
    ("reader", "postgres", 4, "tables", "GRANT CREATE"),
    ("nobody", "postgres", 4, "key", "nobody"),
    ("test", "postgres", 2, "settings", "primary"),
])
def test_what_is_wrong_with_a_postgres(fake, vecmill, postgres, user, database, code, name, what):  # noqa: F811
    postgres.server.sql("CREATE ROLE reader LOGIN; REVOKE CREATE ON SCHEMA public FROM public")
    if name == "settings":
        postgres.as_replica()
    url = f"postgres://{user}:secret@/{database}?host={postgres.server.folder}"
    run = vecmill("embed", "texts.txt", "--out", "a.npy", "--shared", url)
    assert (run.returncode, len(run.stderr.splitlines())) == (code, 1), run.stderr
    done = vecmill("doctor", "--online", "--json", "--shared", url)
    found = {one["name"]: one for one in json.loads(done.stdout)["findings"] if one["provider"] == "postgres"}
    assert done.returncode == code and not found[name]["good"] and what in str(found[name]), found
    assert "secret" not in run.stderr + done.stdout + done.stderr


def test_what_is_no_server_to_share(fake, vecmill):  # noqa: F811
    done = vecmill("embed", "texts.txt", "--out", "a.npy", "--shared", "mysql://me:secret@db")
    assert done.returncode == 2 and "postgres://host/database" in done.stderr and "secret" not in done.stderr
