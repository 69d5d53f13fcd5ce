"""bge-m3 in small: dense, sparse and a vector per token, from the text to the ranks of a query."""

import json
import shutil
import sqlite3

import numpy as np
import pytest

from conftest import DEEP, ROOT, SEED, files_of

GOLDEN = ROOT / "tests/golden"
NAME = "xlm-roberta-m3"
MODEL = GOLDEN / "models" / NAME
ALL = ["--outputs", "dense,sparse,multivector"]
DIMS = 24


@pytest.fixture(scope="module")
def expected():
    """Of each golden text: the text, its vector, its weights, the vectors of its tokens."""
    texts = [json.loads(line) for line in (GOLDEN / f"{NAME}.jsonl").read_text("utf8").splitlines()]
    dense = np.fromfile(GOLDEN / f"{NAME}.f32", "<f4").reshape(len(texts), -1)
    sparse = [json.loads(line) for line in (GOLDEN / f"{NAME}.sparse.jsonl").read_text().splitlines()]
    tokens = np.cumsum([text["tokens"] - 1 for text in texts])[:-1]
    multi = np.split(np.fromfile(GOLDEN / f"{NAME}.multivector.f32", "<f4").reshape(-1, DIMS), tokens)
    return [(text["text"], *rest) for text, *rest in zip(texts, dense, sparse, multi)]


@pytest.fixture
def source(vecmill, expected):
    lines = [json.dumps({"id": f"t{i}", "text": row[0], "n": i}) for i, row in enumerate(expected)]
    return vecmill.write("in.jsonl", "\n".join(lines) + "\n")


def embed(vecmill, source, out, *flags, model=MODEL, **options):
    return vecmill("embed", source, "--model", model, "--out", out, *flags, **options)


def check_sparse(found: dict, wanted: dict, tolerance) -> None:
    """A weight that is nearly 0 may be missing on either side."""
    for token in found.keys() | wanted.keys():
        assert abs(found.get(token, 0) - wanted.get(token, 0)) <= tolerance, token


def check_row(row, wanted, tolerance=1e-4):
    dense, sparse, multi = row
    assert np.abs(dense - wanted[1]).max() <= max(tolerance / 20, 5e-6)
    check_sparse(sparse, {int(token): weight for token, weight in wanted[2].items()}, tolerance)
    assert multi.shape == wanted[3].shape and np.abs(multi - wanted[3]).max(initial=0) <= tolerance


def read_jsonl(path):
    for line in path.read_text("utf8").splitlines():
        row = json.loads(line)
        assert set(row) == {"id", "dense", "sparse", "multivector", "truncated", "metadata"}
        assert row["sparse"]["indices"] == sorted(row["sparse"]["indices"])
        weights = np.array(row["sparse"]["values"], "<f4").tolist()
        yield (np.array(row["dense"], "<f4"), dict(zip(row["sparse"]["indices"], weights, strict=True)),
               np.array(row["multivector"], "<f4").reshape(-1, DIMS))


def read_db(path, dtype="<f4"):
    with sqlite3.connect(path) as db:
        for (name, vector) in db.execute("SELECT id, vector FROM vectors ORDER BY rowid").fetchall():
            weights = dict(db.execute("SELECT token, weight FROM sparse WHERE id = ?", (name,)))
            blob, count, dims, _ = db.execute("SELECT vectors, count, dims, dtype FROM multivectors WHERE id = ?",
                                              (name,)).fetchone()
            yield np.frombuffer(vector, dtype), weights, np.frombuffer(blob, dtype).reshape(count, dims)


@pytest.mark.parametrize("out, read", [("out.jsonl", read_jsonl), ("out.db", read_db)])
def test_outputs_are_those_of_the_reference(vecmill, source, expected, out, read):
    assert embed(vecmill, source, out, *ALL).code == 0
    rows = list(read(vecmill.folder / out))
    assert len(rows) == len(expected)
    for row, wanted in zip(rows, expected):
        check_row(row, wanted)


def test_half_precision(vecmill, source, expected):
    assert embed(vecmill, source, "a.db", *ALL, "--store", "f16").code == 0
    assert embed(vecmill, source, "b.jsonl", *ALL, "--store", "f16").code == 0
    pairs = zip(read_db(vecmill.folder / "a.db", "<f2"), read_jsonl(vecmill.folder / "b.jsonl"), expected, strict=True)
    for row, same, wanted in pairs:
        assert np.array_equal(row[0], same[0]) and row[1] == same[1] and np.array_equal(row[2], same[2])
        assert np.abs(row[0] - wanted[1]).max() < 1e-3 and np.abs(row[2] - wanted[3]).max(initial=0) < 1e-3


