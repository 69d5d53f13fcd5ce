"""What a user does: submit, work, look, redrive."""

import json
import signal

import pytest

from conftest import Held, end, kinds, some_texts, until
from program import ROOT
from webhook import SECRET, Hook


def test_a_file_becomes_jobs_and_every_row_is_its_own(vecmill):
    texts = some_texts(1050)
    made = vecmill.submit(vecmill.write(texts), "--job-size", "100", "--group", "mine")
    assert (made["jobs"], made["texts"], made["group"]) == (11, 1050, "mine")
    report = vecmill.drain()
    assert (report["done"], report["texts"]) == (11, 1050)
    vecmill.check(texts)
    assert vecmill("jobs", "wait", "mine").code == 0
    shown = vecmill.jobs("mine")
    assert [job["state"] for job in shown] == ["done"] * 11
    assert shown[1]["texts"].endswith("in.jsonl, records 101 to 200")
    hit = vecmill.program.start("query", texts["r77"], "--index", "out.db", "-k", "1", "--json").communicate()[0]
    assert b'"r77"' in hit


def test_texts_of_standard_input_lie_in_the_queue(vecmill):
    lines = "".join(json.dumps({"id": id, "text": text, "n": len(text)}) + "\n"
                    for id, text in some_texts(30).items())
    vecmill.submit("-", "--format", "jsonl", "--job-size", "7", stdin=lines.encode())
    assert vecmill.drain()["done"] == 5
    vecmill.check(some_texts(30))


@pytest.mark.parametrize("vecmill", kinds(1), indirect=True)
def test_an_output_keeps_the_arithmetic_it_began_with(vecmill):
    model = ROOT / "tests/golden/models/bert-bare"
    vecmill.submit(vecmill.write(some_texts(1)), "--dtype", "int8", model=model)
    again = vecmill.write(some_texts(2))
    vecmill.submit(again, model=model)
    refused = vecmill("jobs", "submit", again, "--model", model, "--out", "out.db", "--dtype", "f32")
    assert refused.code == 7 and "int8/3" in refused.err and "f32/1" in refused.err
    assert vecmill.drain()["done"] == 2
    assert vecmill.rows().keys() == some_texts(2).keys()


def test_the_worker_needs_no_file_whose_texts_are_inline(vecmill):
    texts = some_texts(10)
    vecmill.submit(vecmill.write(texts), "--inline")
    (vecmill.folder / "in.jsonl").unlink()
    vecmill.drain()
    vecmill.check(texts)


def test_a_text_that_fails_is_a_dead_letter_of_its_own(vecmill):
    texts = some_texts(50)
    long = {f"r{i}": texts[f"r{i}"] + " and on" * 20 for i in (7, 30)}
    vecmill.submit(vecmill.write({**texts, **long}), "--job-size", "20", "--max-seq-length", "8", "--truncate",
                   "error")
    report = vecmill.drain(code=3)
    assert (report["split"], report["dead"], report["dead_letters"]) == (2, 2, 2)
    assert vecmill.rows().keys() == texts.keys() - long.keys()
    assert [(cause["cause"], cause["jobs"]) for cause in vecmill.dead()] == [("too_long", 2)]
    letters = vecmill("dead", "ls", "--by", "job").out.splitlines()
    assert [json.loads(line)["texts"].split(", ")[-1] for line in letters] == ["record 8", "record 31"]
    assert "and on" not in "".join(letters)

    assert vecmill("dead", "redrive", "--cause", "other").json["redriven"] == 0
    assert vecmill("dead", "redrive", "--cause", "too_long", "--truncate", "end").json["redriven"] == 2
    assert vecmill.drain()["texts"] == 2
    assert vecmill.rows().keys() == texts.keys()
    assert vecmill.dead() == []


