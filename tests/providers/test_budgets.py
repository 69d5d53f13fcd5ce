"""Budgets by run, day, month, tag and tenant, with several processes at once; whose cost it is; alerts."""

import csv
import io
import json
import signal
import subprocess
import time

import fake as fakes
import pytest
from test_command import MODELS, VECMILL, asked, vecmill  # noqa: F401
from test_money import PRICES, many, rows_of
from webhook import SECRET, Hook

pytestmark = pytest.mark.parametrize("vendor", ["voyage"], indirect=True)
PRICE = PRICES["voyage"] / 1e6


def cost(vecmill, *words):
    return subprocess.run([VECMILL, "cost", *words], cwd=vecmill.folder, env=vecmill.env, capture_output=True, text=True,
                          timeout=60)


def configure(vecmill, text):
    (vecmill.folder / "vecmill.toml").write_text(text)


def test_a_budget_of_zero_stops_before_the_first_byte(fake, vecmill):
    done = vecmill("embed", "texts.txt", "--out", "a.npy", "--max-cost", "0")
    assert done.returncode == 6 and "nothing may be spent" in done.stderr, done.stderr
    configure(vecmill, "[budget]\nday = 0\n")
    done = vecmill("embed", "texts.txt", "--out", "a.npy", "--json")
    assert done.returncode == 6 and json.loads(done.stderr.splitlines()[-1])["error"]["code"] == "limited", done.stderr
    assert not fake.seen
    local = subprocess.run([VECMILL, "embed", "texts.txt", "--out", "l.npy", "--model", "builtin:hash"],
                           cwd=vecmill.folder, env=vecmill.env, capture_output=True, text=True, timeout=60)
    assert local.returncode == 0, "what costs nothing is not held up"


def test_budgets_of_tags_and_tenants(fake, vecmill):
    configure(vecmill, '[budget]\nmonth = 1\n[budget.tag."project=search"]\nday = 0.0000001\n'
                       '[budget.tenant.acme]\nmonth = "0.0000001"\n')
    for words, where in ((["--tag", "project=search"], "a day for project=search"),
                         (["--tenant", "acme"], "a month of tenant acme")):
        done = vecmill("embed", "texts.txt", "--out", "a.npy", *words)
        assert done.returncode == 6 and where in done.stderr, done.stderr
    assert not fake.seen
    done = vecmill("embed", "texts.txt", "--out", "a.npy", "--tag", "project=web", "--tenant", "b")
    assert done.returncode == 0, done.stderr
    names = [one["budget"] for one in json.loads(cost(vecmill, "budget", "--json").stdout)]
    assert names == ["the budget of 1.00 dollars a month", "the budget of 0.0000001 dollars a day for project=search",
                     "the budget of 0.0000001 dollars a month of tenant acme"]


@pytest.mark.parametrize("text, what", [
    ("[budget]\nday = -1", '"-1" is no amount of dollars'), ('[budget]\nday = "ten"', '"ten" is no amount'),
    ("[budget]\nmnth = 1", "vecmill.toml:2: unknown key budget.mnth; did you mean month?"),
    ("[budget.tenant.acme]\ndya = 1", "did you mean day?"), ("[budget.tag.project]\nday = 1", '"project" is no tag'),
    ("[budget.tenant.acme]\nday = -1", 'vecmill.toml:2: day: "-1" is no amount'),
    ("[budget]\nwarn_at = 80", "from 0 to 1"), ('alert_webhook = "hook"', "is not an https:// address"),
    ('alert_webhook = "http://public.example/"', "would show")])
def test_mistakes_are_named_before_anything_is_sent(fake, vecmill, text, what):
    configure(vecmill, text + "\n")
    done = vecmill("embed", "texts.txt", "--out", "a.npy")
    assert done.returncode == 2 and what in done.stderr, done.stderr
    assert not fake.seen


def test_a_run_that_ends_without_a_cache_pays_for_nothing_twice(fake, vecmill):
    count = many(vecmill, 150)
    total = sum(fakes.tokens_of(f"text number {i} of this file") for i in range(count))
    whole = vecmill("embed", "many.txt", "--out", "whole.npy", "--no-cache")
    assert whole.returncode == 0 and fake.billed == total
    fake.seen.clear()
    run = ["embed", "many.txt", "--out", "a.npy", "--no-cache", "--max-cost", f"{0.7 * total * PRICE:.9f}"]
    done = vecmill(*run)
    assert done.returncode == 6, done.stderr
    assert "spent $" in done.stderr and "--resume" in done.stderr and "stopped a call" in done.stderr
    again = vecmill(*run, "--resume")
    assert again.returncode == 0, again.stderr
    assert sorted(asked(fake)) == sorted(set(asked(fake))), "paid twice"
    assert (vecmill.folder / "a.npy").read_bytes() == (vecmill.folder / "whole.npy").read_bytes()


