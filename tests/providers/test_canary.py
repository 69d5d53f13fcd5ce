"""Nothing of a key, a text or a vector, nor a hash of one that anybody can make, is where it does not belong: not in what
the program says and not in any file that it leaves, whatever goes wrong and whatever the server repeats."""

import base64
import concurrent.futures
import ctypes
import hashlib
import json
import os
import signal
import struct
import subprocess
import time
import urllib.parse

import fake as fakes
import faulty
import pytest
from program import DEEP, INSTRUMENTS
from test_command import VECMILL
from test_shared import Redis
from webhook import SECRET, Hook

KEY = "sk-canary-7f3a91c2d4e5b6a8"
TEXTS = ["the scarlet ibis of \"Cañada\" sings at 04:17 on the third pier",
         "ledgers of the house Quillfeather & Sons, tide mark nineteen", "an unremarkable third canary\tbehind a tab"]
MODEL, DIMS = "text-embedding-3-small", 64
SEAL = "5c" * 32
XXHASH = ctypes.CDLL("libxxhash.so.0")
for function in (XXHASH.XXH3_64bits, XXHASH.XXH64):
    function.restype = ctypes.c_uint64


def hashes(secret):
    """Digests without a key, as bytes."""
    size = ctypes.c_size_t(len(secret))
    short = [XXHASH.XXH3_64bits(secret, size), XXHASH.XXH64(secret, size, ctypes.c_uint64(0))]
    return [hashlib.new(name, secret).digest() for name in ("sha256", "sha1", "md5", "sha512", "blake2b")] + \
        [number.to_bytes(8, order) for number in short for order in ("little", "big")]


def coded(secret):
    """What may stand for these bytes; base64 at each of its three places in a group."""
    texts = [base64.b64encode(b"\0" * shift + secret)[4 if shift else 0:-4] for shift in range(3)]
    return [secret, secret.hex().encode(), secret.hex().upper().encode(), *texts]


def forms_of_text(text):
    """The whole and either half, because an error may quote a piece; in the ways in which text is written."""
    raw = text.encode()
    half = len(text) // 2
    forms = {form for piece in (text, text[:half], text[half:]) for form in coded(piece.encode())}
    forms |= {json.dumps(text)[1:-1].encode(), json.dumps(text, ensure_ascii=False)[1:-1].encode(),
              urllib.parse.quote(text).encode()}
    return forms | {form for digest in hashes(raw) for form in coded(digest)}


def forms_of_vector(vector):
    packed = struct.pack(f"<{len(vector)}f", *vector)
    halves = struct.pack(f"<{len(vector)}e", *vector)
    forms = {f"{number:.7g}".encode()[:8] for number in vector[:4]}
    for raw in (packed, halves):
        forms |= set(coded(raw[:24])) | set(coded(raw[40:64]))
        forms |= {form for digest in hashes(raw) for form in coded(digest)}
    return forms


SECRETS = {"key": forms_of_text(KEY)}
SECRETS |= {f"text {n}": forms_of_text(text) for n, text in enumerate(TEXTS)}
VECTORS = {f"vector {n}": forms_of_vector(fakes.vector_of(text, {"model": MODEL}, DIMS)) for n, text in enumerate(TEXTS)}


def leaks(blob, secrets):
    return sorted({name for name, forms in secrets.items() if any(form in blob for form in forms)})


def test_the_search_finds_what_is_planted():
    vector = fakes.vector_of(TEXTS[1], {"model": MODEL}, DIMS)
    packed = struct.pack(f"<{DIMS}f", *vector)
    planted = {
        "key": [KEY.encode(), base64.b64encode(b"Bearer " + KEY.encode()), hashlib.sha256(KEY.encode()).digest()],
        "text 0": [TEXTS[0][:40].encode(), json.dumps(TEXTS).encode(), TEXTS[0].encode().hex().encode(),
                   hashlib.md5(TEXTS[0].encode()).hexdigest().encode(),
                   XXHASH.XXH3_64bits(TEXTS[0].encode(), ctypes.c_size_t(len(TEXTS[0].encode()))).to_bytes(8, "little")],
        "vector 1": [packed, str(vector).encode(), base64.b64encode(b"xy" + packed), hashlib.sha1(packed).digest()]}
    for name, blobs in planted.items():
        for blob in blobs:
            assert name in leaks(b"some bytes " + blob + b" and others", {**SECRETS, **VECTORS}), (name, blob)
    assert not leaks(b"some bytes and others" + os.urandom(100_000), {**SECRETS, **VECTORS})