def test_some_outputs(vecmill, source):
    assert embed(vecmill, source, "out.jsonl", "--outputs", "sparse").code == 0
    row = json.loads((vecmill.folder / "out.jsonl").read_text("utf8").splitlines()[40])
    assert set(row) == {"id", "sparse", "truncated", "metadata"}
    assert embed(vecmill, source, "m.db", "--outputs", "multivector").code == 0
    with sqlite3.connect(vecmill.folder / "m.db") as db:
        assert {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")} == \
            {"vectors", "meta", "multivectors"}
        assert db.execute("SELECT count(vector), count(*) FROM vectors").fetchone() == (0, 55)


def test_dense_alone_is_as_ever(vecmill, source):
    assert embed(vecmill, source, "a.jsonl").code == 0
    assert embed(vecmill, source, "b.jsonl", "--outputs", "dense").code == 0
    assert (vecmill.folder / "a.jsonl").read_bytes() == (vecmill.folder / "b.jsonl").read_bytes()
    assert (vecmill.folder / "a.meta.json").read_bytes() == (vecmill.folder / "b.meta.json").read_bytes()
    assert "vector" in json.loads((vecmill.folder / "a.jsonl").read_text("utf8").splitlines()[0])


def test_dims_cut_the_dense_vector_only(vecmill, source, expected):
    assert embed(vecmill, source, "out.jsonl", *ALL, "--dims", "8").code == 0
    for (dense, _, multi), wanted in zip(read_jsonl(vecmill.folder / "out.jsonl"), expected):
        cut = wanted[1][:8] / np.linalg.norm(wanted[1][:8])
        assert np.abs(dense - cut).max() < 1e-5 and multi.shape == wanted[3].shape


@pytest.mark.parametrize("flags", [["--threads", "1"], ["--batch-size", "1"], ["--batch-size", "9"]], ids=" ".join)
def test_flags_that_change_no_byte(vecmill, source, flags):
    assert embed(vecmill, source, "a.jsonl", *ALL).code == 0
    assert embed(vecmill, source, "b.jsonl", *ALL, *flags).code == 0
    assert (vecmill.folder / "a.jsonl").read_bytes() == (vecmill.folder / "b.jsonl").read_bytes()


@pytest.mark.parametrize("point", ["sink.write", "sink.commit", "file.append", "file.sync", "sink.finish", "file.rename"])
@pytest.mark.parametrize("out", ["out.jsonl", "out.db"])
def test_killed_and_resumed(vecmill, source, out, point):
    source.write_text(source.read_text("utf8") + "".join(
        json.dumps({"id": f"more{i}", "text": f"the mill {i} " * 12}) + "\n" for i in range(150)), "utf8")
    assert embed(vecmill, source, "whole" + out[3:], *ALL).code == 0
    for count in range(1, 4) if DEEP else [1 + (SEED + len(point) + len(out)) % 3]:
        killed = embed(vecmill, source, out, *ALL, env={"VECMILL_FAILPOINT": f"{point}:{count}"})
        assert killed.code in (0, 137)
        assert embed(vecmill, source, out, *ALL, "--resume").code == 0
        whole = files_of(vecmill.folder, "whole")
        ours = {name.replace("out", "whole"): data for name, data in files_of(vecmill.folder, "out").items()}
        assert ours.keys() == whole.keys() and all(ours[name] == whole[name] for name in whole), (point, count)
        for path in vecmill.folder.glob("out.*"):
            path.unlink()


def test_resume_wants_the_same_outputs(vecmill, source):
    killed = embed(vecmill, source, "out.db", *ALL, env={"VECMILL_FAILPOINT": "sink.finish:1"})
    assert killed.code == 137
    answer = embed(vecmill, source, "out.db", "--outputs", "dense,sparse", "--resume", "--json")
    assert answer.code == 7 and answer.error["code"] == "mismatch"
    assert embed(vecmill, source, "out.db", *ALL, "--resume").code == 0


def scores(question, row, mode):
    dense = float(np.dot(question[1], row[1]) / np.linalg.norm(question[1]) / np.linalg.norm(row[1]))
    sparse = sum(weight * row[2][token] for token, weight in question[2].items() if token in row[2])
    multi = float((question[3] @ row[3].T).max(axis=1).mean())
    return {"dense": dense, "sparse": sparse, "multivector": multi,
            "hybrid": 0.4 * dense + 0.2 * sparse + 0.4 * multi}[mode]


@pytest.mark.parametrize("mode", ["dense", "sparse", "multivector", "hybrid"])
@pytest.mark.parametrize("out", ["out.jsonl", "out.db"])
def test_query_modes(vecmill, source, expected, out, mode):
    assert embed(vecmill, source, out, *ALL).code == 0
    question = expected[40]
    answer = vecmill("query", question[0], "--index", out, "--mode", mode, "-k", "100", "--json").json
    found = {hit["id"]: hit["score"] for hit in answer["hits"]}
    assert len(found) == len(expected)
    for i, row in enumerate(expected):
        assert abs(found[f"t{i}"] - scores(question, row, mode)) < 2e-3 * max(1, abs(found[f"t{i}"])), i
    assert [hit["score"] for hit in answer["hits"]] == sorted(found.values(), reverse=True)


def test_query_takes_what_the_index_has(vecmill, source):
    assert embed(vecmill, source, "s.db", "--outputs", "sparse").code == 0
    assert vecmill("query", "the mill", "--index", "s.db", "-q", "-k", "1").code == 0
    for mode in ("dense", "multivector", "hybrid"):
        answer = vecmill("query", "the mill", "--index", "s.db", "--mode", mode, "--json")
        assert answer.code == 7 and "holds sparse" in answer.error["message"]
    assert embed(vecmill, source, "d.npy").code == 0
    answer = vecmill("query", "the mill", "--index", "d.npy", "--mode", "sparse", "--json")
    assert answer.code == 7 and "--outputs" in answer.error["hint"]


def test_npy_holds_dense_vectors_only(vecmill, source):
    answer = embed(vecmill, source, "out.npy", *ALL, "--json")
    assert answer.code == 2 and ".jsonl or .db" in answer.error["hint"]
    assert list(vecmill.folder.glob("out*")) == []


@pytest.mark.parametrize("value", ["", "dense,colbert", "sparse,sparse", "dense,"])
def test_outputs_that_are_none(vecmill, source, value):
    answer = embed(vecmill, source, "out.jsonl", "--outputs", value, "--json")
    assert answer.code == 2 and answer.error["where"] == "--outputs"


@pytest.mark.parametrize("model", ["builtin:hash", GOLDEN / "models/bert"])
def test_a_model_without_heads(vecmill, source, model):
    for more in ([], ["--dry-run"]):
        answer = embed(vecmill, source, "out.jsonl", "--outputs", "dense,sparse", *more, "--json", model=model)
        assert answer.code == 7 and answer.error["code"] == "unsupported"
        assert "dense" in answer.error["message"] and str(model) in answer.error["where"]
    assert list(vecmill.folder.glob("out*")) == []


def test_heads_in_a_pickle_are_read_on_import(vecmill, source, expected):
    folder = vecmill.folder / "model"
    shutil.copytree(MODEL, folder)
    for path in folder.glob("*_linear.safetensors"):
        path.unlink()
    assert embed(vecmill, source, "dense.npy", model=folder).code == 0
    answer = embed(vecmill, source, "out.db", *ALL, "--json", model=folder)
    assert answer.code == 7 and "sparse_linear.pt" in answer.error["message"]
    assert f"vecmill import {folder}" in answer.error["hint"]
    assert vecmill("import", folder, "--name", "org/m3").code == 0
    shown = vecmill("models", "show", "org/m3", "--json").json
    assert shown["modules"][-2:] == ["sparse head", "multi-vector head"]
    assert not list((vecmill.folder / shown["folder"]).glob("*.pt"))
    assert embed(vecmill, source, "out.db", *ALL, model="m3").code == 0
    for row, wanted in zip(read_db(vecmill.folder / "out.db"), expected):
        check_row(row, wanted)


def test_a_snapshot_that_another_tool_fetched(vecmill, source):
    """Weights as safetensors, heads as the Hub has them: dense at once, the others after an import."""
    snapshot = vecmill.folder / "hub/models--org--m3/snapshots" / ("a" * 40)
    shutil.copytree(MODEL, snapshot)
    vecmill.write("hub/models--org--m3/refs/main", "a" * 40)
    for path in snapshot.glob("*_linear.safetensors"):
        path.unlink()
    cache = {"HF_HUB_CACHE": str(vecmill.folder / "hub"), "VECMILL_HOME": str(vecmill.folder / "home")}
    assert embed(vecmill, source, "dense.npy", model="org/m3", env=cache).code == 0
    answer = embed(vecmill, source, "out.db", "--outputs", "multivector", "--json", model="m3", env=cache)
    assert answer.code == 7 and "colbert_linear.pt" in answer.error["message"]
    assert answer.error["hint"] == f"run: vecmill import {snapshot} --name org/m3"
    assert vecmill("import", snapshot, "--name", "org/m3", env=cache).code == 0
    assert embed(vecmill, source, "out.db", "--outputs", "multivector", model="org/m3", env=cache).code == 0


def test_a_head_that_does_not_fit(vecmill, source):
    folder = vecmill.folder / "model"
    shutil.copytree(MODEL, folder)
    shutil.copy(folder / "colbert_linear.safetensors", folder / "sparse_linear.safetensors")
    answer = embed(vecmill, source, "out.db", model=folder)
    assert answer.code == 7 and "sparse_linear.safetensors: tensor 'weight'" in answer.err
