"""Workers that are killed, stand still or are overtaken: every row is done once in effect."""

import json
import random
import signal

import pytest

from conftest import KILLED, SEED, Held, end, kinds, some_texts, until
from program import DEEP

pytestmark = pytest.mark.parametrize("vecmill", kinds(1), indirect=True)

LEASE = "2s"  # what a death costs
POINTS = ["job.claimed", "sink.shared", "job.written", "job.ended"]


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_failpoint(vecmill, point):
    """At its first, second, ... pass, until the worker comes to its end."""
    texts = some_texts(60)
    texts["r33"] = " "  # fails, and is split off
    vecmill.submit(vecmill.write(texts), "--job-size", "20", "--empty", "fail")
    for count in range(1, 20):
        process = vecmill.worker("--drain", lease=LEASE, env={"VECMILL_FAILPOINT": f"{point}:{count}"})
        _, err = process.communicate()
        if process.returncode != KILLED:
            break
    assert count > 1 and process.returncode in (0, 3), err
    del texts["r33"]
    vecmill.check(texts)
    assert [(letter["cause"], letter["jobs"]) for letter in vecmill.dead()] == [("invalid_data", 1)]
    assert vecmill.count("waiting") == vecmill.count("leased") == 0


def test_killed_at_random(vecmill):
    rng = random.Random(SEED)
    texts = some_texts(4000, words=30)
    vecmill.submit(vecmill.write(texts), "--job-size", "100", "--group", "mine")
    workers = [vecmill.worker(lease=LEASE) for _ in range(3)]
    for _ in range(40 if DEEP else 5):
        done = vecmill.count("done")
        until(lambda: vecmill.count("done") > done or vecmill.count("waiting") == 0)
        victim = rng.randrange(3)
        end(workers[victim])
        workers[victim] = vecmill.worker(lease=LEASE)
    assert vecmill("jobs", "wait", "mine").code == 0
    for worker in workers:
        end(worker, signal.SIGTERM)
    assert vecmill.count("done") >= 40 and vecmill.dead() == []
    vecmill.check(texts)


def test_a_text_that_kills_its_worker_is_isolated_and_given_up(vecmill):
    texts = some_texts(60)
    vecmill.submit(vecmill.write(texts), "--job-size", "20")
    kills = 0
    while True:
        process = vecmill.worker("--drain", lease=LEASE, env={"VECMILL_FAILPOINT": "r33:1"})
        out, err = process.communicate()
        if process.returncode != KILLED:
            break
        kills += 1
    assert process.returncode == 3, err
    assert kills == 5  # twice with its neighbours, three times alone
    letters = vecmill("dead", "ls", "--by", "job").out.splitlines()
    assert [(json.loads(x)["cause"], json.loads(x)["texts"].split(", ")[-1]) for x in letters] == [
        ("worker_died", "record 34")]
    assert vecmill.rows().keys() == texts.keys() - {"r33"}
    vecmill("dead", "redrive")
    vecmill.drain(lease=LEASE)
    vecmill.check(texts)


def test_a_worker_that_stood_still_is_overtaken_and_changes_nothing(vecmill):
    texts = some_texts(40)
    vecmill.submit(vecmill.write(texts), "--job-size", "20", "--group", "mine")
    held = Held(vecmill.folder / "out.db")
    slow = vecmill.worker("--drain", lease=LEASE)
    until(lambda: vecmill.count("leased"))
    slow.send_signal(signal.SIGSTOP)
    held.let_go()
    assert vecmill.drain(lease=LEASE)["done"] == 2
    slow.send_signal(signal.SIGCONT)
    out, err = slow.communicate()
    assert slow.returncode == 0, err
    report = json.loads(out)
    assert (report["done"], report["overtaken"]) == (0, 1), err
    assert [job["crashes"] for job in vecmill.jobs("mine")] == [1, 0]
    assert vecmill.count("done") == 2
    vecmill.check(texts)


def test_the_heart_beats_while_the_work_waits(vecmill):
    texts = some_texts(20)
    vecmill.submit(vecmill.write(texts), "--group", "mine")
    held = Held(vecmill.folder / "out.db")
    slow = vecmill.worker("--drain", lease=LEASE)
    until(lambda: vecmill.count("leased"))
    first = vecmill.jobs("mine")[0]["lease_ends"]
    other = vecmill.worker("--drain", lease=LEASE)
    until(lambda: vecmill.jobs("mine")[0]["lease_ends"] > first + 1500)
    held.let_go()
    assert json.loads(slow.communicate()[0])["done"] == 1
    assert json.loads(other.communicate()[0])["done"] == 0
    assert vecmill.jobs("mine")[0]["claims"] == 1
    vecmill.check(texts)
