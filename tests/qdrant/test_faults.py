"""Crashes of either side, and servers that lie: every row once in effect, none lost, none swapped."""

import json
import signal

import pytest
from fake import DROP
from places import FakePlace, check_points

COUNT = 1400  # six requests
TEXTS = {f"in.txt:{i + 1}": f"line {i} " + 60 * "x" for i in range(COUNT)}


@pytest.fixture
def notes(vecmill, fake):
    (vecmill.folder / "in.txt").write_text("".join(text + "\n" for text in TEXTS.values()))
    return FakePlace(fake, "notes")


def words(place, *more, **parameters):
    return ["in.txt", "--out", place.url(**parameters), "--create", *more]


class At:
    """Does something at the n-th write."""

    def __init__(self, number, action):
        self.left, self.action = number, action

    def __call__(self, request):
        if not request.is_write:
            return None
        self.left -= 1
        return self.action(request) if self.left == 0 else None


@pytest.mark.parametrize("point", ["qdrant.write:3", "qdrant.written:3", "qdrant.finish:1"])
def test_the_program_is_killed(vecmill, notes, point):
    assert vecmill.embed(*words(notes), env={"VECMILL_FAILPOINT": point}).code == 137
    done = len(notes.points())
    assert done == COUNT if "finish" in point else 0 < done < COUNT
    again = vecmill.embed(*words(notes, "--resume")).json
    assert (again["resumed"], again["embedded"]) == (done, COUNT - done)
    check_points(vecmill, notes.points(), TEXTS)


@pytest.mark.parametrize("when", ["during", "before", "after"])
def test_the_program_is_killed_in_a_request(vecmill, notes, fake, when):
    """While the server has half of it, all of it, and when it has written it but not said so."""
    process = None

    def kill(_):
        process.send_signal(signal.SIGKILL)
        process.wait()

    setattr(fake, when, At(4, kill))
    process = vecmill.start("embed", *words(notes), "--model", "builtin:hash", "--json")
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    again = vecmill.embed(*words(notes, "--resume")).json  # the server may still be at the request
    assert 0 < again["resumed"] < COUNT and again["resumed"] + again["embedded"] == COUNT
    check_points(vecmill, notes.points(), TEXTS)


@pytest.mark.parametrize("point, indexed, bulk", [
    ("qdrant.bulk:1", 10000, {}), ("qdrant.write:3", 10**9, {}), ("qdrant.write:3", 10**9, {"bulk": "yes"}),
    ("qdrant.finish:1", 10**9, {}), ("qdrant.unbulk:1", 10000, {"bulk": "yes"})])
def test_a_bulk_load_is_undone_after_a_crash(vecmill, notes, point, indexed, bulk):
    assert vecmill.embed(*words(notes, bulk="yes"), env={"VECMILL_FAILPOINT": point}).code == 137
    assert notes.info()["optimizer_config"]["indexing_threshold"] == indexed
    assert notes.info()["metadata"]["vecmill_bulk"] == 10000
    assert vecmill.embed(*words(notes, "--resume", **bulk)).code == 0
    assert notes.info()["optimizer_config"]["indexing_threshold"] == 10000
    assert "vecmill_bulk" not in notes.info()["metadata"]
    check_points(vecmill, notes.points(), TEXTS)


def test_a_bulk_load_that_fails_is_undone_at_once(vecmill, notes, fake):
    seen = []

    def full(_):
        seen.append(notes_threshold(fake))
        return 507, {"status": {"error": "Insufficient storage"}}, {}

    fake.before = At(3, full)
    failed = vecmill.embed(*words(notes, bulk="yes"))
    assert failed.code == 8 and "storage is full" in failed.said and seen == [10**9]
    assert notes_threshold(fake) == 10000 and "vecmill_bulk" not in notes.info()["metadata"]


def notes_threshold(fake):
    return fake.collections["notes"].optimizers["indexing_threshold"]


REPLIES = {
    "throttled": lambda _: (429, {"status": {"error": "Rate limiting exceeded"}}, {"Retry-After": "0"}),
    "unavailable": lambda _: (503, {"status": {"error": "Please retry"}}, {}),
    "failed": lambda _: (500, b"", {}),
    "late": lambda _: (408, {"status": {"error": "Timeout"}}, {}),
    "promised": lambda _: (200, {"result": {"operation_id": 1, "status": "acknowledged"}, "status": "ok"}, {}),
    "waited": lambda _: (200, {"result": {"operation_id": 1, "status": "wait_timeout"}, "status": "ok"}, {}),
    "accepted": lambda _: (202, {"result": None, "status": "accepted"}, {}),
    "cut": lambda _: DROP,
    "page": lambda _: (200, b"<html>welcome</html>", {"Content-Type": "text/html"}),
    "nonsense": lambda _: (200, b'{"status":"ok","result":[[[', {}),
}


@pytest.mark.parametrize("reply", REPLIES)
def test_a_write_without_a_good_answer_is_sent_again(vecmill, notes, fake, reply):
    fake.before = At(2, REPLIES[reply])  # it was not carried out
    fake.after = At(4, REPLIES[reply])  # it was, and nobody says so
    assert vecmill.embed(*words(notes)).json["embedded"] == COUNT
    check_points(vecmill, notes.points(), TEXTS)
    bodies = [request.raw for request in fake.seen if request.is_write]
    assert len(bodies) == len(set(bodies)) + 2


def test_what_is_too_large_is_sent_in_halves(vecmill, notes, fake):
    def small_door(request):
        if request.is_write and len(request.raw) > 300_000:
            return 413, b"<html>413</html>", {}
        return None

    fake.before = small_door
    assert vecmill.embed(*words(notes)).json["embedded"] == COUNT
    check_points(vecmill, notes.points(), TEXTS)


@pytest.mark.parametrize("lie, said", [("lost", "the server lost some"), ("other", "is not what was written")])
def test_a_server_that_loses_points_is_found_out(vecmill, notes, fake, lie, said):
    def harm(request):
        stored = fake.collections["notes"]
        if lie == "lost":
            stored.delete([json.loads(request.raw)["points"][0]["id"]])
        else:
            first = json.loads(request.raw)["points"][0]
            stored.upsert([{**first, "vector": {"dense": [1.0] * 256}}])

    fake.after = At(1, harm)
    answer = vecmill.embed(*words(notes))
    assert answer.code == 8 and said in answer.said, answer.err


def test_the_server_starts_again(vecmill, notes, fake):
    """It goes away in the middle of a request, and comes back at the same port."""
    port = fake.port

    def restart(_):
        fake.stop()
        fake.start(port)
        return DROP

    fake.before = At(3, restart)
    assert vecmill.embed(*words(notes)).json["embedded"] == COUNT
    check_points(vecmill, notes.points(), TEXTS)


def test_two_runs_at_once(vecmill, notes):
    runs = [vecmill.start("embed", *words(notes), "--model", "builtin:hash", "--quiet") for _ in range(2)]
    for run in runs:
        said = run.communicate()[1]
        assert run.returncode == 0, said
    check_points(vecmill, notes.points(), TEXTS)


def test_interrupted_by_hand(vecmill, notes, fake):
    process = None
    fake.after = At(4, lambda _: process.send_signal(signal.SIGINT))
    process = vecmill.start("embed", *words(notes, bulk="yes"), "--model", "builtin:hash", "--json")
    assert b"--resume" in process.communicate()[1] and process.returncode == 130
    assert notes_threshold(fake) == 10000, "nothing is left unindexed"
    assert vecmill.embed(*words(notes, "--resume")).json["resumed"] > 0
    check_points(vecmill, notes.points(), TEXTS)
