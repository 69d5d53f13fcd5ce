"""Servers of queues and outputs that die, come back, forget, or never answer."""

import json
import os
import signal

import numpy as np
import pytest

import servers
from conftest import Held, Jobs, some_texts, until


@pytest.fixture
def db(postgres):
    return postgres.new_database()


def queue_in(db, host=None):
    return f"postgres://test@/{db.name}?host={host or db.server.folder}"


def test_two_workers_write_into_a_table(tmp_path, home, db):
    vecmill = Jobs(tmp_path, home, queue_in(db))
    texts = some_texts(900)
    vecmill.submit(vecmill.write(texts), "--job-size", "50", "--create", out=db.url("notes"))
    workers = [vecmill.worker("--drain") for _ in range(2)]
    done = [json.loads(worker.communicate()[0])["done"] for worker in workers]
    assert sum(done) == 18
    rows = db.sql("SELECT id, vector, metadata->>'n' FROM notes")
    expected = dict(zip(texts, vecmill.vectors(list(texts.values()))))
    assert {row[0] for row in rows} == texts.keys()
    for id, vector, n in rows:
        assert np.array_equal(np.array(json.loads(vector), dtype=np.float32), expected[id]), id
        assert n == str(len(texts[id]))


@pytest.mark.parametrize("call", ["submit", "claim", "finish", "replace", "fail"])
def test_an_answer_that_is_lost_is_asked_for_again_and_no_call_counts_twice(tmp_path, home, db, call):
    """The server has done it, and nobody was told."""
    cut = []

    def drop_first(kind, body, _):
        if kind != b"P" or f"vecmill_queue_{call}(".encode() not in body or b"CREATE" in body or cut:
            return None
        cut.append(body)
        return "drop"

    between = servers.Proxy(db, drop_first)
    try:
        vecmill = Jobs(tmp_path, home, queue_in(db, between.folder))
        texts = some_texts(60)
        texts["r33"] = " "  # fails, and is split off
        vecmill.submit(vecmill.write(texts), "--job-size", "20", "--empty", "fail", "--group", "mine")
        report = vecmill.drain(code=3)
    finally:
        between.close()
    vecmill.queue = queue_in(db)
    assert cut and (report["done"], report["split"], report["dead"], report["overtaken"]) == (2, 1, 1, 0)
    assert [(job["state"], job["claims"], job["crashes"]) for job in vecmill.jobs("mine")] == (
        3 * [("done", 1, 0)] + [("dead", 1, 0)])
    del texts["r33"]
    vecmill.check(texts)


def crash_while_jobs_are_done(vecmill, crash, recover=lambda: None):
    texts = some_texts(400)
    vecmill.submit(vecmill.write(texts), "--job-size", "10")
    held = Held(vecmill.folder / "out.db")
    worker = vecmill.worker("--drain")
    until(lambda: vecmill.count("leased"))
    crash()
    held.let_go()
    recover()
    out, err = worker.communicate()
    assert worker.returncode == 0, err
    assert json.loads(out)["done"] == 40
    vecmill.check(texts)


def test_postgres_crashes_while_jobs_are_done(tmp_path, home, db):
    def crash():
        pid = db.value("SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                       " AND application_name = 'vecmill' LIMIT 1")
        os.kill(int(pid), signal.SIGKILL)  # the server ends every session and recovers from its log

    crash_while_jobs_are_done(Jobs(tmp_path, home, queue_in(db)), crash)


def test_redis_is_killed_while_jobs_are_done(tmp_path, home, redis):
    redis.ask("FLUSHALL")
    crash_while_jobs_are_done(Jobs(tmp_path, home, redis.url), redis.kill, redis.start)


def test_a_redis_that_lost_its_data_is_an_error(tmp_path, home, redis):
    redis.ask("FLUSHALL")
    vecmill = Jobs(tmp_path, home, redis.url)
    vecmill.submit(vecmill.write(some_texts(3)))
    worker = vecmill.worker()
    until(lambda: vecmill.count("done"))
    redis.ask("FLUSHALL")
    out, err = worker.communicate()
    assert worker.returncode == 7 and b"Redis has lost the queue" in err
    assert "there is no queue" in vecmill("jobs", "ls").said
    # Another queue in its place is not taken for the one that is lost.
    vecmill.submit("in.jsonl")
    worker = vecmill.worker()
    until(lambda: vecmill.count("done"))
    redis.ask("FLUSHALL")
    vecmill.submit("in.jsonl")
    assert b"Redis has lost the queue" in worker.communicate()[1]


def test_a_redis_that_would_lose_jobs_is_refused(tmp_path, home, redis):
    vecmill = Jobs(tmp_path, home, redis.url)
    vecmill.write(some_texts(3))
    words = ("jobs", "submit", "in.jsonl", "--model", "builtin:hash", "--out", "out.db")
    for name, bad, good, said in [("maxmemory-policy", "allkeys-lru", "noeviction", "drops keys when it is full"),
                                  ("appendonly", "no", "yes", "keeps no append-only file")]:
        redis.ask("CONFIG", "SET", name, bad)
        answer = vecmill(*words)
        redis.ask("CONFIG", "SET", name, good)
        assert answer.code == 2 and said in answer.said, answer.err


def test_a_queue_of_another_version_is_left_alone(tmp_path, home, db):
    vecmill = Jobs(tmp_path, home, queue_in(db))
    vecmill.submit(vecmill.write(some_texts(3)))
    db.sql("UPDATE vecmill_queue SET version = 1")
    answer = vecmill("jobs", "ls")
    assert answer.code == 7 and "of another version" in answer.said
    vecmill.queue += "&schema=nosuch"
    answer = vecmill("jobs", "submit", "in.jsonl", "--model", "builtin:hash", "--out", "out.db")
    assert answer.code == 2 and "nosuch" in answer.said
    vecmill.queue = queue_in(db) + "&table=t"
    assert "it takes schema=S only" in vecmill("jobs", "ls").said
