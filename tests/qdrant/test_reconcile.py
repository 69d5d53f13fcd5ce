"""A collection beside its source: what is lost, stale or orphaned is found, mended and removed, and nothing else."""

import json

import fake as fakes
import pytest
from places import FakePlace, check_points

COUNTS = ("rows", "fine", "lost", "stale", "orphaned", "failed")


def texts(count):
    return {f"n{i}": f"text {i} " + "word " * (i % 7) for i in range(count)}


def write_notes(vecmill, some):
    lines = [json.dumps({"id": i, "text": text}) for i, text in some.items()]
    (vecmill.folder / "notes.jsonl").write_text("\n".join(lines) + "\n")


def embed(vecmill, place, some):
    write_notes(vecmill, some)
    assert vecmill.embed("notes.jsonl", "--out", place.url(), "--create", env=place.env()).code == 0


def reconcile(vecmill, place, *more, env=None):
    return vecmill("reconcile", "notes.jsonl", place.url(), "--json", *more, env={**place.env(), **(env or {})})


def counts(answer):
    report = json.loads(answer.out.splitlines()[-1])
    return answer.code, *(report[name] for name in COUNTS)


def planted(vecmill, place, count=1500):
    """Two texts changed, three new, one gone, in a collection of `count`."""
    some = texts(count)
    embed(vecmill, place, some)
    changed = {**some, "n3": "another text", f"n{count - 1}": "and another", "new1": "a", "new2": "b", "42": "c"}
    del changed["n7"]
    write_notes(vecmill, changed)
    return changed


def test_found_mended_and_removed(vecmill, place):
    embed(vecmill, place, texts(10))
    assert counts(reconcile(vecmill, place)) == (0, 10, 10, 0, 0, 0, 0)
    changed = planted(vecmill, place)
    before = place.points()
    found = reconcile(vecmill, place, "--list")
    assert counts(found) == (1, 1502, 1497, 3, 2, 1, 0)
    lines = [json.loads(line) for line in found.out.splitlines()[:-1]]
    assert lines == [{"row": "stale", "id": "n3"}, {"row": "stale", "id": "n1499"}, {"row": "lost", "id": "new1"},
                     {"row": "lost", "id": "new2"}, {"row": "lost", "id": "42"}, {"row": "orphaned", "id": "n7"}]
    assert place.points() == before, "nothing is changed unasked"
    mended = reconcile(vecmill, place, "--mend")
    assert counts(mended)[0] == 1 and (mended.json["mended"], mended.json["removed"]) == (5, 0)
    assert "n7" in place.points(), "an orphan is not removed unasked"
    removed = reconcile(vecmill, place, "--remove-orphans")
    assert counts(removed) == (0, 1502, 1502, 0, 0, 1, 0) and removed.json["removed"] == 1
    check_points(vecmill, place.points(), changed)
    assert counts(reconcile(vecmill, place)) == (0, 1502, 1502, 0, 0, 0, 0)


@pytest.mark.parametrize("version", fakes.VERSIONS)
def test_every_version(vecmill, start, version):
    place = FakePlace(start(version=version), "notes")
    changed = planted(vecmill, place, 12)
    assert reconcile(vecmill, place, "--mend", "--remove-orphans").code == 0
    check_points(vecmill, place.points(), changed)


@pytest.mark.parametrize("point", ["qdrant.write:2", "qdrant.written:1", "qdrant.finish:1", "reconcile.remove:1"])
def test_the_program_is_killed(vecmill, place, point):
    embed(vecmill, place, {"old": "of a text that is gone"})
    some = texts(600)
    write_notes(vecmill, some)
    words = ["--mend", "--remove-orphans", "--yes"]
    assert reconcile(vecmill, place, *words, env={"VECMILL_FAILPOINT": point}).code == 137
    done = len(place.points()) - 1
    again = reconcile(vecmill, place, *words)
    assert again.code == 0 and again.json["mended"] == 600 - done and again.json["removed"] == 1
    check_points(vecmill, place.points(), some)


def test_what_is_written_anew_meanwhile_is_not_removed(vecmill, fake):
    """Between the look and the removal somebody writes the orphan again, of another text."""
    place = FakePlace(fake, "notes")
    changed = planted(vecmill, place, 20)

    def write_again(request):
        if not request.path.endswith("/points/delete"):
            return
        fake.before = lambda _: None
        ids = request.json["filter"]["must"][0]["has_id"]
        point = fake.collections["notes"].retrieve({"ids": ids, "with_vector": True})[0]
        point["payload"]["_vecmill"]["text_hash"] = "0" * 64
        fake.collections["notes"].upsert([point])

    fake.before = write_again
    answer = reconcile(vecmill, place, "--mend", "--remove-orphans")
    assert answer.code == 1 and answer.json["removed"] == 0 and "1 of the orphans stay" in answer.json["notes"][0]
    assert sorted(place.points()) == sorted([*changed, "n7"])


def test_points_of_others_stay(vecmill, place):
    some = texts(3)
    embed(vecmill, place, some)
    one = next(iter(place.points().values()))
    place.upsert([{"id": 7, "vector": one["vector"], "payload": {"mine": 1}}])
    answer = reconcile(vecmill, place, "--remove-orphans")
    assert counts(answer) == (1, 3, 3, 0, 0, 1, 0) and answer.json["removed"] == 0
    assert len(place.points()) == 4


def test_a_collection_is_the_source(vecmill, start):
    source, sink = FakePlace(start(), "pages"), FakePlace(start(), "notes")
    source.create({"vectors": {"other": {"size": 1, "distance": "Dot"}}})
    source.upsert([{"id": i, "vector": {"other": [1]}, "payload": {"body": f"text {i}"}} for i in range(1, 400)])
    assert vecmill.embed(source.url(text="body"), "--out", sink.url(), "--create").code == 0
    source.upsert([{"id": i, "vector": {"other": [1]}, "payload": {"body": "new"}} for i in (5, 900)])
    answer = vecmill("reconcile", source.url(text="body"), sink.url(), "--json", "--mend")
    assert counts(answer) == (0, 400, 398, 1, 1, 0, 0) and answer.json["mended"] == 2
    itself = vecmill("reconcile", source.url(text="body"), source.url(), "--json", "--mend")
    assert itself.code == 2 and "is the input, too" in itself.err


def test_bad_input(vecmill, place):
    write_notes(vecmill, texts(3))
    nothing = reconcile(vecmill, place)
    assert nothing.code == 2 and "there is no collection" in nothing.err
    embed(vecmill, place, texts(3))
    other = reconcile(vecmill, place, "--mend", "--model", "builtin:hash", "--dims", "64")
    assert other.code == 7 and "dimensions" in other.err
    before = place.points()
    write_notes(vecmill, {"x": "of other ids"})
    strange = reconcile(vecmill, place, "--remove-orphans")
    assert strange.code == 7 and "the source none of them: nothing was removed" in strange.err
    assert place.points() == before
