"""The cache as its users meet it: the same bytes with and without it, what the reports say, the
commands that look after it, and files that cannot be one."""

import json
import os
import pathlib
import shutil
import sqlite3
import stat
import subprocess
import time

import pytest

from conftest import ROOT, files_of
from test_bad_input import refused

TEXTS = [f"text number {i}, some words of it" for i in range(200)] + ["text number 7, some words of it", ""]


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def notes(vecmill):
    return vecmill.write("notes.jsonl", "".join(json.dumps({"id": str(i), "text": text}) + "\n"
                                                 for i, text in enumerate(TEXTS)))


def store(home: pathlib.Path) -> pathlib.Path:
    return home / "cache" / "vectors.db"


def cache_of(answer) -> dict:
    assert answer.code in (0, 3), answer
    return answer.json["cache"]


def counts(answer) -> tuple:
    cache = cache_of(answer)
    assert cache["used"] and cache["failures"] == 0
    return cache["hits"], cache["misses"], cache["duplicates"]


def damage_a_row(path: pathlib.Path) -> None:
    with sqlite3.connect(path) as db:
        number, row = db.execute("SELECT id, row FROM vectors LIMIT 1").fetchone()
        row = row[:80] + bytes([row[80] ^ 1]) + row[81:]
        db.execute("UPDATE vectors SET row=? WHERE id=?", (row, number))
    db.close()


@pytest.mark.parametrize("out", ["out.npy", "out.jsonl", "out.db"])
def test_the_output_has_the_same_bytes_whatever_the_cache_holds(vecmill, home, notes, out):
    assert not cache_of(vecmill.embed(notes, out, "--json"))["used"], "a local model: only when asked for"
    plain = files_of(vecmill.folder, "out")
    for turn, wanted in [("cold", (0, 201, 1)), ("warm", (202, 0, 0)), ("damaged row", (201, 1, 0))]:
        for path in vecmill.folder.glob("out.*"):
            path.unlink()
        if turn == "damaged row":
            damage_a_row(store(home))
        answer = vecmill.embed(notes, out, "--cache", "--json")
        hits, misses, duplicates = counts(answer)
        if turn == "damaged row":  # it may be that of two equal texts
            assert (hits, misses, duplicates) in [(201, 1, 0), (200, 1, 1)]
        else:
            assert (hits, misses, duplicates) == wanted, turn
        assert files_of(vecmill.folder, "out") == plain, turn
    report = json.loads((vecmill.folder / "out.report.json").read_text())
    assert report["cache"]["misses"] == 1


def test_a_transformer(vecmill, notes):
    words = ("embed", notes, "--model", ROOT / "tests/golden/models/bert-bare", "--max-seq-length", "6")
    assert vecmill(*words, "--out", "plain.npy").code == 0
    assert vecmill(*words, "--out", "cold.npy", "--cache").code == 0
    warm = vecmill(*words, "--out", "warm.npy", "--cache", "--json")
    assert counts(warm) == (202, 0, 0)
    assert warm.json["truncated_texts"] > 0
    vectors = [(vecmill.folder / f"{name}.npy").read_bytes() for name in ("plain", "cold", "warm")]
    assert vectors[0] == vectors[1] == vectors[2]
    assert counts(vecmill(*words[:4], "--out", "x.npy", "--cache", "--json"))[0] == 0


def test_a_text_that_may_not_be_cut_fails_though_its_cut_vector_is_there(vecmill):
    vecmill.write("a.txt", "a b c d e f g h\none\n")
    words = ("--cache", "--max-seq-length", "4", "--json")
    assert counts(vecmill.embed("a.txt", "cut.npy", *words)) == (0, 2, 0)
    answer = vecmill.embed("a.txt", "whole.npy", *words, "--truncate", "error")
    assert (answer.code, answer.json["failed"], answer.json["cache"]["hits"]) == (3, 1, 1)
    assert "too_long" in (vecmill.folder / "whole.failed.jsonl").read_text()


