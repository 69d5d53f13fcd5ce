"""Tables beside their sources: what is lost, stale or orphaned is found, mended and removed, and nothing else."""

import json

import pytest
from tables import check_rows

COUNTS = ("rows", "fine", "lost", "stale", "orphaned", "failed")
COUNT = 4500  # three pages of the source, more than one window


def fill(db, count=COUNT):
    db.sql("CREATE TABLE kb(id bigint PRIMARY KEY, body text);"
           f"INSERT INTO kb SELECT i, 'text ' || i FROM generate_series(1, {count}) i")


def reconcile(vecmill, source, sink, *more, env=None):
    return vecmill("reconcile", source, sink, "--json", *more, env=env)


def counts(answer):
    assert answer.out, answer.err
    report = json.loads(answer.out.splitlines()[-1])
    return answer.code, *(report[name] for name in COUNTS)


@pytest.fixture
def beside(vecmill, db):
    """A table of texts and one of its vectors; then a text is changed, two come, one goes, one becomes NULL."""
    fill(db)
    source, sink = db.url("kb", text="body"), db.url("notes")
    assert vecmill.embed(source, "--out", sink, "--create").json["embedded"] == COUNT
    assert counts(reconcile(vecmill, source, sink)) == (0, COUNT, COUNT, 0, 0, 0, 0)
    db.sql("UPDATE kb SET body = 'another' WHERE id = 3; UPDATE kb SET body = NULL WHERE id = 4; DELETE FROM kb WHERE id = 5;"
           f"INSERT INTO kb VALUES (0, 'new'), ({COUNT + 1}, 'newer')")
    return source, sink


def check_all(vecmill, db):
    assert db.value("SELECT count(*) FROM kb WHERE body IS NOT NULL") == db.value("SELECT count(*) FROM notes")
    check_rows(vecmill, db.sql("SELECT body, vector FROM kb JOIN notes USING (id) ORDER BY id"))


def test_found_mended_and_removed(vecmill, db, beside):
    before = db.sql("SELECT * FROM notes ORDER BY id")
    found = reconcile(vecmill, *beside, "--list")
    assert counts(found) == (1, COUNT, COUNT - 3, 2, 1, 2, 0)
    lines = [tuple(json.loads(line).values()) for line in found.out.splitlines()[:-1]]
    assert lines == [("lost", "0"), ("stale", "3"), ("lost", str(COUNT + 1)), ("orphaned", "4"), ("orphaned", "5")]
    assert db.sql("SELECT * FROM notes ORDER BY id") == before, "nothing is changed unasked"
    mended = reconcile(vecmill, *beside, "--mend")
    assert mended.code == 1 and (mended.json["mended"], mended.json["removed"]) == (3, 0)
    assert db.value("SELECT count(*) FROM notes WHERE id IN (4, 5)") == "2", "orphans are not removed unasked"
    removed = reconcile(vecmill, *beside, "--remove-orphans")
    assert counts(removed) == (0, COUNT, COUNT, 0, 0, 2, 0) and removed.json["removed"] == 2
    check_all(vecmill, db)


@pytest.mark.parametrize("point", ["postgres.write:1", "postgres.written:1", "postgres.written:2", "postgres.finish:1",
                                   "reconcile.remove:2"])
def test_the_program_is_killed(vecmill, db, point):
    fill(db)
    source, sink = db.url("kb", text="body"), db.url("notes")
    words = [source, sink, "--mend", "--remove-orphans"]
    assert vecmill.embed(source, "--out", sink, "--create").code == 0
    db.sql("UPDATE kb SET body = 'other ' || id WHERE id % 3 = 0; DELETE FROM notes WHERE id % 3 = 1;"
           "DELETE FROM kb WHERE id % 3 = 2 AND id > 9")
    assert reconcile(vecmill, *words, env={"VECMILL_FAILPOINT": point}).code == 137
    again = reconcile(vecmill, *words)
    assert again.code == 0, again.err
    assert 0 < again.json["removed"] <= 1497 and again.json["mended"] <= 3000
    check_all(vecmill, db)
    assert counts(reconcile(vecmill, source, sink)) == (0, 3003, 3003, 0, 0, 0, 0)


class AtRead:
    """Does something before the n-th statement that reads texts."""

    def __init__(self, number, action):
        self.left, self.action = number, action

    def __call__(self, kind, body, proxy):
        if kind != b"P" or b"AS body" not in body:
            return
        self.left -= 1
        if self.left == 0:
            self.action()


