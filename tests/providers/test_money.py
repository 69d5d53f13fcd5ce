"""What a run costs: the ledger beside the provider's own bill, budgets, reports, estimates."""

import csv
import io
import json
import signal
import sqlite3
import subprocess
import time

import fake as fakes
import pytest
from test_command import MODELS, TEXTS, VECMILL, asked, vecmill  # noqa: F401

PRICES = {"voyage": 0.18, "openai": 0.02}  # dollars per million tokens of MODELS


def report(vecmill, *words):
    done = subprocess.run([VECMILL, "cost", "report", *words], cwd=vecmill.folder, env=vecmill.env,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows_of(vecmill, by):
    return list(csv.DictReader(io.StringIO(report(vecmill, "--csv", "--by", by))))


def many(vecmill, count=400):
    (vecmill.folder / "many.txt").write_text("".join(f"text number {i} of this file\n" for i in range(count)))
    return count


def test_what_is_billed_is_on_record(fake, vecmill):
    done = vecmill("embed", "texts.txt", "--out", "a.npy", "--tag", "project=search,user=ann", "--json")
    assert done.returncode == 0, done.stderr
    spend = json.loads(done.stdout)["spend"]
    cost = fake.billed * PRICES[fake.vendor] / 1e6
    assert spend["tokens"] == fake.billed and spend["requests"] == len(fake.seen) and spend["held_usd"] == "0.00"
    assert float(spend["cost_usd"]) == pytest.approx(cost)
    row, = rows_of(vecmill, "provider,project,user")
    assert (row["provider"], row["project"], row["user"]) == (fake.vendor, "search", "ann")
    assert int(row["tokens"]) == fake.billed and float(row["cost_usd"]) == pytest.approx(cost)
    again = vecmill("embed", "texts.txt", "--out", "b.npy", "--json")
    assert json.loads(again.stdout)["spend"]["requests"] == 0, "what is cached is free"


def test_a_reply_without_usage_is_on_record_as_counted_here(fake, vecmill):
    fake.tells_usage = False
    done = vecmill("embed", "texts.txt", "--out", "a.npy", "--json")
    assert done.returncode == 0, done.stderr
    spend = json.loads(done.stdout)["spend"]
    assert spend["tokens"] >= len(TEXTS) and spend["held_usd"] == "0.00", "not held for ever"
    cost = spend["tokens"] * PRICES[fake.vendor] / 1e6
    assert float(spend["estimated_usd"]) == float(spend["cost_usd"]) == pytest.approx(cost)
    row, = rows_of(vecmill, "provider")
    assert int(row["tokens"]) == spend["tokens"] and row["estimated_usd"] == row["cost_usd"]
    assert row["held_usd"] == "0.00"


def test_no_text_is_in_the_ledger(fake, vecmill):
    assert vecmill("embed", "texts.txt", "--out", "a.npy").returncode == 0
    assert vecmill("query", "a secret question", "--index", "a.npy").returncode == 0
    files = list((vecmill.folder / "home").glob("ledger.db*"))
    assert vecmill.folder / "home/ledger.db" in files
    for path in files:
        held = path.read_bytes()
        assert not any(text.encode() in held for text in [*TEXTS, "a secret question", fakes.KEYS[fake.vendor]])


def test_a_budget_ends_a_run_and_the_next_one_goes_on(fake, vecmill):
    count = many(vecmill)
    total = sum(fakes.tokens_of(f"text number {i} of this file") for i in range(count))
    most = f"{0.7 * total * PRICES[fake.vendor] / 1e6:.9f}"
    done = vecmill("embed", "many.txt", "--out", "a.npy", "--max-cost", most)
    assert done.returncode == 6 and "the budget of" in done.stderr, done.stderr
    assert 0 < fake.billed * PRICES[fake.vendor] / 1e6 <= float(most)
    again = vecmill("embed", "many.txt", "--out", "a.npy", "--max-cost", most, "--resume")
    assert again.returncode == 0, again.stderr
    assert sorted(asked(fake)) == sorted(set(asked(fake))), "paid twice"
    assert fake.billed == total


def test_budgets_of_a_day_are_of_all_runs(fake, vecmill):
    many(vecmill)
    assert vecmill("embed", "texts.txt", "--out", "a.npy").returncode == 0
    (vecmill.folder / "vecmill.toml").write_text('[budget]\nday = "0.00000013"\nmonth = "1"\n')
    billed = fake.billed
    done = vecmill("embed", "many.txt", "--out", "b.npy")
    assert done.returncode == 6 and "dollars a day" in done.stderr, done.stderr
    assert fake.billed == billed
    assert vecmill("embed", "texts.txt", "--out", "c.npy").returncode == 0, "what is cached is free"
    states = subprocess.run([VECMILL, "cost", "budget", "--json"], cwd=vecmill.folder, env=vecmill.env,
                            capture_output=True, text=True, timeout=60)
    day, month = json.loads(states.stdout)
    assert float(day["used_usd"]) == pytest.approx(billed * PRICES[fake.vendor] / 1e6)
    assert float(day["left_usd"]) < 1e-6 and float(month["left_usd"]) < 1


def test_failed_requests_cost_nothing_and_lost_ones_are_held(fake, vecmill):
    fake.plan = [(500, {}, {}), (429, {}, {"Retry-After": "0"}), (502, {}, {})]
    done = vecmill("embed", "texts.txt", "--out", "a.npy", "--json")
    assert done.returncode == 0, done.stderr
    spend = json.loads(done.stdout)["spend"]
    assert spend["requests"] == 4 and spend["tokens"] == fake.billed
    assert float(spend["held_usd"]) > 0, "a gateway does not know what was billed"


def test_a_kill_leaves_a_record_that_covers_the_bill(fake, vecmill):
    count = many(vecmill, 1500)
    command = [VECMILL, "embed", "many.txt", "--out", "a.npy", "--batch-size", "20", "--quiet", "--model",
               f"{fake.vendor}:{MODELS[fake.vendor]}"]
    for sent in (5, 12, 30):
        process = subprocess.Popen([*command, "--resume"], cwd=vecmill.folder, env=vecmill.env,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        goal = len(fake.seen) + sent
        while len(fake.seen) < goal and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = subprocess.run([*command, "--resume"], cwd=vecmill.folder, env=vecmill.env, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    row, = rows_of(vecmill, "provider")
    price = PRICES[fake.vendor] / 1e6
    assert int(row["tokens"]) <= fake.billed
    assert fake.billed * price <= float(row["cost_usd"]) + float(row["held_usd"]) + 1e-12
    book = sqlite3.connect(vecmill.folder / "home/ledger.db")
    unknown, = book.execute("SELECT coalesce(sum(texts), 0) FROM calls WHERE state = 3").fetchone()
    book.close()
    assert len(set(asked(fake))) == count and len(asked(fake)) <= count + unknown, "paid for again"


def test_a_price_that_nobody_knows_is_an_error(fake, vecmill):
    model = f"{fake.vendor}:brand-new"

    def embed(*words):
        return subprocess.run([VECMILL, "embed", "texts.txt", "--out", "a.npy", "--model", model, *words],
                              cwd=vecmill.folder, env=vecmill.env, capture_output=True, text=True, timeout=60)
    done = embed()
    assert done.returncode == 2 and "no price is known" in done.stderr and "--price" in done.stderr
    assert not fake.seen
    embed("--price", "0.5")
    assert fake.seen, "with a price it is sent"
    known = json.loads(vecmill("embed", "texts.txt", "--out", "a.npy", "--price", "1000", "--json").stdout)
    assert float(known["spend"]["cost_usd"]) < 0.001, "a price that is known is not overruled"
    (vecmill.folder / "prices.csv").write_text(f"{fake.vendor},brand-new,2026-01-01,0.5\n")
    fake.seen.clear()
    embed("--prices", "prices.csv")
    assert fake.seen
    (vecmill.folder / "prices.csv").write_text("nonsense\n")
    done = embed("--prices", "prices.csv")
    assert done.returncode == 7 and "prices.csv:1" in done.stderr, done.stderr


@pytest.mark.parametrize("words, what", [
    (["--max-cost", "five"], "no amount of dollars"), (["--price", "20000"], '--price: "20000" is no price'),
    (["--tag", "project"], "is no tag"), (["--daily-budget", "-1"], "no amount of dollars")])
@pytest.mark.parametrize("vendor", ["voyage"], indirect=True)
def test_what_makes_no_sense_is_refused(fake, vecmill, words, what):
    done = vecmill("embed", "texts.txt", "--out", "a.npy", *words)
    assert done.returncode == 2 and what in done.stderr, done.stderr
    assert not fake.seen


def test_an_estimate_sends_nothing_and_is_near_the_truth(fake, vecmill):
    many(vecmill)
    done = subprocess.run([VECMILL, "estimate", "many.txt", "--json", "--models",
                           f"{fake.vendor}:{MODELS[fake.vendor]},builtin:hash,jina:unknown,absent"],
                          cwd=vecmill.folder, env=vecmill.env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    api, local, *bad = json.loads(done.stdout)
    assert not fake.seen
    assert api["texts"] == local["texts"] == 400 and local["exact"]
    assert api["exact"] == (fake.vendor == "openai"), "whose tokens are counted here"
    assert local["cost_usd"] == "0.00" and all("problem" in one for one in bad) and len(bad) == 2
    assert vecmill("embed", "many.txt", "--out", "a.npy").returncode == 0
    assert float(api["cost_usd"]) == pytest.approx(fake.billed * PRICES[fake.vendor] / 1e6, rel=0.5)


@pytest.mark.parametrize("vendor", ["voyage"], indirect=True)
def test_reports_before_anything_was_spent(fake, vecmill):
    done = subprocess.run([VECMILL, "cost", "report"], cwd=vecmill.folder, env=vecmill.env, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 2 and "ledger.db" in done.stderr, done.stderr
    assert not (vecmill.folder / "home").exists(), "who only asks makes nothing"
    done = subprocess.run([VECMILL, "cost", "reprot"], cwd=vecmill.folder, env=vecmill.env, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 2 and "report" in done.stderr