def test_settings_and_flags_say_whether_there_is_a_cache(vecmill, home, notes):
    vecmill.write("vecmill.toml", '[cache]\nenabled = true\npath = "here.db"\nmax_size = "32MiB"\nttl = "2d"\n')
    assert counts(vecmill.embed(notes, "a.npy", "--json"))[1] == 201
    assert not cache_of(vecmill.embed(notes, "b.npy", "--json", "--no-cache"))["used"]
    assert not cache_of(vecmill.embed(notes, "c.npy", "--json", env={"VECMILL_CACHE": "false"}))["used"]
    status = vecmill("cache", "stats", "--json").json
    assert (status["path"], status["rows"], status["max_bytes"]) == ("here.db", 201, 32 << 20)
    assert not store(home).exists()
    refused(vecmill.embed(notes, "d.npy", "--cache", "--no-cache"), 2, "--cache and --no-cache")
    for bad in (["--cache-max-size", "ten"], ["--cache-max-size", "1MB"], ["--cache-ttl", "week"]):
        refused(vecmill.embed(notes, "d.npy", "--cache", *bad), 2)


def test_a_query_uses_it_when_told(vecmill, notes):
    assert vecmill.embed(notes, "index.npy").code == 0
    answers = [vecmill("query", "some words", "--index", "index.npy", *more).out
               for more in ([], ["--cache"], ["--cache"])]
    assert answers[0] == answers[1] == answers[2] != ""
    assert vecmill("cache", "stats", "--json").json["rows"] == 1


def test_what_it_makes_is_its_users_alone(vecmill, home, notes):
    assert vecmill.embed(notes, "a.npy", "--cache").code == 0
    assert stat.S_IMODE((home / "cache").stat().st_mode) == 0o700
    for path in (home / "cache").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for path in (home / "cache").iterdir():
        assert b"some words" not in path.read_bytes(), path


def test_equal_texts_of_two_homes_have_different_keys(vecmill, home, notes):
    ids = []
    for name in ("one", "two"):
        vecmill.env["VECMILL_HOME"] = str(home / name)
        assert vecmill.embed(notes, f"{name}.npy", "--cache").code == 0
        with sqlite3.connect(store(home / name)) as db:
            ids.append({row[0] for row in db.execute("SELECT id FROM vectors")})
        db.close()
    assert len(ids[0]) == len(ids[1]) == 201 and not ids[0] & ids[1]


# ---- the commands

def test_warm_embeds_into_the_cache_only(vecmill, notes):
    first = vecmill("cache", "warm", notes, "--model", "builtin:hash", "--json").json
    assert (first["embedded"], first["there_already"], first["duplicates"]) == (201, 0, 1)
    assert {path.name for path in vecmill.folder.iterdir()} == {"notes.jsonl", "home"}
    again = vecmill("cache", "warm", notes, "--model", "builtin:hash")
    assert again.code == 0 and again.out == "0 vectors embedded, 202 there already, 0 of equal texts\n"
    assert counts(vecmill.embed(notes, "out.npy", "--cache", "--json")) == (202, 0, 0)


def test_stats_prune_compact_and_clear(vecmill, home, notes):
    empty = vecmill("cache", "stats", "--json").json
    assert (empty["exists"], empty["rows"]) == (False, 0)
    assert not home.exists(), "only asked"
    for verb in ("prune", "compact", "verify"):
        assert vecmill("cache", verb).code == 0
    assert not home.exists()
    assert vecmill.embed(notes, "a.npy", "--cache").code == 0
    full = vecmill("cache", "stats", "--json").json
    assert (full["rows"], full["path"], full["encrypted"]) == (201, str(store(home)), False)
    assert 0 < full["bytes"] <= full["max_bytes"] == 10**10
    assert vecmill.embed(notes, "b.npy", "--cache").code == 0
    both = vecmill("cache", "stats", "--json").json
    assert (both["found_30d"], both["missed_30d"]) == (201, 201)
    assert "hit rate  50.0 % of 402 look-ups in 30 days" in vecmill("cache", "stats").out
    assert vecmill("cache", "prune", "--json").json["removed"] == 0
    old = int(time.time()) - 8 * 86400
    with sqlite3.connect(store(home)) as db:
        db.execute("UPDATE vectors SET made=? WHERE id IN (SELECT id FROM vectors LIMIT 50)", (old,))
    db.close()
    assert vecmill("cache", "prune", "--older-than", "9d", "--json").json["removed"] == 0
    assert vecmill("cache", "prune", "--older-than", "7d", "--json").json["removed"] == 50
    assert vecmill("cache", "prune", "--max-size", "100kB", "--json").json["removed"] > 0
    assert vecmill("cache", "compact", "--json").json["freed_bytes"] > 0
    left = vecmill("cache", "stats", "--json").json
    assert 0 < left["rows"] < 151 and left["bytes"] < 150_000
    refused(vecmill("cache", "clear"), 2, "--yes")
    assert vecmill("cache", "clear", "--yes", "--json").json["removed"] == left["rows"]
    assert vecmill("cache", "stats", "--json").json["rows"] == 0


