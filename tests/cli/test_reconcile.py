"""A file of vectors beside its source: what is lost or orphaned is found, mended and removed, and nothing else."""

import json
import signal
import sqlite3
import subprocess

import numpy as np
import pytest

from conftest import ROOT
from test_resume import interrupt

KEYS = {"schema", "source", "sink", "rows", "fine", "lost", "stale", "orphaned", "failed", "skipped", "mended",
        "failed_now", "removed", "tokens", "spend", "notes"}
COUNTS = ("rows", "fine", "lost", "stale", "orphaned", "failed", "skipped")
OUTPUTS = ["out.npy", "out.jsonl", "out.db"]


def write(vecmill, texts):
    return vecmill.write("in.jsonl", "".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in texts.items()))


def texts(count):
    return {f"r{i}": f"text {i}" for i in range(count)}


def reconcile(vecmill, *words, out="out.db", **options):
    return vecmill("reconcile", "in.jsonl", out, "--json", *words, **options)


def counts(answer):
    assert answer.out, answer.err
    report = json.loads(answer.out.splitlines()[-1])
    return answer.code, *(report[name] for name in COUNTS)


def rows_of(vecmill):
    with sqlite3.connect(vecmill.folder / "out.db") as db:
        assert db.execute("SELECT value FROM meta WHERE key = 'rows'").fetchone()[0] == str(
            db.execute("SELECT count(*) FROM vectors").fetchone()[0])
        return dict(db.execute("SELECT id, vector FROM vectors"))


def check_rows(vecmill, some):
    """What a run of today would make of them."""
    rows = rows_of(vecmill)
    assert sorted(rows) == sorted(some)
    for old in vecmill.folder.glob("fresh.*"):
        old.unlink()
    assert vecmill.embed("in.jsonl", "fresh.npy").code == 0
    for i, vector in zip(some, np.load(vecmill.folder / "fresh.npy")):
        assert rows[i] == vector.tobytes(), i


@pytest.mark.parametrize("out", OUTPUTS)
def test_found(vecmill, out):
    write(vecmill, texts(5000))
    assert vecmill.embed("in.jsonl", out).code == 0
    report = reconcile(vecmill, out=out)
    assert counts(report) == (0, 5000, 5000, 0, None, 0, 0, 0)
    assert set(report.json) == KEYS and report.json["schema"] == "vecmill.reconcile.v1"
    changed = {"new": "a", **texts(5002)}
    del changed["r7"]
    write(vecmill, changed)
    before = (vecmill.folder / out).read_bytes()
    found = reconcile(vecmill, "--list", out=out)
    assert counts(found) == (1, 5002, 4999, 3, None, 1, 0, 0)
    assert [tuple(json.loads(line).values()) for line in found.out.splitlines()[:-1]] == [
        ("lost", "new"), ("lost", "r5000"), ("lost", "r5001"), ("orphaned", "r7")]
    plain = vecmill("reconcile", "in.jsonl", out, "--list")
    assert plain.out == "lost\tnew\nlost\tr5000\nlost\tr5001\norphaned\tr7\n" and "fine 4,999" in plain.err
    table = vecmill("reconcile", "in.jsonl", out).out.split()
    assert table == "fine 4,999 lost 3 stale not known orphaned 1 failed 0".split()
    assert (vecmill.folder / out).read_bytes() == before


@pytest.mark.parametrize("out", OUTPUTS)
def test_failed_texts_are_told_apart(vecmill, out):
    write(vecmill, {"a": "one", "b": "  ", "c": "three"})
    assert vecmill.embed("in.jsonl", out, "--empty", "fail").code == 3
    found = reconcile(vecmill, "--list", out=out)
    assert counts(found) == (3, 3, 2, 0, None, 0, 1, 0)
    assert json.loads(found.out.splitlines()[0]) == {"row": "failed", "id": "b"}
    (vecmill.folder / "out.failed.jsonl").unlink()
    assert counts(reconcile(vecmill, out=out)) == (1, 3, 2, 1, None, 0, 0, 0)
    assert counts(reconcile(vecmill, "--empty", "skip", out=out)) == (0, 3, 2, 0, None, 0, 0, 1)


