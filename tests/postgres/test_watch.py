"""`embed --watch`: what is new or changed gets its vector, without anybody asking again."""

import json
import pathlib

import pytest
from tables import check_rows
from watching import watch  # noqa: F401

LONG = "1h"  # nothing is found by looking: only what tells of a change
JOIN = "FROM kb s JOIN kb_vectors o USING (id)"


def kb(db):
    return db.url("kb", key="id", text="body")


def insert(db, first, last):
    db.sql(f"INSERT INTO kb SELECT i, 'row ' || i FROM generate_series({first}, {last}) i")


def test_a_table_tells_of_its_changes(vecmill, db, watch):  # noqa: F811
    db.sql("CREATE TABLE kb(id int PRIMARY KEY, body text)")
    insert(db, 1, 100)
    watching = watch(kb(db), "--out", db.url("kb_vectors"), "--create", "--poll", LONG)
    watching.embedded(100)
    insert(db, 101, 103)
    watching.embedded(3)
    db.sql("UPDATE kb SET body = 'changed ' || id WHERE id <= 7")
    watching.embedded(7)
    for n in range(200, 240):  # some of them while others are embedded
        insert(db, n, n)
    watching.embedded(40)
    watching.end()
    rows = db.sql(f"SELECT body, vector {JOIN} ORDER BY id")
    assert len(rows) == 143
    check_rows(vecmill, rows)


def test_a_lost_session_loses_no_change(vecmill, db, watch):  # noqa: F811
    db.sql("CREATE TABLE kb(id int PRIMARY KEY, body text)")
    insert(db, 1, 5)
    watching = watch(kb(db), "--out", db.url("kb_vectors"), "--create", "--poll", LONG)
    watching.embedded(5)
    for n in (6, 7):
        db.sql(f"INSERT INTO kb VALUES ({n}, 'row {n}');"
               "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'vecmill'")
        watching.embedded(1)
    watching.end()


def test_a_server_that_was_out_for_a_moment_is_not_left_alone_for_the_whole_poll(vecmill, db, proxy, watch):  # noqa: F811
    db.sql("CREATE TABLE kb(id int PRIMARY KEY, body text)")
    insert(db, 1, 5)
    between = proxy(lambda *_: None)
    door = pathlib.Path(between.folder, ".s.PGSQL.5432")
    watching = watch(between.url("kb", key="id", text="body"), "--out", between.url("kb_vectors"),
                     "--create", "--poll", LONG)
    watching.embedded(5)
    for n in (6, 7):
        door.rename(door.with_name("away"))
        insert(db, n, n)  # told of on the open session; the pass needs another
        watching.says("No such file")
        door.with_name("away").rename(door)
        watching.embedded(1)
    watching.end()


def test_the_trigger_is_made_once_and_goes_with_its_table(vecmill, db, watch):  # noqa: F811
    db.sql('CREATE SCHEMA "odd ""one"; CREATE TABLE "odd ""one"."k b"(id int PRIMARY KEY, "te xt" text)')
    source = db.url("k%20b", schema="odd%20%22one", text="te%20xt")
    for first in (1, 2):
        watching = watch(source, "--out", db.url("kb_vectors"), "--create", "--poll", LONG)
        db.sql(f"INSERT INTO \"odd \"\"one\".\"k b\" VALUES ({first}, 'row')")
        watching.embedded(1)
        watching.end()
    assert db.value("SELECT count(*) FROM pg_trigger WHERE tgname = 'vecmill_watch'") == "1"
    db.sql('DROP TABLE "odd ""one"."k b"')


def test_without_a_trigger_it_looks_now_and_then(vecmill, db, watch):  # noqa: F811
    """Into the same rows: a text that changes is embedded again when its vector is emptied."""
    db.sql("CREATE TABLE kb(id int PRIMARY KEY, body text, v vector(256))")
    db.sql("INSERT INTO kb VALUES (1, 'one')")
    watching = watch(db.url("kb", key="id", text="body", vector="v"), "--poll", "1s")
    watching.embedded(1)
    db.sql("INSERT INTO kb VALUES (2, 'two'); UPDATE kb SET body = 'uno', v = NULL WHERE id = 1")
    watching.embedded(2)
    watching.end()
    assert any("--create" in line for line in watching.said)
    check_rows(vecmill, db.sql("SELECT body, v FROM kb"))


def test_files_of_a_folder(vecmill, db, watch):  # noqa: F811
    folder = vecmill.folder / "docs"
    folder.mkdir()

    def write(name, texts):
        """As a program does that wants no half of a file to be read."""
        lines = [json.dumps({"id": f"{name}-{i}", "text": text}) for i, text in enumerate(texts)]
        (vecmill.folder / "new").write_text("\n".join(lines) + "\n")
        (vecmill.folder / "new").rename(folder / f"{name}.jsonl")

    write("a", ["one", "two", "three"])
    words = (folder, "--out", db.url("notes"), "--create", "--poll", "1s")
    watching = watch(*words)
    watching.embedded(3)
    write("b", ["four"])
    watching.embedded(1)
    write("a", ["one", "TWO", "three", "five"])
    watching.embedded(2)
    watching.end()
    write("b", ["four", "six"])
    watching = watch(*words)
    watching.embedded(1)  # and not what was there
    watching.end()
    rows = db.sql("SELECT id, vector FROM notes ORDER BY id")
    expected = {"a-0": "one", "a-1": "TWO", "a-2": "three", "a-3": "five", "b-0": "four", "b-1": "six"}
    assert [row[0] for row in rows] == sorted(expected)
    check_rows(vecmill, [(expected[id_], vector) for id_, vector in rows])


def test_a_text_that_fails_is_not_asked_for_again(vecmill, db, watch):  # noqa: F811
    db.sql("CREATE TABLE kb(id int PRIMARY KEY, body text)")
    db.sql("INSERT INTO kb VALUES (1, 'one'), (2, '')")
    watching = watch(kb(db), "--out", db.url("kb_vectors"), "--create", "--poll", LONG, "--empty", "fail")
    report = watching.passes.get(timeout=60)
    assert (report["embedded"], report["failed"]) == (1, 1)
    db.sql("INSERT INTO kb VALUES (3, 'three')")
    watching.embedded(1)
    watching.end()


@pytest.mark.parametrize("words, code, says", [
    (["-", "--out", "OUT"], 2, "standard input cannot be watched"),
    (["a.txt", "--out", "a.npy"], 2, "watch into a table or a collection"),
    (["a.txt", "--out", "OUT", "--poll", "0"], 2, "is a second at least"),
    (["none.txt", "--out", "OUT"], 2, "there is no such file")])
def test_what_cannot_be_watched(vecmill, db, words, code, says):
    vecmill.write("a.txt", "one\n")
    out = db.url("notes")
    answer = vecmill.embed(*[out if word == "OUT" else word for word in words], "--watch", "--create")
    assert answer.code == code and says in answer.said, answer


def test_a_table_that_is_not_the_users_has_no_trigger(vecmill, db):
    db.sql("CREATE ROLE reader LOGIN") if db.value("SELECT count(*) FROM pg_roles WHERE rolname='reader'") == "0" else None
    db.sql("CREATE TABLE kb(id int PRIMARY KEY, body text); GRANT SELECT ON kb TO reader;"
           "GRANT CREATE, USAGE ON SCHEMA public TO reader")
    answer = vecmill.embed(db.url("kb", user="reader", text="body"), "--out", db.url("kb_vectors"), "--create", "--watch")
    assert answer.code == 4 and "kb" in answer.err, answer