def test_what_is_too_old_is_made_again(vecmill, home, notes):
    assert vecmill.embed(notes, "a.npy", "--cache").code == 0
    with sqlite3.connect(store(home)) as db:
        db.execute("UPDATE vectors SET made=made-31*86400 WHERE id IN (SELECT id FROM vectors LIMIT 50)")
        db.execute("UPDATE vectors SET made=made-29*86400 WHERE made > strftime('%s')-86400")
    db.close()
    assert counts(vecmill.embed(notes, "b.npy", "--cache", "--json"))[1] == 50
    assert counts(vecmill.embed(notes, "c.npy", "--cache", "--json", "--cache-ttl", "7d"))[1] == 151
    assert counts(vecmill.embed(notes, "d.npy", "--cache", "--json", "--cache-ttl", "0"))[1] == 0


def test_verify_drops_what_is_damaged(vecmill, home, notes):
    assert vecmill.embed(notes, "a.npy", "--cache").code == 0
    whole = vecmill("cache", "verify", "--json")
    assert (whole.code, whole.json["rows"], whole.json["dropped"]) == (0, 201, 0)
    damage_a_row(store(home))
    found = vecmill("cache", "verify", "--json")
    assert (found.code, found.json["rows"], found.json["dropped"]) == (1, 200, 1)
    assert vecmill("cache", "verify").code == 0


def test_export_and_import(vecmill, home, notes):
    refused(vecmill("cache", "export", "none.vmc"), 2, "there is no cache")
    assert vecmill.embed(notes, "a.npy", "--cache").code == 0
    assert vecmill("cache", "export", "all.vmc", "--json").json["rows"] == 201
    archive = vecmill.folder / "all.vmc"
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    before = archive.read_bytes()
    refused(vecmill("cache", "export", "all.vmc"), 2, "all.vmc", "there already")
    assert archive.read_bytes() == before
    assert vecmill("cache", "clear", "--yes").code == 0
    for bad in (before[:-1], before[:5000] + bytes([before[5000] ^ 1]) + before[5001:], b"", b"something else"):
        vecmill.write("bad.vmc", bad)
        refused(vecmill("cache", "import", "bad.vmc"), 7, "bad.vmc")
        assert vecmill("cache", "stats", "--json").json["rows"] == 0
    refused(vecmill("cache", "import", "missing.vmc"), 2, "missing.vmc")
    assert vecmill("cache", "import", "all.vmc").out == "took over 201 vectors from all.vmc\n"
    assert counts(vecmill.embed(notes, "b.npy", "--cache", "--json")) == (202, 0, 0)


def test_words_that_are_no_command(vecmill):
    refused(vecmill("cache", "prunne"), 2, "did you mean prune?")
    refused(vecmill("cache"), 2, "stats")
    refused(vecmill("cache", "warm"), 2, "nothing to embed")
    refused(vecmill("cache", "export"), 2)
    refused(vecmill("cache", "prune", "--older-than", "soon"), 2, "--older-than", "7d")


# ---- encryption

KEY, OTHER = "0f" * 32, "1e" * 32


