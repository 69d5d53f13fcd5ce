"""Types of columns beside vector and halfvec: bits, and sparse vectors beside dense ones."""

import json
import pathlib

import numpy as np
import pytest

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
MODEL = ["--model", GOLDEN / "models/xlm-roberta-m3", "--outputs", "dense,sparse", "--json"]
TEXTS = [json.loads(line)["text"] for line in (GOLDEN / "xlm-roberta-m3.jsonl").read_text("utf8").splitlines()]
TEXTS = [text.replace("\0", "") for text in TEXTS][:60]


def test_signs_into_bits(vecmill, db):
    texts = [f"text {i}" for i in range(300)]
    db.table_of_texts(texts)
    db.sql("ALTER TABLE kb ADD COLUMN b bit(256)")
    out = db.url("kb", text="body", vector="b")
    assert vecmill.embed(out, "--create-index", "hnsw").json["embedded"] == 300
    got = db.sql("SELECT b FROM kb ORDER BY id")
    for row, vector in zip(got, vecmill.vectors(texts)):
        assert row[0] == "".join("1" if x > 0 else "0" for x in vector)
    assert "bit_hamming_ops" in db.value("SELECT indexdef FROM pg_indexes WHERE indexname = 'kb_b_hnsw'")
    assert vecmill.embed(out).json["embedded"] == 0
    db.sql("ALTER TABLE kb ADD COLUMN c bit(100)")
    wrong = vecmill.embed(db.url("kb", text="body", vector="c"))
    assert wrong.code == 7 and "is bit(100)" in wrong.said


def m3(vecmill, *words):
    process = vecmill.start("embed", *words, *MODEL)
    out, err = process.communicate()
    return process.returncode, json.loads(out or err.splitlines()[-1])


@pytest.fixture(scope="session")
def reference(tmp_path_factory, home):
    from tables import Program
    program = Program(tmp_path_factory.mktemp("reference"), home)
    program.write("in.jsonl", "".join(json.dumps({"id": str(i + 1), "text": text}) + "\n" for i, text in enumerate(TEXTS)))
    assert m3(program, "in.jsonl", "--out", "out.jsonl")[0] == 0
    return [json.loads(line) for line in (program.folder / "out.jsonl").read_text("utf8").splitlines()]


def check(rows, reference):
    """Rows of (dense, sparse) as the server prints them; its indices begin with 1."""
    assert len(rows) == len(reference)
    for (dense, sparse), row in zip(rows, reference):
        assert np.array_equal(np.array(json.loads(dense), np.float32), np.array(row["dense"], np.float32))
        pairs, dims = sparse.split("/")
        got = [pair.split(":") for pair in pairs.strip("{}").split(",") if pair]
        assert [int(i) - 1 for i, _ in got] == row["sparse"]["indices"]
        assert [np.float32(w) for _, w in got] == [np.float32(w) for w in row["sparse"]["values"]]
        assert int(dims) > max(row["sparse"]["indices"], default=0)


def test_sparse_vectors_in_a_table_beside(vecmill, db, reference):
    db.table_of_texts(TEXTS)
    out = db.url("side", sparse="w")
    code, said = m3(vecmill, db.url("kb", text="body"), "--out", out, "--create")
    assert code == 0 and said["embedded"] == len(TEXTS), said
    check(db.sql("SELECT vector, w FROM side ORDER BY id"), reference)
    db.sql("UPDATE side SET w = NULL WHERE id = 7; UPDATE side SET vector = NULL WHERE id = 9")
    assert m3(vecmill, db.url("kb", text="body"), "--out", out)[1]["embedded"] == 2, "a row has both or is made again"
    check(db.sql("SELECT vector, w FROM side ORDER BY id"), reference)
    done = vecmill.start("reconcile", db.url("kb", text="body"), out, "--json", *MODEL[:2])
    said, err = done.communicate()
    assert done.returncode == 0, (said, err)


def test_sparse_vectors_in_the_rows_of_the_texts(vecmill, db, reference):
    db.table_of_texts(TEXTS)
    db.sql("ALTER TABLE kb DROP COLUMN v")
    out = db.url("kb", text="body", vector="v", sparse="w")
    assert m3(vecmill, out, "--create")[1]["embedded"] == len(TEXTS)
    check(db.sql("SELECT v, w FROM kb ORDER BY id"), reference)
    assert m3(vecmill, out)[1]["embedded"] == 0


@pytest.mark.parametrize(("column", "parameters", "outputs", "said"), [
    ("w sparsevec(5)", {"sparse": "w"}, "dense,sparse", "is sparsevec(5), and the vocabulary of"),
    ("w vector(5)", {"vector": "vector", "sparse": "w"}, "dense,sparse", "is vector(5), not sparsevec"),
    ("w sparsevec", {}, "dense,sparse", "names no column for sparse vectors"),
    ("w sparsevec", {"sparse": "w"}, "dense", "and none are made"),
    ("w sparsevec", {"sparse": "x"}, "dense,sparse", "has no column x"),
    ("w sparsevec", {"sparse": "w"}, "sparse", "a table takes dense vectors"),
    ("w sparsevec", {"sparse": "w"}, "dense,sparse,multivector", "a table takes dense vectors")])
def test_what_does_not_fit(vecmill, db, column, parameters, outputs, said):
    db.sql(f"CREATE TABLE side(id text PRIMARY KEY, vector vector, {column})")
    vecmill.write("in.txt", "a text\n")
    run = vecmill.start("embed", "in.txt", "--out", db.url("side", **parameters), *MODEL[:2], "--outputs", outputs, "--json")
    out, err = run.communicate()
    assert run.returncode in (2, 7) and said in err.decode(), (out, err)
    assert db.value("SELECT count(*) FROM side") == "0"
