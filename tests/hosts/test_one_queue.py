"""Four workers on two hosts: one queue in PostgreSQL, one limit in Redis."""

import json
import shutil
import time

import fake as fakes
import pytest
from redis_server import Redis

PER_MINUTE = 600
JOBS = 90


@pytest.fixture
def redis(tmp_path):
    server = Redis(tmp_path)
    yield server.url
    server.kill()


@pytest.fixture
def arrivals(api):
    times, reply = [], api.reply

    def noting(*words):
        times.append(time.monotonic())
        return reply(*words)

    api.reply = noting
    return times


def test_every_job_is_done_once_and_the_limit_is_that_of_all_together(hosts, api, database, redis, arrivals):
    texts = [f"text number {i} of those that somebody has to do" for i in range(JOBS)]
    where = ["--queue", database, "--json"]
    hosts[0].write("in.txt", "\n".join(texts) + "\n")
    submit = hosts[0].start("jobs", "submit", "in.txt", *where, "--model", "voyage:voyage-code-3", "--inline", "--job-size", "1",
                            "--create", "--out", f"{database}&table=vectors")
    out, err = submit.communicate(timeout=60)
    assert submit.returncode == 0, err
    assert json.loads(out)["jobs"] == JOBS
    # Who shares limits has the same secret.
    shutil.copytree(hosts[0].folder / "home" / "cache", hosts[1].folder / "home" / "cache", dirs_exist_ok=True)
    arrivals.clear()
    workers = [hosts[n % 2].start("worker", "--drain", *where, "--redis", redis, "--ledger", database, "--requests-per-minute",
                                  PER_MINUTE) for n in range(4)]
    reports = []
    for worker in workers:
        out, err = worker.communicate(timeout=120)
        assert worker.returncode == 0, err
        reports.append(json.loads(out))
    assert sum(report["texts"] for report in reports) == JOBS and all(report["texts"] > 0 for report in reports)
    assert sum(fakes.tokens_of(text) for text in texts) == api.billed
    asked = [text for seen in api.seen for text in seen.body["input"]]
    assert sorted(asked) == sorted(texts)
    # A fiftieth of a minute's may come at once, and on the way some catch up with those before them.
    at_once = PER_MINUTE / 50
    for first, begin in enumerate(arrivals):
        for count, end in enumerate(arrivals[first:], 1):
            assert count <= 2 * at_once + 1.02 * (end - begin) * PER_MINUTE / 60, (first, count, end - begin)