def test_an_encrypted_cache(vecmill, home, notes):
    key = vecmill.write("key", KEY + "\n")
    key.chmod(0o600)
    with_file = ("--cache", "--json", "--cache-key-file", "key")
    with_name = ("--cache", "--json", "--cache-key-env", "MY_KEY")
    assert counts(vecmill.embed(notes, "a.npy", *with_file))[1] == 201
    assert counts(vecmill.embed(notes, "b.npy", *with_name, env={"MY_KEY": KEY})) == (202, 0, 0)
    assert vecmill("cache", "stats", "--json", "--cache-key-file", "key").json["encrypted"]
    before = store(home).read_bytes()
    refused(vecmill.embed(notes, "c.npy", "--cache"), 4, "encrypted", "no key")
    refused(vecmill("cache", "stats"), 4, "encrypted", "no key")
    refused(vecmill.embed(notes, "c.npy", *with_name[:1], *with_name[2:], env={"MY_KEY": OTHER}), 4, "this key")
    refused(vecmill.embed(notes, "c.npy", *with_name[:1], *with_name[2:]), 4, "MY_KEY")
    for bad in ("", "short", OTHER + "0", "g" * 64):
        answer = vecmill.embed(notes, "c.npy", *with_name[:1], *with_name[2:], env={"MY_KEY": bad})
        refused(answer, 4, "MY_KEY", "64")
        assert not bad or bad not in answer.err
    refused(vecmill.embed(notes, "c.npy", "--cache", "--cache-key-file", "key", "--cache-key-env", "X"), 2, "twice")
    refused(vecmill.embed(notes, "c.npy", "--cache", "--cache-key-file", "none"), 4, "none")
    key.chmod(0o644)
    refused(vecmill.embed(notes, "c.npy", "--cache", "--cache-key-file", "key"), 8, "key", "chmod 600")
    assert store(home).read_bytes() == before
    assert (vecmill.folder / "a.npy").read_bytes() == (vecmill.folder / "b.npy").read_bytes()


# ---- files that cannot be used

@pytest.fixture
def used(vecmill, home, notes):
    assert vecmill.embed(notes, "first.npy", "--cache").code == 0
    return store(home)


