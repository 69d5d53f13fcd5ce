"""One clear line each, the right exit code, and nothing written."""

import pathlib
import ssl
import subprocess

import pytest
from places import FakePlace

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
DENSE = {"dense": {"size": 256, "distance": "Cosine"}}

# body of the collection, parameters, more words, exit code, what is said
CASES = {
    "dimension": ({"vectors": {"dense": {"size": 768, "distance": "Cosine"}}}, {}, [], 7,
                  "the vector dense has 768 dimensions, and the model makes 256"),
    "distance": ({"vectors": {"dense": {"size": 256, "distance": "Euclid"}}}, {}, [], 7,
                 "is compared by Euclid, not by Cosine; if that is what you want, add distance=Euclid"),
    "datatype": ({"vectors": {"dense": {"size": 256, "distance": "Cosine", "datatype": "uint8"}}}, {}, [], 7,
                 "is stored as uint8, not as float32"),
    "no_name": ({"vectors": {"size": 256, "distance": "Cosine"}}, {}, [], 7, "has a vector without a name"),
    "other_name": ({"vectors": {"v": DENSE["dense"]}}, {}, [], 2, "has no vector dense; it has: v; name it with vector=NAME"),
    "more": ({"vectors": {**DENSE, "v": DENSE["dense"]}}, {}, [], 7, "has more vectors (dense, v): a point is written whole"),
    "more_sparse": ({"vectors": DENSE, "sparse_vectors": {"s": {}}}, {}, [], 7, "has more vectors (dense, s)"),
    "multi": ({"vectors": {"dense": {**DENSE["dense"], "multivector_config": {"comparator": "max_sim"}}}}, {}, [], 7,
              "the vector dense is a multi-vector"),
    "parameter": ({"vectors": DENSE}, {"vectr": "v"}, [], 2, "has no parameter vectr; did you mean vector?"),
    "key": ({"vectors": DENSE}, {"api_key": "canary"}, [], 2, "has no parameter api_key; put the key into the variable QDRANT_API_KEY"),
    "no_key": ({"vectors": DENSE}, {"key_env": "NOT_THERE"}, [], 4, "the variable NOT_THERE is not set"),
    "two_inputs": ({"vectors": DENSE}, {}, ["qdrant://h/c"], 2, "a collection is embedded alone"),
    "no_collection": (None, {}, [], 2, "there is no collection notes; --create makes it"),
    "degraded": ({"vectors": DENSE}, {}, ["--degraded", "builtin:hash"], 2, "has no place to mark the vectors"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_output(vecmill, fake, case):
    body, parameters, more, code, said = CASES[case]
    (vecmill.folder / "in.txt").write_text("a text\n")
    place = FakePlace(fake, "notes")
    if body:
        place.create(body)
    answer = vecmill.embed("in.txt", *more, "--out", place.url(**parameters))
    assert said in answer.said, answer.err
    assert answer.code == code and "canary" not in answer.out + answer.err
    assert not any(request.is_write for request in fake.seen)


@pytest.mark.parametrize("url, code, said", [
    ("qdrant://{}/notes", 7, "holds no point"),
    ("qdrant://{}/note", 2, "there is no collection note"),
    ("qdrant://{}", 2, "names no collection"),
    ("qdrant://user:canary@{}/notes", 2, "holds an '@'"),
    ("qdrant://127.0.0.1:1/notes", 5, "127.0.0.1"),
])
def test_the_input(vecmill, fake, url, code, said):
    FakePlace(fake, "notes").create({"vectors": DENSE})
    answer = vecmill.embed(url.format(f"127.0.0.1:{fake.port}"), "--out", "x.npy")
    assert said in answer.said or said in answer.err, answer.err
    assert answer.code == code and "canary" not in answer.out + answer.err


def test_no_text(vecmill, fake):
    place = FakePlace(fake, "notes")
    place.create({"vectors": DENSE})
    place.upsert([{"id": 1, "vector": {}, "payload": {"a": "x", "b": 2}}])
    answer = vecmill.embed(place.url(), "--out", "x.npy")
    assert answer.code == 7 and "no field is known to hold the text; the fields are: a, b" in answer.said, answer.err
    answer = vecmill.embed(place.url(text="c"), "--out", "x.npy")
    assert answer.code == 7 and 'no point has a field "c"' in answer.said, answer.err
    away = vecmill.embed(place.url(text="a"))
    assert away.code == 2 and "there is no place for the vectors" in away.said


def test_keys(vecmill, start):
    (vecmill.folder / "in.txt").write_text("a text\n")
    fake = start(key="canary-1")
    words = ["in.txt", "--create", "--out"]
    refused = vecmill.embed(*words, fake.url())
    assert refused.code == 4 and "wants one" in refused.said and "QDRANT_API_KEY" in refused.said
    wrong = vecmill.embed(*words, fake.url(), env={"QDRANT_API_KEY": "canary-2"})
    assert wrong.code == 4 and "canary" not in wrong.err
    file = vecmill.folder / "key"
    file.write_text("canary-1\n")
    file.chmod(0o644)
    assert "canary" not in (told := vecmill.embed(*words, fake.url(key_file=file))).err and told.code == 8
    file.chmod(0o600)
    for parameters, env in (({}, {"QDRANT_API_KEY": "canary-1"}), ({"key_env": "MY"}, {"MY": "canary-1"}), ({"key_file": file}, {})):
        assert vecmill.embed(*words, fake.url(**parameters), env=env).code == 0
    away = vecmill.embed(*words, "qdrant://qdrant.test/notes", env={"QDRANT_API_KEY": "canary-1"})
    assert away.code == 2 and "would show the key to the network" in away.said and "plain=yes" in away.said


def test_tls(vecmill, start, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "key.pem", "-out",
                    tmp_path / "cert.pem", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    fake = start(tls=context)
    (vecmill.folder / "in.txt").write_text("a text\n")
    unknown = vecmill.embed("in.txt", "--create", "--out", fake.url())
    assert unknown.code == 5 and "certificate" in unknown.said
    assert vecmill.embed("in.txt", "--create", "--out", fake.url(ca_file=tmp_path / "cert.pem")).code == 0


def test_a_path_before_the_collection(vecmill, start):
    fake = start()
    fake.prefix = "/behind/a/proxy"
    (vecmill.folder / "in.txt").write_text("a text\n")
    assert vecmill.embed("in.txt", "--create", "--out", fake.url()).code == 0
    assert list(fake.collections) == ["notes"]


def test_too_old(vecmill, fake):
    fake.before = lambda request: (200, {"title": "qdrant", "version": "1.11.5"}, {}) if request.path == "/" else None
    answer = vecmill.embed(fake.url(), "--out", "x.npy")
    assert answer.code == 7 and "is Qdrant 1.11; 1.12 is the oldest that fits" in answer.said


def test_too_many_token_vectors(vecmill, fake):
    (vecmill.folder / "in.txt").write_text("a text\n")
    run = vecmill.start("embed", "in.txt", "--model", GOLDEN / "models/xlm-roberta-m3", "--outputs", "multivector", "--json",
                        "--create", "--max-seq-length", "40000", "--out", fake.url())
    said = run.communicate()[1].decode()
    assert run.returncode in (0, 2) and ("--max-seq-length" in said or run.returncode == 0)


@pytest.mark.parametrize("metadata", ['"a": "\\\\ud800"', '"a": 1e999'])
def test_a_point_that_the_server_refuses_is_named(vecmill, fake, metadata):
    lines = [f'{{"id": {i}, "text": "text {i}"' + (", " + metadata.replace("\\\\", "\\") if i == 300 else "") + "}" for i in range(400)]
    (vecmill.folder / "in.jsonl").write_text("\n".join(lines) + "\n")
    answer = vecmill.embed("in.jsonl", "--create", "--out", fake.url())
    assert answer.code == 7 and "it is about the point 300" in answer.said, answer.err
    assert len(FakePlace(fake, "notes").points()) >= 256  # those before it


def test_our_own_field(vecmill, fake):
    (vecmill.folder / "in.jsonl").write_text('{"id": "x", "text": "a text", "_vecmill": 1}\n')
    answer = vecmill.embed("in.jsonl", "--create", "--out", fake.url())
    assert answer.code == 7 and 'the record "x" has a field _vecmill' in answer.said