def test_mended_and_removed(vecmill):
    write(vecmill, texts(3000))
    assert vecmill.embed("in.jsonl", "out.db").code == 0
    changed = {**{f"n{i}": f"new {i}" for i in range(2500)}, **texts(3000)}
    for i in range(0, 3000, 2):
        del changed[f"r{i}"]
    write(vecmill, changed)
    mended = reconcile(vecmill, "--mend")
    assert counts(mended) == (1, 4000, 1500, 2500, None, 1500, 0, 0)
    assert (mended.json["mended"], mended.json["removed"]) == (2500, 0)
    assert len(rows_of(vecmill)) == 5500, "an orphan is not removed unasked"
    removed = reconcile(vecmill, "--remove-orphans")
    assert counts(removed)[0] == 0 and removed.json["removed"] == 1500
    check_rows(vecmill, changed)
    found = vecmill("query", "new 7", "--index", "out.db", "-k", "1", "--quiet")
    assert found.out == "n7\n", found


@pytest.mark.parametrize("point", ["sink.shared:1", "sink.shared:2", "reconcile.remove:1", "reconcile.remove:2"])
def test_killed(vecmill, point):
    write(vecmill, texts(1500))
    assert vecmill.embed("in.jsonl", "out.db").code == 0
    changed = {f"n{i}": f"new {i}" for i in range(4100)} | {"r0": "text 0"}
    write(vecmill, changed)
    assert reconcile(vecmill, "--mend", "--remove-orphans", env={"VECMILL_FAILPOINT": point}).code == 137
    done = len(rows_of(vecmill))
    again = reconcile(vecmill, "--mend", "--remove-orphans").json
    if "shared" in point:
        assert again["mended"] == 4100 - (done - 1500) > 0 and again["removed"] == 1499
    else:
        assert again["mended"] == 0 and again["removed"] == done - 4101 > 0
    check_rows(vecmill, changed)