def test_the_source_changes_meanwhile(vecmill, db, beside, proxy):
    """After the sink was read: a new row that somebody else embeds at once is no orphan. Before the second look: neither
    is one that came back; one that went away is."""
    def between():
        db.sql("INSERT INTO kb VALUES (7000, 'newest');"
               "INSERT INTO notes SELECT 7000, vector, sha256('newest'), space FROM notes WHERE id = 1")

    once = proxy(AtRead(1, between))
    report = reconcile(vecmill, once.url("kb", text="body"), once.url("notes"))
    assert counts(report) == (1, COUNT + 1, COUNT - 3, 3, 1, 2, 0), "written too late to be seen, never an orphan"

    # Three pages and the end of the first reading, then the second one begins.
    back = proxy(AtRead(5, lambda: db.sql("INSERT INTO kb VALUES (5, 'text 5'); DELETE FROM kb WHERE id = 6")))
    removed = reconcile(vecmill, back.url("kb", text="body"), back.url("notes"), "--remove-orphans").json
    assert (removed["orphaned"], removed["removed"]) == (1, 1)
    assert db.sql("SELECT id FROM notes WHERE id < 8 ORDER BY id") == [["1"], ["2"], ["3"], ["5"], ["6"], ["7"]]


@pytest.mark.parametrize("statement, number", [(b'FROM "public"."notes" t WHERE', 3), (b"DELETE FROM", 1)])
def test_a_row_written_anew_is_not_removed(vecmill, db, beside, proxy, statement, number):
    """Somebody makes the orphan anew, of another text: after the second look, and between the list and the removal."""
    seen = []

    def on_message(kind, body, _):
        if kind == b"P" and statement in body:
            seen.append(body)
            if len(seen) == number:
                db.sql("UPDATE notes SET text_hash = sha256('else') WHERE id = 5")

    between = proxy(on_message)
    report = reconcile(vecmill, beside[0], between.url("notes"), "--remove-orphans").json
    assert (report["orphaned"], report["removed"]) == (2, 1) and "1 of the orphans stay" in report["notes"][0]
    assert db.sql("SELECT id FROM notes WHERE id IN (4, 5)") == [["5"]]


def test_vectors_of_another_model_are_stale(vecmill, db, beside):
    db.sql("DELETE FROM vecmill_spaces; UPDATE notes SET space = 999 WHERE id = 1")
    report = reconcile(vecmill, *beside, "--mend")
    assert report.code == 2 and "no record of the model" in report.err and "--model" in report.err
    adopting = reconcile(vecmill, beside[0], beside[1] + "&adopt=yes", "--mend", "--model", "builtin:hash")
    assert counts(adopting)[2:4] == (COUNT - 3, 2)
    stale = reconcile(vecmill, *beside)
    assert stale.json["stale"] == COUNT - 3, "only what is made now is of the space on record"


def test_failed_texts_are_told_apart(vecmill, db):
    db.sql("CREATE TABLE kb(id int PRIMARY KEY, body text); INSERT INTO kb VALUES (1, 'one'), (2, '  '), (3, 'three')")
    source, sink = db.url("kb", text="body"), db.url("notes")
    assert vecmill.embed(source, "--out", sink, "--create", "--empty", "fail").code == 3
    found = reconcile(vecmill, source, sink, "--list")
    assert counts(found) == (3, 3, 2, 0, 0, 0, 1)
    assert json.loads(found.out.splitlines()[0]) == {"row": "failed", "id": "2"}
    assert reconcile(vecmill, source, sink, "--mend").json["mended"] == 0, "the same text would fail again"
    db.sql("UPDATE kb SET body = '   ' WHERE id = 2")
    failed = reconcile(vecmill, source, sink, "--mend", "--empty", "fail")
    assert failed.code == 3 and (failed.json["lost"], failed.json["failed_now"]) == (1, 1)
    db.sql("UPDATE kb SET body = 'two' WHERE id = 2")
    assert counts(reconcile(vecmill, source, sink, "--mend")) == (0, 3, 2, 1, 0, 0, 0)
    assert counts(reconcile(vecmill, source, sink)) == (0, 3, 3, 0, 0, 0, 0)


def test_vectors_in_the_rows_of_the_texts(vecmill, db):
    db.table_of_texts(["one", "two", "three", None])
    url = db.url("kb", key="id", text="body", vector="v")
    assert vecmill.embed(url).json["embedded"] == 3
    db.sql("UPDATE kb SET v = NULL WHERE id = 1; UPDATE kb SET body = NULL WHERE id = 2")
    report = reconcile(vecmill, url, url, "--mend", "--remove-orphans")
    assert counts(report) == (0, 2, 1, 1, None, 1, 0), "which text a vector is of is not on record"
    assert db.sql("SELECT id, v IS NULL FROM kb ORDER BY id") == [["1", "f"], ["2", "t"], ["3", "f"], ["4", "t"]]
    check_rows(vecmill, db.sql("SELECT body, v FROM kb WHERE v IS NOT NULL"))


