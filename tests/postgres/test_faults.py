"""Crashes of either side: every row once in effect, none lost, none swapped."""

import os

import pytest

from tables import check_rows

COUNT = 4500  # three windows


def same_row(place):
    return place.url("kb", key="id", text="body", vector="v")


def fill(db, count=COUNT):
    db.sql("CREATE TABLE kb(id bigint PRIMARY KEY, body text, v vector(256));"
           f"INSERT INTO kb SELECT i, 'text ' || i FROM generate_series(1, {count}) i")


def check_all(vecmill, db, count=COUNT):
    assert db.value("SELECT count(*) FROM kb") == str(count)
    check_rows(vecmill, db.sql("SELECT body, v FROM kb ORDER BY id"))


@pytest.mark.parametrize("point", ["postgres.write:2", "postgres.written:2", "postgres.finish:1"])
def test_the_program_is_killed(vecmill, db, point):
    fill(db)
    assert vecmill.embed(same_row(db), env={"VECMILL_FAILPOINT": point}).code == 137
    done = int(db.value("SELECT count(v) FROM kb"))
    assert done == COUNT if "finish" in point else 0 < done < COUNT
    assert vecmill.embed(same_row(db)).json["embedded"] == COUNT - done
    check_all(vecmill, db)


def test_a_killed_run_of_a_file_goes_on(vecmill, db):
    lines = [f"line {i} " + 60 * "x" for i in range(COUNT)]  # each window is more than a commit waits for
    (vecmill.folder / "in.txt").write_text("".join(line + "\n" for line in lines))
    words = ["in.txt", "--out", db.url("notes"), "--create", "--resume"]
    assert vecmill.embed(*words, env={"VECMILL_FAILPOINT": "postgres.written:3"}).code == 137
    done = vecmill.embed(*words).json
    assert done["resumed"] > 0 and done["resumed"] + done["embedded"] == COUNT
    rows = db.sql("SELECT id, vector FROM notes ORDER BY substr(id, 8)::int")
    assert [row[0] for row in rows] == [f"in.txt:{i + 1}" for i in range(COUNT)]
    check_rows(vecmill, [(line, row[1]) for line, row in zip(lines, rows)])


class At:
    """Does something at the n-th message that writes vectors."""

    def __init__(self, number, action):
        self.left, self.action = number, action

    def __call__(self, kind, body, proxy):
        if kind != b"P" or b"UPDATE" not in body or b"unnest" not in body:
            return None
        self.left -= 1
        return self.action() if self.left == 0 else None


def test_the_connection_is_cut_when_a_write_was_done(vecmill, db, proxy):
    """Nobody told the program that it was committed: it writes again, and the same."""
    fill(db)
    between = proxy(At(2, lambda: "drop"))
    assert vecmill.embed(same_row(between)).json["embedded"] == COUNT
    check_all(vecmill, db)
    assert between.states == {b"I"}, "no transaction is open between statements"


def test_the_server_crashes(vecmill, db, proxy):
    fill(db)

    def crash():
        pid = db.value("SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                       " AND application_name = 'vecmill' LIMIT 1")
        os.kill(int(pid), 9)  # the server ends every session and recovers from its log

    between = proxy(At(2, crash))
    assert vecmill.embed(same_row(between)).json["embedded"] == COUNT
    check_all(vecmill, db)


def test_a_text_that_changes_meanwhile_keeps_no_stale_vector(vecmill, db, proxy):
    fill(db)
    between = proxy(At(1, lambda: db.sql("UPDATE kb SET body = 'other' WHERE id = 5; DELETE FROM kb WHERE id = 6") and None))
    done = vecmill.embed(same_row(between)).json
    assert done["notes"][0].startswith("2 rows changed or went away")
    assert db.sql("SELECT id FROM kb WHERE v IS NULL") == [["5"]]
    assert vecmill.embed(same_row(db)).json["embedded"] == 1
    check_all(vecmill, db, COUNT - 1)


def test_a_deadlock_is_tried_again(vecmill, db, proxy):
    """The server's own error for a circle of waiting sessions, raised once."""
    fill(db)
    db.sql("CREATE SEQUENCE calls; CREATE FUNCTION once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
           " IF nextval('calls') = 3000 THEN RAISE EXCEPTION 'circle' USING ERRCODE = '40P01'; END IF;"
           " RETURN NEW; END $$;"
           "CREATE TRIGGER once BEFORE UPDATE ON kb FOR EACH ROW EXECUTE FUNCTION once()")
    assert vecmill.embed(same_row(db)).json["embedded"] == COUNT
    assert int(db.value("SELECT last_value FROM calls")) > COUNT
    check_all(vecmill, db)


def test_two_runs_at_once(vecmill, db):
    fill(db)
    words = ["embed", same_row(db), "--model", "builtin:hash", "--quiet"]
    runs = [vecmill.start(*words) for _ in range(2)]
    for run in runs:
        said = run.communicate()[1]
        assert run.returncode == 0, said
    check_all(vecmill, db)