class Parrot(faulty.FaultyFake):
    """Does one fault, `times` over, and says key and texts wherever it says anything."""

    def __init__(self, fault, times):
        super().__init__()
        self.fault, self.times = fault, times

    def draw(self, texts):
        self.requests += 1
        self.times -= 1
        return self.fault if self.times >= 0 else None

    def spoilt(self, fault, texts, status, body, headers):
        echo = f"you sent {KEY} with {json.dumps(texts)} and {texts[0]}"
        if fault == "html":
            return 200, f"<html>{echo}</html>".encode(), {"Content-Type": "text/html"}
        if fault == "too large":
            return 413, fakes.openai_error(echo), {"X-Echo": KEY}
        if fault == "other dims":
            for row in body["data"]:
                row["embedding"] = row["embedding"][:32]
            return status, body, headers
        status, body, headers = super().spoilt(fault, texts, status, body, headers)
        if "error" in body:
            error = {**body["error"], "message": body["error"]["message"] + ": " + echo, "param": texts[0]}
            return status, {"error": error}, {**headers, "X-Echo": KEY}
        return status, body, headers


ALWAYS = 10_000
ENCRYPTED = ["--cache-key-env", "VECMILL_TEST_SEAL"]
# What goes wrong, how often, more flags, how the run ends; None: by Ctrl-C once it was asked.
CASES = [("none", 0, [], 0), ("none", 0, ENCRYPTED, 0), ("none", 0, ["--no-cache"], 0), ("key", ALWAYS, [], 4),
         ("forbidden", ALWAYS, [], 4), ("unknown model", ALWAYS, [], 2), ("bad request", ALWAYS, [], 2),
         ("too large", ALWAYS, [], 3), ("unprocessable", ALWAYS, ENCRYPTED, 2), ("credit", ALWAYS, [], 6),
         ("rate", ALWAYS, [], None), ("rate", 2, [], 0), ("server", ALWAYS, [], 5), ("overloaded", 1, ENCRYPTED, 0),
         ("html", ALWAYS, [], 5), ("truncated", ALWAYS, [], 5), ("not finite", ALWAYS, [], 3), ("short", ALWAYS, [], 3),
         ("other dims", ALWAYS, [], 3), ("reset", ALWAYS, [], 5), ("budget", 0, ["--max-cost", "0.000000001"], 6), ("no tls", 0, [], 5), ("a space in the key", 0, [], 4)]
if DEEP:  # Ctrl-C waits for what is on its way
    CASES.append((faulty.BLACK_HOLE, ALWAYS, ["--request-timeout", "5"], None))