def test_dead_letters_are_forgotten_only_when_they_are_named(vecmill):
    vecmill.submit(vecmill.write({"a": " ", "b": "text"}), "--empty", "fail")
    vecmill.drain(code=3)
    assert vecmill("dead", "purge").code == 2
    assert vecmill("dead", "purge", "--cause", "invalid_data").json["purged"] == 1
    assert vecmill("jobs", "purge", "--older-than", "0").json["purged"] == 1
    assert vecmill.jobs() == []


def test_what_is_urgent_goes_first(vecmill):
    vecmill.write(some_texts(5))
    for priority in ("low", "normal", "urgent"):
        vecmill.submit("in.jsonl", "--group", priority, "--priority", priority)
    process = vecmill.worker("--drain")
    events = [json.loads(line)["group"] for line in process.communicate()[1].splitlines()]
    assert events == ["urgent", "normal", "low"]


def test_cancelled_jobs_are_not_done(vecmill):
    vecmill.submit(vecmill.write(some_texts(30)), "--job-size", "10", "--group", "mine")
    first = vecmill.jobs("mine")[0]["id"]
    assert vecmill("jobs", "cancel", first).json["cancelled"] == 1
    assert vecmill("jobs", "cancel", "other").json["cancelled"] == 0
    assert vecmill.drain()["done"] == 2
    assert vecmill.rows().keys() == {f"r{i}" for i in range(10, 30)}


def test_a_file_that_changed_is_not_embedded_for_another(vecmill):
    vecmill.submit(vecmill.write(some_texts(20)), "--job-size", "10", "--group", "mine")
    vecmill.write({**some_texts(20), "r12": "another text"})
    report = vecmill.drain(code=3)
    assert (report["done"], report["dead"]) == (1, 1)
    assert vecmill.rows().keys() == {f"r{i}" for i in range(10)}
    assert vecmill.dead()[0]["cause"] == "mismatch"
    vecmill.write(some_texts(20))
    assert vecmill("jobs", "retry", "mine").json["redriven"] == 1
    vecmill.drain()
    vecmill.check(some_texts(20))


def test_a_file_that_comes_back_is_waited_for(vecmill):
    vecmill.write(some_texts(5))
    vecmill.submit("in.jsonl")
    (vecmill.folder / "in.jsonl").rename(vecmill.folder / "away")
    process = vecmill.worker("--drain")
    until(lambda: vecmill.count("delayed"))
    (vecmill.folder / "away").rename(vecmill.folder / "in.jsonl")
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert json.loads(out)["retried"] == 1
    vecmill.check(some_texts(5))


def test_three_failures_are_death(vecmill):
    vecmill.submit(vecmill.write(some_texts(5)))
    (vecmill.folder / "in.jsonl").unlink()
    report = vecmill.drain(code=3, retry="0s")
    assert (report["retried"], report["dead"]) == (2, 1)
    assert vecmill.dead()[0]["cause"] == "not_found"


def test_told_to_end_a_worker_gives_back_what_it_had(vecmill):
    texts = some_texts(300)
    vecmill.submit(vecmill.write(texts), "--job-size", "100")
    held = Held(vecmill.folder / "out.db")
    process = vecmill.worker()
    until(lambda: vecmill.count("leased"))
    process.send_signal(signal.SIGTERM)
    held.let_go()
    out, err = process.communicate()
    assert process.returncode == 143, err
    report = json.loads(out)
    assert report["done"] + report["released"] == 1, err
    assert vecmill.count("waiting") + report["done"] == 3
    assert all(job["crashes"] == job["failures"] == 0 for job in vecmill.jobs())
    vecmill.drain()
    vecmill.check(texts)


def test_a_worker_without_work_ends_when_told(vecmill):
    vecmill.submit(vecmill.write(some_texts(3)))
    process = vecmill.worker()
    until(lambda: vecmill.count("done"))
    answer = end(process, signal.SIGTERM)
    assert answer.code == 143 and json.loads(answer.out)["done"] == 1


