"""Four processes on two hosts, which share nothing but a ledger in PostgreSQL."""

import json
import subprocess
import time

import fake as fakes
import pytest

MODEL = "voyage:voyage-code-3"
PRICE = 0.18e-6  # dollars a token
COUNT = 300


def texts_of(worker):
    return [f"text number {i} of those that worker {worker} has" for i in range(COUNT)]


def start(hosts, database, *more):
    """Two on each host, each with a file of its own."""
    running = []
    for worker in range(4):
        host = hosts[worker % 2]
        host.write(f"{worker}.txt", "\n".join(texts_of(worker)) + "\n")
        running.append(host.start("embed", f"{worker}.txt", "--model", MODEL, "--out", f"{worker}.npy", "--json", "--batch-size",
                                  "16", "--cache-path", f"{worker}.db", "--ledger", database, *more))
    return running


def ends(running):
    return [(*process.communicate(timeout=120), process.returncode) for process in running]


def report(host, database):
    done = host.start("cost", "report", "--json", "--ledger", database)
    out, err = done.communicate(timeout=60)
    assert done.returncode == 0, err
    return json.loads(out)["total"]


def test_no_network_but_the_relay(hosts, api):
    probe = subprocess.run(["nsenter", f"--net={hosts[0].network}", "cat", "/proc/net/dev"], capture_output=True, text=True)
    assert [line.split(":")[0].strip() for line in probe.stdout.splitlines()[2:]] == ["lo"]


def test_one_budget_of_several_hosts_is_never_over(hosts, api, database):
    total = sum(fakes.tokens_of(text) for worker in range(4) for text in texts_of(worker))
    budget = 0.2 * total * PRICE  # not enough for any one of them
    for out, err, code in ends(start(hosts, database, "--daily-budget", f"{budget:.9f}")):
        assert code == 6, (out, err)
    assert 0.5 * budget < api.billed * PRICE <= budget
    for host in hosts:
        row = report(host, database)
        assert row["tokens"] == api.billed, "the bill to the token, wherever it is asked for"
        assert float(row["cost_usd"]) == pytest.approx(api.billed * PRICE) and row["held_usd"] == 0
    # With more money the rest is paid for, and nothing again.
    for out, err, code in ends(start(hosts, database, "--daily-budget", "1", "--resume")):
        assert code == 0, (out, err)
    assert api.billed == total
    asked = [text for seen in api.seen for text in seen.body["input"]]
    assert sorted(asked) == sorted(text for worker in range(4) for text in texts_of(worker))


def test_the_server_is_out_for_a_while(hosts, api, database, server):
    running = start(hosts, database, "--daily-budget", "1")
    while len(api.seen) < 10 and all(one.poll() is None for one in running):
        time.sleep(0.001)
    server.process.kill()
    server.process.wait()
    server.start()
    for out, err, code in ends(running):
        assert code == 0, (out, err)
    assert report(hosts[0], database)["tokens"] == api.billed


@pytest.mark.parametrize(("place", "code", "said"), [
    ("postgres://test@/postgres?host=/nowhere", 5, "/nowhere"),
    ("postgres://test@/none?host={folder}", 2, "none"),
    ("postgres://reader:secret@/postgres?host={folder}", 4, "permission denied"),
    ("postgres://test@/postgres?host={folder}&schema=other", 2, "other"),
    ("postgres://test@/postgres?host={folder}&table=t", 2, "table")])
def test_what_cannot_hold_a_ledger(hosts, api, server, place, code, said):
    server.sql("DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
               "REVOKE CREATE ON SCHEMA public FROM public")
    hosts[0].write("a.txt", "a text\n")
    done = hosts[0].start("embed", "a.txt", "--model", MODEL, "--out", "a.npy", "--ledger", place.format(folder=server.folder))
    out, err = done.communicate(timeout=60)
    assert (done.returncode, len(err.splitlines())) == (code, 1), (out, err)
    assert said in err and "secret" not in err and not api.seen
