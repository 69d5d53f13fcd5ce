"""Four workers on two hosts: one queue in PostgreSQL, one limit in Redis or in PostgreSQL."""

import json
import shutil
import time

import fake as fakes
import pytest
from redis_server import Redis

PER_MINUTE = 1800
AT_ONCE = PER_MINUTE / 50  # a fiftieth of a minute's
JOBS, JOB_SIZE = 27, 8


@pytest.fixture(params=["redis", "postgres"])
def shared(request, tmp_path, server):
    """The URL of what holds the limit."""
    if request.param == "postgres":
        yield f"postgres://test@/{server.new_database().name}?host={server.folder}"
        return
    redis = Redis(tmp_path)
    yield redis.url
    redis.kill()


@pytest.fixture
def arrivals(api):
    times, reply = [], api.reply

    def noting(*words):
        times.append(time.monotonic())
        return reply(*words)

    api.reply = noting
    return times


def submitted(hosts, database):
    """The texts, which are in the queue; and flags of those who work on it."""
    texts = [f"text number {i} of those that somebody has to do" for i in range(JOBS * JOB_SIZE)]
    where = ["--queue", database, "--json"]
    hosts[0].write("in.txt", "\n".join(texts) + "\n")
    submit = hosts[0].start("jobs", "submit", "in.txt", *where, "--model", "voyage:voyage-code-3", "--inline", "--job-size",
                            JOB_SIZE, "--batch-size", "1", "--create", "--out", f"{database}&table=vectors")
    out, err = submit.communicate(timeout=60)
    assert submit.returncode == 0, err
    assert json.loads(out)["jobs"] == JOBS
    # Who shares limits has the same secret.
    shutil.copytree(hosts[0].folder / "home" / "cache", hosts[1].folder / "home" / "cache", dirs_exist_ok=True)
    return texts, [*where, "--ledger", database, "--batch-size", "1", "--requests-per-minute", PER_MINUTE]


def started(hosts, *flags):
    return [hosts[n % 2].start("worker", "--drain", *flags) for n in range(4)]


def reports(workers):
    all_of = []
    for worker in workers:
        out, err = worker.communicate(timeout=120)
        assert worker.returncode == 0, err
        all_of.append(json.loads(out))
    return all_of


def expect_each_once(api, texts):
    assert sum(fakes.tokens_of(text) for text in texts) == api.billed
    assert sorted(text for seen in api.seen for text in seen.body["input"]) == sorted(texts)


def expect_never_above(arrivals):
    """In no span more than a burst and what comes back; on the way some catch up with those before them."""
    for first, begin in enumerate(arrivals):
        for count, end in enumerate(arrivals[first:], 1):
            assert count <= 2 * AT_ONCE + 1.02 * (end - begin) * PER_MINUTE / 60, (first, count, end - begin)


def expect_all_used(arrivals):
    """Towards the end all was used that had come back, but 2 %: of a minute's the burst is there at once, the rest comes evenly.
    What a busy machine could not use at some moment is used after it."""
    back = (PER_MINUTE - AT_ONCE) / 60
    last = range(len(arrivals) * 2 // 3, len(arrivals))
    used = [(n + 1 - AT_ONCE) / (back * (arrivals[n] - arrivals[0])) for n in last]
    assert max(used) >= 0.98, used


def test_every_job_is_done_once_and_the_limit_is_that_of_all_together(hosts, api, database, shared, arrivals):
    texts, flags = submitted(hosts, database)
    arrivals.clear()
    done = reports(started(hosts, *flags, "--shared", shared))
    assert sum(report["texts"] for report in done) == len(texts) and all(report["texts"] > 0 for report in done)
    expect_each_once(api, texts)
    expect_never_above(arrivals)
    expect_all_used(arrivals)


@pytest.mark.parametrize("shared", ["postgres"], indirect=True)
def test_the_server_of_the_limit_is_killed_and_comes_back(hosts, api, database, shared, server, arrivals):
    """It holds queue, ledger and output, too: nothing is lost, done twice or let go too early."""
    texts, flags = submitted(hosts, database)
    arrivals.clear()
    workers = started(hosts, *flags, "--shared", shared)
    while len(arrivals) < len(texts) / 2 and all(one.poll() is None for one in workers):
        time.sleep(0.001)
    server.process.kill()
    server.process.wait()
    server.start()
    assert sum(report["texts"] for report in reports(workers)) == len(texts)
    expect_each_once(api, texts)
    expect_never_above(arrivals)
