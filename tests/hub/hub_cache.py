"""hub_cache.py VECMILL MODEL: pulls a model with vecmill and with huggingface_hub from the same small
server. Both must leave the same blobs, references and snapshots, and each must find the other's.
"""

import hashlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "org/tiny"
OURS = "vecmill.lock.json"


class Hub(http.server.BaseHTTPRequestHandler):
    """Answers like the Hub: small files by their git hash, weights by SHA-256."""

    files: dict[str, bytes] = {}

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        path = self.path.split("?")[0]
        prefix = f"/{NAME}/resolve/{COMMIT}/"
        if path.startswith(f"/api/models/{NAME}/revision/"):
            self.send(json.dumps(listing(self.files)).encode(), {})
        elif path == f"/api/models/{NAME}/tree/{COMMIT}":
            self.send(json.dumps(tree_entries(self.files)).encode(), {})
        elif path.removeprefix(prefix) in self.files:
            content = self.files[path.removeprefix(prefix)]
            self.send(content, {"ETag": f'"{blob_id(path, content)}"', "X-Repo-Commit": COMMIT})
        else:
            self.send_error(404)

    def send(self, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)


def blob_id(path: str, content: bytes) -> str:
    if path.endswith(".safetensors"):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def listing(files: dict[str, bytes]) -> dict:
    siblings = []
    for path, content in files.items():
        entry = {"rfilename": path, "blobId": "0" * 40, "size": len(content)}
        if path.endswith(".safetensors"):
            entry["lfs"] = {"sha256": blob_id(path, content), "size": len(content), "pointerSize": 1}
        else:
            entry["blobId"] = blob_id(path, content)
        siblings.append(entry)
    return {"id": NAME, "modelId": NAME, "sha": COMMIT, "siblings": siblings, "private": False,
            "tags": [], "downloads": 0, "likes": 0}


def tree_entries(files: dict[str, bytes]) -> list[dict]:
    """What recent huggingface_hub asks for instead of the listing."""
    entries = []
    for path, content in files.items():
        entry = {"type": "file", "path": path, "size": len(content), "oid": "0" * 40}
        if path.endswith(".safetensors"):
            entry["lfs"] = {"oid": blob_id(path, content), "size": len(content), "pointerSize": 1}
        else:
            entry["oid"] = blob_id(path, content)
        entries.append(entry)
    return entries


def tree(repository: pathlib.Path) -> dict[str, str]:
    """Every blob, reference and link, with what it holds."""
    found = {}
    for part in ("blobs", "refs", "snapshots"):
        for path in sorted((repository / part).rglob("*")):
            name = str(path.relative_to(repository))
            if path.is_symlink():
                found[name] = "-> " + os.readlink(path)
            elif path.is_file() and path.name != OURS:
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def check(what: str, good: bool) -> None:
    print(("ok     " if good else "FAILED ") + what)
    if not good:
        sys.exit(1)


def run(vecmill: str, *arguments: str, **variables: str) -> str:
    done = subprocess.run([vecmill, *arguments], env=os.environ | variables, text=True,
                          capture_output=True, check=False)
    check(" ".join(["vecmill", *arguments]) + " " + done.stderr.strip().replace("\n", " | "),
          done.returncode == 0)
    return done.stdout


def main() -> None:
    vecmill, model = sys.argv[1], pathlib.Path(sys.argv[2])
    Hub.files = {str(path.relative_to(model)): path.read_bytes()
                 for path in model.rglob("*") if path.is_file()}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    with tempfile.TemporaryDirectory() as folder:
        home, theirs = folder + "/home", folder + "/hub"
        os.environ.update(HF_ENDPOINT=endpoint, HF_HUB_CACHE=theirs, no_proxy="127.0.0.1",
                          HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_XET="1")
        import huggingface_hub  # reads the environment at this moment

        huggingface_hub.snapshot_download(NAME)
        run(vecmill, "pull", NAME, VECMILL_HOME=home, HF_HUB_CACHE=folder + "/none")
        repository = "models--" + NAME.replace("/", "--")
        mine, other = (tree(pathlib.Path(top) / repository) for top in (home + "/models", theirs))
        check(f"the same {len(other)} blobs, references and links", mine == other)

        server.shutdown()
        read = huggingface_hub.snapshot_download(NAME, cache_dir=home + "/models",
                                                 local_files_only=True)
        check("huggingface_hub finds what vecmill pulled", read.endswith(COMMIT))
        seen = huggingface_hub.scan_cache_dir(home + "/models")
        check("and finds nothing strange there", len(seen.repos) == 1 and not seen.warnings)
        shown = run(vecmill, "models", "verify", NAME, VECMILL_HOME=folder + "/empty")
        check("vecmill finds and verifies what huggingface_hub downloaded", NAME in shown)


if __name__ == "__main__":
    main()
