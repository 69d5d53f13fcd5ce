"""A table as what jobs are made of: each is a range of its keys."""

import json

import pytest
from conftest import KILLED
from tables import check_rows

TEXTS = [f"the text of row {i}" for i in range(1, 1001)]


@pytest.fixture
def db(postgres):
    database = postgres.new_database()
    database.table_of_texts(TEXTS)
    return database


def same_row(db):
    return db.url("kb", key="id", text="body", vector="v")


def rows(db):
    return db.sql("SELECT body, v FROM kb WHERE body IS NOT NULL ORDER BY id")


def test_every_row_gets_its_vector_from_some_job(vecmill, db):
    done = vecmill("jobs", "submit", same_row(db), "--model", "builtin:hash", "--create", "--job-size", "64")
    assert done.code == 0, done.err
    assert (done.json["jobs"], done.json["texts"]) == (16, 1000)
    first, second, *_ = vecmill.jobs(done.json["group"])
    assert first["texts"].endswith("table=kb&key=id&text=body&vector=v, rows up to 64")
    assert second["texts"].endswith("rows after 64 up to 128")
    workers = [vecmill.worker("--drain") for _ in range(2)]
    reports = [json.loads(worker.communicate(timeout=120)[0]) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert sum(report["texts"] for report in reports) == 1000
    check_rows(vecmill, rows(db))
    again = vecmill("jobs", "submit", same_row(db), "--model", "builtin:hash")
    assert (again.json["jobs"], again.json["texts"]) == (0, 0), "what is done is left out"


def test_what_became_of_the_rows_meanwhile_counts(vecmill, db):
    db.sql("DELETE FROM kb WHERE id % 2 = 0")
    vecmill.submit(same_row(db), "--create", "--job-size", "100", out=same_row(db))
    db.sql("UPDATE kb SET body = 'another text' WHERE id = 5; UPDATE kb SET body = NULL WHERE id = 7;"
           "DELETE FROM kb WHERE id BETWEEN 100 AND 300;"
           "INSERT INTO kb SELECT n, 'new row ' || n FROM generate_series(2, 50, 2) n;"
           "INSERT INTO kb VALUES (5000, 'behind the last range')")
    report = vecmill.drain()
    assert report["dead"] == 0 and report["texts"] == 500 - 100 - 1 + 25
    assert db.sql("SELECT id FROM kb WHERE v IS NULL ORDER BY id") == [["7"], ["5000"]]
    check_rows(vecmill, [row for row in rows(db) if row[0] != "behind the last range"])


def test_a_job_that_is_done_again_embeds_nothing_again(vecmill, db):
    vecmill.submit(same_row(db), "--create", "--job-size", "500", out=same_row(db))
    killed = vecmill.worker("--drain", lease="1s", env={"VECMILL_FAILPOINT": "job.written:1"})
    killed.communicate(timeout=120)
    assert killed.returncode == KILLED
    report = vecmill.drain()
    assert (report["done"], report["texts"]) == (2, 500), "only those of the other job"
    check_rows(vecmill, rows(db))


def test_what_one_output_has_another_still_gets(vecmill, db):
    """From one worker, which keeps the table open from job to job."""
    vecmill.submit(same_row(db), "--create", "--job-size", "1000", "--priority", "high", out=same_row(db))
    vecmill.submit(same_row(db), "--job-size", "1000", out="out.db")
    db.sql("UPDATE kb SET v = NULL")
    report = vecmill.drain()
    assert (report["done"], report["texts"]) == (2, 2000)
    assert len(vecmill.rows()) == 1000


def test_a_text_that_fails_is_a_dead_letter_of_its_own(vecmill, db):
    db.sql("UPDATE kb SET body = '' WHERE id IN (3, 777)")
    vecmill.submit(same_row(db), "--create", "--job-size", "100", "--empty", "fail", out=same_row(db))
    report = vecmill.drain(code=3)
    assert (report["split"], report["dead"], report["texts"]) == (2, 2, 998)
    db.sql("UPDATE kb SET body = 'no longer empty' WHERE id IN (3, 777)")
    assert vecmill("dead", "redrive").code == 0
    assert vecmill.drain()["texts"] == 2
    check_rows(vecmill, rows(db))


def test_keys_of_several_columns_and_a_table_beside(vecmill, postgres):
    db = postgres.new_database()
    db.sql("CREATE TABLE kb(part text, n int, body text, PRIMARY KEY (part, n));"
           "INSERT INTO kb SELECT 'p \"' || n % 3, n, 'text ' || n FROM generate_series(1, 300) n")
    done = vecmill.submit(db.url("kb", text="body"), "--create", "--job-size", "70", out=db.url("vectors", key="part,n"))
    assert (done["jobs"], done["texts"]) == (5, 300)
    assert vecmill.drain()["texts"] == 300
    column = db.value("SELECT attname FROM pg_attribute WHERE attrelid = 'vectors'::regclass"
                      " AND format_type(atttypid, NULL) = 'vector'")
    check_rows(vecmill, db.sql(f"SELECT body, {column} FROM kb JOIN vectors USING (part, n) ORDER BY part, n"))


def test_texts_inline_need_no_table(vecmill, db):
    vecmill.submit(db.url("kb", key="id", text="body"), "--inline", "--job-size", "100", out="out.db")
    db.sql("DROP TABLE kb")
    assert vecmill.drain()["texts"] == 1000