def test_keys_of_several_columns_and_halves(vecmill, db):
    db.sql("CREATE TABLE kb(a text, b int, body text, PRIMARY KEY (a, b));"
           "INSERT INTO kb SELECT 'k\"' || i, i, 'text ' || i FROM generate_series(1, 20) i")
    source, sink = db.url("kb", text="body"), db.url("notes")
    assert vecmill.embed(source, "--out", sink, "--create", "--store", "f16").code == 0
    db.sql("UPDATE kb SET body = 'other' WHERE b = 3; DELETE FROM kb WHERE b = 4; DELETE FROM notes WHERE b = 5")
    report = reconcile(vecmill, source, sink, "--list", "--mend", "--remove-orphans")
    assert counts(report) == (0, 19, 17, 1, 1, 1, 0)
    assert [json.loads(line)["id"] for line in report.out.splitlines()[:-1]] == ['["k\\"3", "3"]', '["k\\"5", "5"]', '["k\\"4", "4"]']
    (vecmill.folder / "in.txt").write_text("one\n")
    refused = reconcile(vecmill, "in.txt", sink)
    assert refused.code == 7 and "an id has 2 columns, an id of the source 1" in refused.err


def test_a_file_beside_a_table(vecmill, db):
    notes = vecmill.folder / "notes.jsonl"
    notes.write_text("".join(json.dumps({"id": f"n{i}", "text": f"text {i}"}) + "\n" for i in range(50)))
    assert vecmill.embed("notes.jsonl", "--out", db.url("notes"), "--create").code == 0
    lines = notes.read_text().splitlines()
    lines[7] = json.dumps({"id": "n7", "text": "changed"})
    lines[9] = json.dumps({"id": "new", "text": "new"})
    notes.write_text("\n".join(lines))
    report = reconcile(vecmill, "notes.jsonl", db.url("notes"), "--mend", "--remove-orphans")
    assert counts(report) == (0, 50, 48, 1, 1, 1, 0)
    assert db.value("SELECT count(*) FROM notes WHERE text_hash IN (sha256('changed'), sha256('new'))") == "2"
    assert db.value("SELECT count(*) FROM notes WHERE id = 'n9'") == "0"


def test_texts_stay_in_the_database(vecmill, db, beside, proxy):
    asked = []
    between = proxy(lambda kind, body, _: asked.append(body) if kind == b"P" and b"AS body" in body else None)
    source = between.url("kb", text="body")
    assert reconcile(vecmill, source, beside[1]).json["stale"] == 1
    assert asked and all(b"sha256(convert_to(p.body" in body for body in asked)
    asked.clear()
    assert vecmill.embed(beside[0], "--out", "out.db").code == 0
    db.sql("DELETE FROM kb WHERE id = 9")
    assert counts(reconcile(vecmill, source, "out.db", "--remove-orphans")) == (0, COUNT - 1, COUNT - 1, 0, None, 1, 0)
    assert asked and all(b"SELECT p.id, '', p.metadata" in body for body in asked)


def test_orphans_are_removed_only_for_a_reason(vecmill, db, beside):
    source, sink = beside
    rows = "SELECT count(*) FROM notes"
    part = reconcile(vecmill, source + "&where=id%3C100", sink)
    assert counts(part) == (1, 98, 96, 1, 1, None, 0), "what is orphaned does not show in a part"
    refused = reconcile(vecmill, source + "&where=id%3C100", sink, "--remove-orphans")
    assert refused.code == 2 and "leave out where=" in refused.err
    db.sql("TRUNCATE kb")
    empty = reconcile(vecmill, source, sink, "--remove-orphans")
    assert empty.code == 7 and "nothing was removed" in empty.err and "--yes" in empty.err
    assert db.value(rows) == str(COUNT)
    assert reconcile(vecmill, source, sink, "--remove-orphans", "--yes").json["removed"] == COUNT
    assert db.value(rows) == "0"


def test_bad_input(vecmill, db, beside):
    source, sink = beside
    db.sql("CREATE TABLE odd(id int, n int, vector vector(256)); CREATE TABLE bare(id int PRIMARY KEY)")
    for other, code, said in [
            (db.url("notess"), 2, "did you mean notes?"),
            (db.url("odd"), 7, "has no primary key"),
            (db.url("bare"), 2, "has no column vector"),
            (db.url("odd", key="id", vector="n"), 7, "not vector, halfvec or bit"),
            (sink + "&where=id%3C5", 2, "where= chooses rows of a source")]:
        answer = reconcile(vecmill, source, other)
        assert (answer.code, said in answer.err) == (code, True), answer.err
    assert reconcile(vecmill, db.url("kbb", text="body"), sink).code == 2
    other = reconcile(vecmill, source, sink, "--mend", "--max-seq-length", "7")
    assert other.code == 7 and "holds vectors of builtin:hash" in other.err
    assert db.value("SELECT count(*) FROM notes WHERE id = 0") == "0"
    secret = reconcile(vecmill, *(url.replace("test@", "test:canary@") for url in beside))
    assert "canary" not in secret.out + secret.err and "***" in secret.out