def run_case(folder, fault, times, flags, as_json):
    folder.mkdir()
    (folder / "texts.txt").write_text("\n".join(TEXTS) + "\n")
    with Parrot(fault, times) as server:
        url = server.url.replace("http:", "https:") if fault == "no tls" else server.url
        env = {"HOME": str(folder), "VECMILL_HOME": str(folder / "home"), "VECMILL_REMOTE_BASE_URL": url, "NO_COLOR": "1",
               "VECMILL_REMOTE_API_KEY": KEY + " " * (fault == "a space in the key"), "VECMILL_TEST_SEAL": SEAL, **INSTRUMENTS}
        words = ["--json"] if as_json else ["--progress", "plain"]
        process = subprocess.Popen([VECMILL, "embed", "texts.txt", "--out", "wanted.npy", "--model",
                                    f"openai-compatible:{MODEL}", "--price", "0.02", "--dims", str(DIMS), "--patience", "1s", *flags, *words], cwd=folder, env=env, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        if fault in ("rate", faulty.BLACK_HOLE) and times == ALWAYS:
            while server.requests == 0 and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def places(folder):
    """What must hold nothing, with the kinds of secrets that it must not hold."""
    everything = {**SECRETS, **VECTORS}
    for path in folder.rglob("*"):
        if not path.is_file() or path.name == "texts.txt":
            continue
        yield path.name, path.read_bytes(), SECRETS if path.name.startswith(("wanted.npy", "vectors.db")) else everything


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """All cases at once: most of them wait for another try."""
    fakes.KEYS["openai"], kept = KEY, fakes.KEYS["openai"]
    folder = tmp_path_factory.mktemp("canary")
    todo = [(n, as_json) for n in range(len(CASES)) for as_json in (True, False) if DEEP or as_json == n % 2]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        done = {(n, as_json): pool.submit(run_case, folder / f"{n}-{as_json}", *CASES[n][:3], as_json)
                for n, as_json in todo}
    fakes.KEYS["openai"] = kept
    return {key: (folder / f"{key[0]}-{key[1]}", *future.result()) for key, future in done.items()}


def test_no_error_path_shows_anything(runs):
    for (n, as_json), (folder, code, out, err) in runs.items():
        fault, _, flags, expected = CASES[n]
        assert code == (130 if expected is None else expected), (fault, code, out, err)
        everything = {**SECRETS, **VECTORS}
        sealed = flags == ENCRYPTED
        assert not leaks(out, everything) and not leaks(err, everything), (fault, out, err)
        names = set()
        for name, blob, secrets in places(folder):
            names.add(name)
            if sealed and name.startswith("vectors.db"):
                secrets = everything
            assert not leaks(blob, secrets), (fault, name)
        if code == 0:
            assert "ledger.db" in names and ("vectors.db" in names) == (flags != ["--no-cache"]), names


def test_the_vectors_are_where_they_belong(runs):
    """Else the search above would find nothing anywhere."""
    folder, code, *_ = runs[0, False] if (0, False) in runs else runs[0, True]
    assert code == 0
    for name in ("wanted.npy", "vectors.db"):
        path, = folder.rglob(name)
        assert leaks(path.read_bytes(), VECTORS) == sorted(VECTORS), name


def test_what_stands_around_a_run_learns_nothing(tmp_path):
    """A webhook, a Redis and what it writes to its disk, a server that stands in for another, tags, the reports and doctor."""
    (tmp_path / "redis").mkdir()
    records = [json.dumps({"id": n, "text": text, "user": f"u{n}"}) for n, text in enumerate(TEXTS)]
    (tmp_path / "texts.jsonl").write_text("\n".join(records) + "\n")
    fakes.KEYS["openai"], kept = KEY, fakes.KEYS["openai"]
    redis = Redis(tmp_path / "redis", "--rdbcompression", "no")
    try:
        with Parrot("server", ALWAYS) as down, Parrot("none", 0) as up, Hook() as hook:
            (tmp_path / "vecmill.toml").write_text(
                f'alert_webhook = "{hook.url}"\nalert_secret_env = "HOOK_SECRET"\nalert_progress = "1s"\n'
                f'[budget]\nday = 0.00001\nwarn_at = 0.01\n'
                f'[providers.first]\napi = "openai-compatible"\nbase_url = "{down.url}"\nkey_env = "CANARY_KEY"\nprice = "0.02"\n'
                f'[providers.second]\napi = "openai-compatible"\nbase_url = "{up.url}"\nkey_env = "CANARY_KEY"\nprice = "0.02"\n')
            env = {"HOME": str(tmp_path), "VECMILL_HOME": str(tmp_path / "home"), "NO_COLOR": "1", "CANARY_KEY": KEY,
                   "HOOK_SECRET": SECRET, **INSTRUMENTS}
            chain = ["--model", f"first:{MODEL}", "--fallback", f"second:{MODEL}", "--same-space", "--fallback-after", "0",
                     "--dims", str(DIMS), "--patience", "1s", "--redis", redis.url]
            said = []

            def run(*words):
                done = subprocess.run([VECMILL, *words], cwd=tmp_path, env=env, capture_output=True, timeout=120)
                said.append(done.stdout + done.stderr)
                return done

            down.fault = None  # else nothing proves that both are of one space
            assert run("embed", "texts.jsonl", "--out", "first.npy", "--tag-field", "user", *chain).returncode == 0, said
            down.fault, asked = "server", up.requests
            (tmp_path / "texts.jsonl").write_text("\n".join(records).replace("ibis", "ibex") + "\n")
            done = run("embed", "texts.jsonl", "--out", "wanted.npy", "--tag-field", "user", "--json", *chain)
            assert done.returncode == 0 and up.requests > asked, said
            for words in (["cost", "report", "--by", "tag:user,model"], ["cost", "budget"], ["cost", "advice"],
                          ["config", "show"], ["cache", "stats"], ["doctor", "--online"], ["doctor", "--online", "--json"]):
                run(*words)
            assert {one["alert"] for one in hook.heard} >= {"budget_near", "run_ended"}
            told = json.dumps(hook.heard).encode()
        subprocess.run(["redis-cli", "-s", str(redis.socket), "save"], check=True, capture_output=True)
        dump = (tmp_path / "redis" / "dump.rdb").read_bytes()
    finally:
        fakes.KEYS["openai"] = kept
        redis.kill()
    everything = {**SECRETS, **VECTORS}
    assert not leaks(told, everything) and not any(leaks(text, everything) for text in said), said
    assert leaks(dump, VECTORS) and not leaks(dump, SECRETS), "vectors of an open cache are there, and nothing else"
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.suffix not in (".jsonl", ".npy", ".rdb") and not path.name.startswith("vectors.db"):
            assert not leaks(path.read_bytes(), everything), path