def set_version(path: pathlib.Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=99")
    db.close()


BAD_STORES = [
    ("another version", set_version, ["version 99"]),
    ("readable by others", lambda path: path.chmod(0o644), ["chmod 600"]),
    ("a link", lambda path: (path.rename(path.with_name("x")), path.symlink_to(path.with_name("x"))), ["link"]),
    ("a folder", lambda path: (path.unlink(), path.mkdir()), ["not a file"]),
    ("another user's", lambda path: os.chown(path, 1234, 1234), ["another user"]),
]


@pytest.mark.parametrize("change, parts", [b[1:] for b in BAD_STORES], ids=[b[0] for b in BAD_STORES])
def test_a_file_that_cannot_be_used_is_named_and_stays(vecmill, used, notes, change, parts):
    if parts == ["another user"] and os.geteuid() != 0:
        pytest.skip("may not give a file away")
    change(used)
    before = used.read_bytes() if used.is_file() else None
    refused(vecmill.embed(notes, "out.npy", "--cache"), 8, "vectors.db", *parts)
    refused(vecmill("cache", "stats"), 8, "vectors.db", *parts)
    refused(vecmill("cache", "clear", "--yes"), 8, "vectors.db", *parts)
    assert before is None or used.read_bytes() == before
    assert not list(vecmill.folder.glob("out.*"))
    assert vecmill.embed(notes, "out.npy", "--no-cache").code == 0


def test_somebodys_file_is_not_taken_for_a_cache(vecmill, notes):
    mine = vecmill.write("mine.txt", "dear to me\n")
    mine.chmod(0o600)
    with sqlite3.connect(vecmill.folder / "mine.db") as db:
        db.execute("CREATE TABLE mine(x)")
    db.close()
    (vecmill.folder / "mine.db").chmod(0o600)
    for name in ("mine.txt", "mine.db"):
        before = (vecmill.folder / name).read_bytes()
        refused(vecmill.embed(notes, "out.npy", "--cache", "--cache-path", name), 8, name)
        assert (vecmill.folder / name).read_bytes() == before
    assert not list(vecmill.folder.glob("*.corrupt"))


def test_a_damaged_file_is_set_aside_and_the_run_goes_on(vecmill, used, notes):
    garbage = b"not a database at all " * 500
    used.write_bytes(garbage)
    answer = vecmill.embed(notes, "second.npy", "--cache", "--json")
    assert counts(answer)[1] == 201
    assert answer.json["cache"]["set_aside"].endswith("vectors.db.corrupt") and "was damaged" in answer.err
    assert used.with_name("vectors.db.corrupt").read_bytes() == garbage
    assert (vecmill.folder / "second.npy").read_bytes() == (vecmill.folder / "first.npy").read_bytes()


def test_a_secret_that_cannot_be_used_is_named_and_stays(vecmill, home, used, notes):
    secret = home / "cache" / "secret"
    whole = secret.read_bytes()
    secret.chmod(0o640)
    refused(vecmill.embed(notes, "out.npy", "--cache"), 8, "cache/secret", "chmod 600")
    secret.chmod(0o600)
    for damaged in (b"", whole[:40], whole.replace(whole[20:21], b"x", 1), whole * 2):
        secret.write_bytes(damaged)
        refused(vecmill.embed(notes, "out.npy", "--cache"), 8, "cache/secret", "damaged")
        assert secret.read_bytes() == damaged
    secret.write_bytes(whole)
    assert counts(vecmill.embed(notes, "out.npy", "--cache", "--json"))[1] == 0


def test_a_full_disk_costs_the_cache_and_not_the_run(vecmill, small_disk):
    vecmill.write("many.txt", "".join(f"text {i} of many\n" for i in range(2000)))
    assert vecmill.embed("many.txt", "plain.npy").code == 0
    answer = vecmill.embed("many.txt", "out.npy", "--cache", "--cache-path", small_disk / "c.db", "--json")
    assert answer.code == 0 and answer.json["cache"]["failures"] > 0
    assert "could not be used" in answer.err and "c.db" in answer.err
    assert (vecmill.folder / "out.npy").read_bytes() == (vecmill.folder / "plain.npy").read_bytes()
    refused(vecmill("cache", "warm", "many.txt", "--model", "builtin:hash", "--cache-path", small_disk / "c.db"), 8, "c.db")
    subprocess.run(["mount", "-o", "remount,size=32m", small_disk], check=True)
    again = vecmill.embed("many.txt", "again.npy", "--cache", "--cache-path", small_disk / "c.db", "--json")
    assert sum(counts(again)) == 2000
    assert vecmill("cache", "verify", "--cache-path", small_disk / "c.db").code == 0
    assert (vecmill.folder / "again.npy").read_bytes() == (vecmill.folder / "plain.npy").read_bytes()


def test_killed_in_the_middle_and_warmed_again(vecmill, notes):
    for point in ("cache.put:1", "cache.commit:1", "cache.secret:1"):
        shutil.rmtree(vecmill.env["VECMILL_HOME"], ignore_errors=True)
        killed = vecmill("cache", "warm", notes, "--model", "builtin:hash", env={"VECMILL_FAILPOINT": point})
        assert killed.code == 137
        again = vecmill("cache", "warm", notes, "--model", "builtin:hash", "--json").json
        assert again["embedded"] + again["there_already"] + again["duplicates"] == 202
        assert (again["there_already"] > 0) == (point == "cache.commit:1")
        assert vecmill("cache", "verify").code == 0


def test_two_at_once(vecmill, notes):
    both = [vecmill.start("embed", notes, "--model", "builtin:hash", "--out", f"{n}.npy", "--cache") for n in (1, 2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert (vecmill.folder / "1.npy").read_bytes() == (vecmill.folder / "2.npy").read_bytes()
    assert vecmill("cache", "verify", "--json").json == {"schema": "vecmill.cache.v1", "rows": 201, "dropped": 0,
                                                         "set_aside": ""}
