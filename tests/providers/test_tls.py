"""A provider whose certificate is not good: one line, exit code 5, and nothing is sent."""

import json
import ssl

import certificates
import fake as fakes
import pytest
from test_command import vecmill  # noqa: F401


class Server:
    """A fake behind TLS, and what the environment must say to get there."""

    def __init__(self, folder, *, host="localhost", trusted=True, expired=False):
        shown, key = (certificates.expired if expired else certificates.self_signed)(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(shown, key)
        self.fake = fakes.Fake("voyage", tls=context)
        self.host, self.trust = host, str(shown) if trusted else ""

    def __enter__(self):
        self.fake.__enter__()
        self.fake.server.handle_error = lambda *_: None
        self.url = f"https://{self.host}:{self.fake.server.server_port}/v1"
        self.env = {"VOYAGE_BASE_URL": self.url, "SSL_CERT_FILE": self.trust}
        return self

    def __exit__(self, *_):
        self.fake.__exit__()


@pytest.fixture(params=["voyage"])
def vendor(request):
    return request.param


BAD = [
    ({"trusted": False}, "is signed by nobody whom this machine trusts", "SSL_CERT_FILE"),
    ({"host": "127.0.0.1"}, "is that of another host", "name the host as its certificate does"),
    ({"expired": True}, "has expired", "renewed"),
]


@pytest.mark.parametrize("how, what, way_out", BAD, ids=["self-signed", "other-host", "expired"])
def test_a_certificate_that_is_not_good_is_said_at_once(fake, vecmill, tmp_path, how, what, way_out):  # noqa: F811
    with Server(tmp_path, **how) as server:
        # Nothing waits for it: the run would have ten minutes of patience with a server that is away.
        done = vecmill("embed", "texts.txt", "--out", "a.npy", **server.env)
        assert done.returncode == 5, done.stderr
        told = vecmill("doctor", "--online", "--json", **server.env)
    lines = [line for line in done.stderr.splitlines() if "certificate" in line]
    assert len(lines) == 1 and what in lines[0] and way_out in lines[0] and server.url in lines[0], done.stderr
    assert told.returncode == 5
    finding = json.loads(told.stdout)["findings"][-1]
    assert finding["name"] == "tls" and not finding["good"] and what in finding["value"] and way_out in finding["hint"]
    assert not server.fake.seen and fakes.KEYS["voyage"] not in done.stderr + told.stdout


def test_a_certificate_of_somebody_who_is_trusted_is_good(fake, vecmill, tmp_path):  # noqa: F811
    with Server(tmp_path) as server:
        done = vecmill("embed", "texts.txt", "--out", "a.npy", **server.env)
        assert done.returncode == 0, done.stderr
        told = json.loads(vecmill("doctor", "--online", "--json", **server.env).stdout)["findings"]
    assert {one["name"]: one["value"] for one in told}["tls"] == "the certificate is good"
    assert server.fake.seen and not fake.seen


def test_a_file_of_authorities_that_is_none_is_named(fake, vecmill, tmp_path):  # noqa: F811
    with Server(tmp_path) as server:
        done = vecmill("embed", "texts.txt", "--out", "a.npy", **{**server.env, "SSL_CERT_FILE": "none.pem"})
    assert done.returncode == 8 and "SSL_CERT_FILE" in done.stderr, done.stderr