def test_interrupted(vecmill):
    write(vecmill, {"r0": "text 0"})
    assert vecmill.embed("in.jsonl", "out.db").code == 0
    some = texts(20_000)
    source = write(vecmill, some)
    words = ["reconcile", "-", "out.db", "--format", "jsonl", "--mend"]
    process = vecmill.start(*words, stdin=subprocess.PIPE)
    data = source.read_bytes()
    said = interrupt(process, data[:data.index(b"\n", len(data) // 2) + 1], signal.SIGINT)
    assert process.returncode == 130 and said == "interrupted: the same command goes on"
    done = len(rows_of(vecmill))
    assert done < 20_000
    assert vecmill(*words, "--json", stdin=data).json["mended"] == 20_000 - done
    check_rows(vecmill, some)


def test_two_outputs_of_a_text_go_together(vecmill):
    model = ROOT / "tests/golden/models/xlm-roberta-m3"
    words = ["--model", model, "--outputs", "dense,sparse,multivector", "--out", "out.db"]
    write(vecmill, texts(4))
    assert vecmill("embed", "in.jsonl", *words).code == 0
    write(vecmill, {**texts(3), "new": "x"})
    refused = reconcile(vecmill, "--mend")
    assert refused.code == 2 and "rows of dense vectors can be mended" in refused.err
    assert reconcile(vecmill, "--remove-orphans").json["removed"] == 1
    with sqlite3.connect(vecmill.folder / "out.db") as db:
        for table in ("vectors", "sparse", "multivectors"):
            ids = {row[0] for row in db.execute(f"SELECT DISTINCT id FROM {table}")}
            assert ids == {"r0", "r1", "r2"}, table


def test_what_fails_in_mending_is_named(vecmill):
    write(vecmill, {"a": "one"})
    assert vecmill.embed("in.jsonl", "out.db").code == 0
    write(vecmill, {"a": "one", "b": " "})
    failed = reconcile(vecmill, "--mend", "--empty", "fail")
    assert failed.code == 3 and failed.json["failed_now"] == 1
    assert failed.json["notes"][0].startswith("no row for b (")


def test_standard_input_and_several_inputs(vecmill):
    write(vecmill, texts(10))
    vecmill.write("more.jsonl", json.dumps({"id": "m", "text": "x"}))
    assert vecmill.embed("in.jsonl", "out.db").code == 0
    both = vecmill("reconcile", "in.jsonl", "more.jsonl", "out.db", "--json", "--mend")
    assert counts(both) == (0, 11, 10, 1, None, 0, 0, 0)
    piped = ["reconcile", "-", "out.db", "--format", "jsonl", "--json", "--mend"]
    data = json.dumps({"id": "m", "text": "x"}).encode()
    assert counts(vecmill(*piped, stdin=data)) == (1, 1, 1, 0, None, 10, 0, 0)
    twice = vecmill(*piped, "--remove-orphans", stdin=data)
    assert twice.code == 2 and "read twice" in twice.error["message"]


def test_nothing_is_removed_for_a_source_that_is_not_whole(vecmill):
    write(vecmill, texts(10))
    assert vecmill.embed("in.jsonl", "out.db").code == 0
    for damage, said in [("{\"id\": \"r0\", \"text\": \"text 0\"}\n{\"id\": \"r1\"", "in.jsonl:2"), ("", "no text in the input")]:
        vecmill.write("in.jsonl", damage)
        answer = reconcile(vecmill, "--remove-orphans", "--yes")
        assert answer.code == 7 and said in answer.err
    write(vecmill, {"x1": "of other", "x2": "ids"})
    strange = reconcile(vecmill, "--remove-orphans")
    assert strange.code == 7 and "nothing was removed" in strange.error["message"] and "--yes" in strange.error["hint"]
    assert len(rows_of(vecmill)) == 10
    assert reconcile(vecmill, "--remove-orphans", "--yes").json["removed"] == 10
    assert rows_of(vecmill) == {}


@pytest.mark.parametrize("out", ["out.npy", "out.jsonl"])
def test_files_of_one_run_are_left_alone(vecmill, out):
    write(vecmill, texts(3))
    assert vecmill.embed("in.jsonl", out).code == 0
    for flag in ("--mend", "--remove-orphans"):
        refused = reconcile(vecmill, flag, out=out)
        assert refused.code == 2 and "a .db, a table or a collection" in refused.error["hint"]


def test_bad_input(vecmill):
    write(vecmill, texts(5000))
    for words, code, said in [
            (["in.jsonl"], 2, "no two sides"),
            (["in.jsonl", "out.db"], 2, "no such file"),
            (["in.jsonl", "out.txt"], 2, "is no output of embed"),
            (["in.jsonl", "in.jsonl"], 2, "in.meta.json")]:
        answer = vecmill("reconcile", *words, "--json")
        assert (answer.code, said in answer.err) == (code, True), answer.err
    assert vecmill.embed("in.jsonl", "bare.npy").code == 0
    (vecmill.folder / "bare.ids.txt").unlink()
    without = reconcile(vecmill, out="bare.npy")
    assert without.code == 7 and "has no ids" in without.error["message"]
    assert vecmill.embed("in.jsonl", "half.db", env={"VECMILL_FAILPOINT": "sink.commit:2"}).code == 137
    half = reconcile(vecmill, out="half.db")
    assert half.code == 2 and "--resume" in half.error["hint"]
    assert vecmill.embed("in.jsonl", "out.db").code == 0
    missing = vecmill("reconcile", "none.jsonl", "out.db", "--json")
    assert missing.code == 2 and "none.jsonl" in missing.err
    vecmill.write("in.jsonl", json.dumps({"id": "new", "text": "x"}))
    other = reconcile(vecmill, "--mend", "--dims", "64")
    assert other.code == 7 and "64 dimensions" in other.error["message"]
    assert len(rows_of(vecmill)) == 5000