def test_a_field_of_the_records_says_whose_cost_it_is(fake, vecmill):
    users = ["ann", "bob", "eve"]
    rows = [{"id": i, "text": f"text {i} " + "x" * (i % 7), "user": users[i % 3]} for i in range(60)]
    (vecmill.folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = vecmill("embed", "in.jsonl", "--out", "a.npy", "--tag-field", "user", "--tag", "project=p,category=c",
                   "--tenant", "acme")
    assert done.returncode == 0, done.stderr
    assert len(fake.seen) == 1, "one request for all of them"
    own = {user: sum(fakes.tokens_of(row["text"]) for row in rows if row["user"] == user) for user in users}
    found = {row["user"]: row for row in rows_of(vecmill, "user,project,category,tenant")}
    assert sorted(found) == users and sum(int(row["tokens"]) for row in found.values()) == fake.billed
    for user in users:
        row = found[user]
        assert (row["project"], row["category"], row["tenant"], row["texts"]) == ("p", "c", "acme", "20")
        assert int(row["tokens"]) == pytest.approx(own[user], rel=0.2)
    columns = ("day", "week", "month", "provider", "model", "tenant", "run", "tag", "tag:user", "project", "category")
    table = rows_of(vecmill, ",".join(columns))
    report = json.loads(cost(vecmill, "report", "--by", ",".join(columns), "--json").stdout)
    assert len(table) == len(report["rows"]) == 3
    assert all(row[by] == other[by] != "" for row, other in zip(table, report["rows"]) for by in columns)
    assert report["total"]["tokens"] == fake.billed and "rate of the last" in report["month"]["method"]
    assert list(csv.DictReader(io.StringIO(cost(vecmill, "report", "--tenant", "b", "--csv").stdout))) == []


def test_what_is_cached_for_one_tenant_is_found_for_no_other(fake, vecmill):
    for run, (tenant, requests) in enumerate((("acme", 1), ("b", 2), ("acme", 2))):
        assert vecmill("embed", "texts.txt", "--out", f"{run}.npy", "--tenant", tenant).returncode == 0
        assert len(fake.seen) == requests, tenant


@pytest.mark.parametrize("killed", [False, True])
def test_several_processes_never_exceed_a_budget_and_one_alert_is_sent(fake, vecmill, killed):
    texts = {n: [f"text {i} of process {n}" + "." * 180 for i in range(50)] for n in range(4)}
    for n, lines in texts.items():
        (vecmill.folder / f"{n}.txt").write_text("\n".join(lines) + "\n")
    budget = 0.5 * PRICE * sum(fakes.tokens_of(text) for lines in texts.values() for text in lines)

    def start(n):
        return subprocess.Popen([VECMILL, "embed", f"{n}.txt", "--out", f"{n}.npy", "--batch-size", "2", "--quiet",
                                 "--no-cache", "--resume", "--model", f"voyage:{MODELS['voyage']}"], cwd=vecmill.folder,
                                env={**vecmill.env, "HOOK_SECRET": SECRET}, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
    with Hook() as hook:
        configure(vecmill, f'alert_webhook = "{hook.url}"\n'
                           f'alert_secret_env = "HOOK_SECRET"\n[budget]\nday = {budget:.9f}\n')
        running = [start(n) for n in texts]
        if killed:
            while len(fake.seen) < 8 and any(one.poll() is None for one in running):
                time.sleep(0.001)
            running[0].send_signal(signal.SIGKILL)
            running[0].wait()
            running[0] = start(0)
        codes = [one.wait(60) for one in running]
    assert 6 in codes, codes
    assert 0 < fake.billed * PRICE <= budget + 1e-9
    row, = rows_of(vecmill, "provider")
    recorded = float(row["cost_usd"]) + float(row["held_usd"])
    assert fake.billed * PRICE <= recorded + 1e-12 and recorded <= budget + 1e-9
    kinds = sorted(alert["alert"] for alert in hook.heard)
    assert len(kinds) == len(set(kinds)) and (killed or kinds == ["budget_near", "budget_stopped"]), kinds
    assert "of process" not in json.dumps(hook.heard)
