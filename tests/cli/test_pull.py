"""pull from a server on this machine that speaks as the Hub does."""

import hashlib
import http.server
import json
import ssl
import threading

import certificates
import pytest

from conftest import ROOT

TINY = ROOT / "tests/golden/models/bert-bare"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {path.relative_to(TINY).as_posix(): path.read_bytes() for path in TINY.rglob("*") if path.is_file()}


def sibling(name: str, data: bytes) -> dict:
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    entry = {"rfilename": name, "size": len(data), "blobId": blob}
    if name.endswith(".safetensors"):
        entry["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return entry


class Hub(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.split("?")[0]
        listing = "/api/models/me/tiny/revision/"
        if path.startswith(listing):
            siblings = [sibling(*file) for file in FILES.items()]
            body = json.dumps({"id": "me/tiny", "sha": COMMIT, "siblings": siblings}).encode()
        else:
            body = FILES.get(path.removeprefix(f"/me/tiny/resolve/{COMMIT}/"))
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(vecmill, tmp_path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    vecmill.env |= {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "VECMILL_HOME": str(tmp_path / "home")}
    yield vecmill
    server.shutdown()
    server.server_close()


def test_dry_run_then_pull_then_use(hub):
    dry = hub("pull", "me/tiny", "--dry-run", "--json").json
    assert set(dry) == {"schema", "model", "files", "bytes", "fetched", "list"}
    assert {row["file"]: row["bytes"] for row in dry["list"]} == {name: len(data) for name, data in FILES.items()}
    assert dry["fetched"] == 0 and hub("models", "ls", "--json").json == []
    assert "nothing was fetched" in hub("pull", "me/tiny", "--dry-run").err
    pulled = hub("pull", "me/tiny", "--json").json
    assert pulled["fetched"] == sum(map(len, FILES.values())) and pulled["model"]["revision"] == COMMIT
    again = hub("pull", "me/tiny")
    assert again.code == 0 and again.out == pulled["model"]["folder"] + "\n"
    assert hub("models", "verify", "me/tiny").code == 0
    hub.write("a.txt", "one\n")
    assert hub("embed", "a.txt", "--model", "tiny", "--out", "a.npy").code == 0


def test_a_name_that_is_not_on_the_hub(hub):
    answer = hub("pull", "me/none", "--json")
    assert answer.code == 2 and answer.error["code"] == "not_found" and "me/none" in answer.err


@pytest.mark.parametrize("env, flags", [({}, ["--offline"]), ({"HF_HUB_OFFLINE": "1"}, []),
                                        ({"VECMILL_OFFLINE": "1"}, [])], ids=["flag", "HF", "VECMILL"])
def test_offline_asks_nobody(hub, env, flags):
    answer = hub("pull", "me/tiny", *flags, env=env)
    assert answer.code == 5 and "offline" in answer.err


def test_a_server_that_cannot_prove_its_name_is_told_nothing(vecmill, tmp_path):
    certificate, key = certificates.self_signed(tmp_path)
    asked = []

    class Recorder(Hub):
        def do_GET(self):
            asked.append(self.headers["Authorization"])
            super().do_GET()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.handle_error = lambda *_: None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"https://localhost:{server.server_port}"
    answer = vecmill("pull", "me/tiny", env={"HF_ENDPOINT": endpoint, "HF_TOKEN": "hf_secret",
                                             "VECMILL_HOME": str(tmp_path / "home")})
    server.shutdown()
    server.server_close()
    assert answer.code == 5 and "certificate" in answer.err and "localhost" in answer.err
    assert asked == []