@pytest.mark.parametrize("vecmill", kinds(1), indirect=True)
def test_a_webhook_hears_of_dead_letters_and_of_the_end(vecmill):
    vecmill.submit(vecmill.write({"a": " ", "b": "text", "c": "  "}), "--empty", "fail")
    with Hook() as hook:
        vecmill.drain("--alert-webhook", hook.url, "--alert-secret-env", "SECRET", code=3,
                      env={"SECRET": SECRET, "no_proxy": "127.0.0.1"})
    first, last = hook.heard
    assert (first["alert"], first["cause"]) == ("dead_letters", "invalid_data")
    assert (last["alert"], last["dead"], last["texts"]) == ("worker_ended", 2, 1)


@pytest.mark.parametrize("vecmill", kinds(1), indirect=True)
@pytest.mark.parametrize("words, code, said", [
    (["jobs", "submit", "in.jsonl", "--out", "x.npy"], 2, "takes what one run writes"),
    (["jobs", "submit", "in.jsonl"], 2, "there is no place for the vectors"),
    (["jobs", "submit", "--out", "x.db"], 2, "there is nothing to embed"),
    (["jobs", "submit", "nosuch.jsonl", "--out", "x.db"], 2, "there is no such file"),
    (["jobs", "submit", "in.jsonl", "--out", "x.db", "--group", "7"], 2, "is not a number"),
    (["jobs", "submit", "in.jsonl", "--out", "x.db", "--job-size", "0"], 2, "at least 1"),
    (["jobs", "submit", "in.jsonl", "--out", "postgres://u:secret@h/d?table=t"], 2, "has a password"),
    (["jobs", "submit", "postgres://u:secret@h/d?table=t&text=b", "--out", "x.db"], 2, "has a password"),
    (["jobs", "submit", "qdrant://h/c", "--out", "x.db"], 2, "a collection is no input of jobs"),
    (["jobs", "submit", "postgres:///d?table=t", "--out", "x.db"], 2, "names no column of texts"),
    (["jobs", "submit", "in.jsonl", "--out", "x.db", "--outputs", "dense,sparse"], 7, "gives dense vectors only"),
    (["jobs", "wait"], 2, "which?"),
    (["jobs", "wait", "nosuch"], 2, "there is no such group"),
    (["jobs", "show", "nosuch"], 2, "there is no such job or group"),
    (["jobs", "sumbit"], 2, "did you mean submit?"),
    (["dead", "ls", "--by", "day"], 2, "is neither cause nor job"),
    (["dead", "list"], 2, "dead: ls, redrive or purge"),
    (["worker", "in.jsonl"], 2, "worker takes no in.jsonl"),
    (["worker", "--lease", "0"], 2, "a lease lasts a second at least"),
])
def test_mistakes(vecmill, words, code, said):
    vecmill.submit(vecmill.write(some_texts(2)))
    if words[:2] == ["jobs", "submit"]:
        words = [*words, "--model", "builtin:hash"]
    answer = vecmill(*words)
    assert answer.code == code and said in answer.err, answer.err
    assert "secret" not in answer.err
    assert vecmill.count("waiting") == 1 and len(vecmill.jobs()) == 1


def test_there_must_be_a_queue(vecmill):
    for words in (["jobs", "ls"], ["dead", "ls"], ["worker"]):
        answer = vecmill(*words)
        assert answer.code == 2 and "there is no queue" in answer.err, answer.err
    assert not (vecmill.folder / "queue.db").exists()
    vecmill.queue = "queue.txt"
    assert "name a file that ends in .db" in vecmill("worker").said


def test_an_output_of_another_model_is_refused(vecmill):
    vecmill.submit(vecmill.write(some_texts(2)))
    answer = vecmill("jobs", "submit", "in.jsonl", "--model", "builtin:hash", "--dims", "64", "--out", "out.db")
    assert answer.code == 7, answer.err
