"""Collections as sink and source: what is written is right, what is done is not done again."""

import json
import pathlib
import uuid

import fake as fakes
import numpy as np
import pytest
from places import FakePlace, check_points
from watching import watch  # noqa: F401

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
UUID = "0b6ec5bd-59c4-5e42-8a21-6a1e0b1c6f11"


def write_notes(vecmill, texts):
    lines = [json.dumps({"id": i, "text": text, "lang": "de", "deep": {"n": [1, None, "ü"]}}) for i, text in texts.items()]
    (vecmill.folder / "notes.jsonl").write_text("\n".join(lines) + "\n")


def texts(count, what="text"):
    return {f"n{i}": f"{what} {i} " + "word " * (i % 7) for i in range(count)}


def embed(vecmill, place, *more, **parameters):
    return vecmill.embed("notes.jsonl", "--out", place.url(**parameters), *more, env=place.env())


def test_a_file_goes_into_a_new_collection(vecmill, place):
    some = {**texts(700), "42": "a number", "042": "no number", UUID: "a UUID", UUID.upper(): "no UUID", "it's ☂": "odd"}
    write_notes(vecmill, some)
    refused = embed(vecmill, place)
    assert refused.code == 2 and "there is no collection" in refused.said and "--create makes it" in refused.said
    assert embed(vecmill, place, "--create").json["embedded"] == len(some)
    points = place.points()
    check_points(vecmill, points, some)
    for i, point in points.items():
        assert {k: v for k, v in point["payload"].items() if k != "_vecmill"} == {"lang": "de", "deep": {"n": [1, None, "ü"]}}
        assert point["payload"]["_vecmill"].keys() == {"id", "text_hash"}
        assert i in ("42", UUID) or uuid.UUID(point["id"]).version == 5
    assert (points["42"]["id"], points[UUID]["id"]) == (42, UUID)
    assert len({str(point["id"]) for point in points.values()}) == len(some)
    params = place.info()["params"]["vectors"]
    assert list(params) == ["dense"] and (params["dense"]["size"], params["dense"]["distance"]) == (256, "Cosine")


def test_what_is_there_is_left_out(vecmill, place):
    some = texts(600)
    write_notes(vecmill, some)
    assert embed(vecmill, place, "--create").json["embedded"] == 600
    again = embed(vecmill, place, "--resume").json
    assert (again["embedded"], again["resumed"]) == (0, 600)
    changed = {**some, "n3": "another text", "n599": "and another", "new": "a new one"}
    write_notes(vecmill, changed)
    again = embed(vecmill, place, "--resume").json
    assert (again["embedded"], again["resumed"]) == (3, 598)
    check_points(vecmill, place.points(), changed)
    assert embed(vecmill, place).json["embedded"] == 601  # without --resume everything is written again
    check_points(vecmill, place.points(), changed)


def test_what_is_new_goes_into_a_watched_collection(vecmill, fake, watch):  # noqa: F811
    place = FakePlace(fake, "notes")
    some = texts(30)
    write_notes(vecmill, some)
    for again in (False, True):  # a second one finds what the first one did
        if again:
            some = {**some, "n7": "changed while nobody watched"}
            write_notes(vecmill, some)
        watching = watch("notes.jsonl", "--out", place.url(), "--create", "--poll", "1s")
        watching.embedded(1 if again else 30)
        some = {**some, "n3": f"another text {again}", f"new{again}": "a new one"}
        write_notes(vecmill, some)
        watching.embedded(2)
        watching.end()
    check_points(vecmill, place.points(), some)


def test_a_collection_keeps_the_arithmetic_it_began_with(vecmill, place):
    def embed(*more):
        return vecmill("embed", "notes.jsonl", "--model", GOLDEN / "models/bert-bare", "--json", "--out", place.url(),
                       "--create", *more, env=place.env())

    write_notes(vecmill, texts(1))
    assert embed("--dtype", "int8").json["arithmetic"] == "int8/3"
    write_notes(vecmill, texts(2))
    refused = embed("--dtype", "f32")
    assert refused.code == 7 and "int8/3" in refused.err and "f32/1" in refused.err
    assert embed().json["arithmetic"] == "int8/3"
    assert len(place.points()) == 2


def test_a_collection_goes_into_files_and_collections(vecmill, place):
    place.create({"vectors": {"other": {"size": 2, "distance": "Dot"}}})
    points = [{"id": i, "vector": {"other": [1, i]}, "payload": {"body": f"text {i}", "n": i, "big": 2.5e300}} for i in range(1, 900)]
    points[4]["payload"]["body"] = points[5]["payload"]["body"] = None
    del points[6]["payload"]["body"]
    points.append({"id": UUID, "vector": {}, "payload": {"content": 3, "body": "x" * 300_000}})
    place.upsert(points)
    ids = [str(point["id"]) for point in points if point["payload"].get("body")]
    done = vecmill.embed(place.url(), "--out", "out.jsonl", env=place.env())
    assert done.json["embedded"] == len(ids) == 897
    rows = [json.loads(line) for line in (vecmill.folder / "out.jsonl").read_text().splitlines()]
    assert sorted(row["id"] for row in rows) == sorted(ids)
    assert rows[0]["metadata"] == {"n": int(rows[0]["id"]), "big": 2.5e300} or rows[0]["id"] == UUID
    for name, how in (("text=body", []), ("", ["--text-field", "body"])):
        (vecmill.folder / "again.npy").unlink(missing_ok=True)
        url = place.url(text="body") if name else place.url()
        answer = vecmill.embed(url, "--out", f"again{len(how)}.npy", *how, env=place.env())
        assert answer.json["embedded"] == 897
    assert vecmill.embed(place.url(), "--dry-run", env=place.env()).json["texts"] == 897
    odd = vecmill.embed(place.url(text="n"), "--out", "odd.npy", env=place.env())
    assert odd.code == 7 and 'has a "n" that is no text' in odd.said


def test_a_source_goes_on_where_it_was(vecmill, place):
    write_notes(vecmill, {f"{i}": "0" for i in range(2)})
    place.create({"vectors": {"other": {"size": 2, "distance": "Dot"}}})
    some = {i: f"text {i} " + 60 * "x" for i in range(1, 3001)}
    for start in range(1, 3001, 500):
        place.upsert([{"id": i, "vector": {}, "payload": {"text": some[i]}} for i in range(start, start + 500)])
    words = [place.url(), "--out", "out.npy"]
    assert vecmill.embed(*words, env={**place.env(), "VECMILL_FAILPOINT": "sink.commit:2"}).code == 137
    done = vecmill.embed(*words, "--resume", env=place.env()).json
    assert 0 < done["resumed"] < 3000 and done["resumed"] + done["embedded"] == 3000
    assert (vecmill.folder / "out.ids.txt").read_text().split() == [f'"{i}"' for i in range(1, 3001)]
    assert np.array_equal(np.load(vecmill.folder / "out.npy"), vecmill.vectors([some[i] for i in range(1, 3001)]))


def test_from_collection_to_collection(vecmill, start):
    """Ids are those that the texts had in the beginning."""
    fake = start()
    source, target = FakePlace(fake, "a"), FakePlace(fake, "b")
    source.create({"vectors": {"other": {"size": 2, "distance": "Dot"}}})
    source.upsert([{"id": 7, "vector": {}, "payload": {"text": "seven", "n": 1, "_vecmill": {"id": "my 7"}}}])
    assert vecmill.embed(source.url(), "--out", target.url(), "--create").json["embedded"] == 1
    point, = target.points().values()
    assert point["payload"]["n"] == 1 and point["payload"]["_vecmill"]["id"] == "my 7"
    itself = vecmill.embed(source.url(text="text"), "--out", source.url(adopt="yes", vector="other"))
    assert itself.code == 2 and "is the input, too" in itself.said


def golden(name):
    rows = [json.loads(line) for line in (GOLDEN / f"{name}.jsonl").read_text("utf8").splitlines()]
    return {f"t{i}": row["text"] for i, row in enumerate(rows)}


@pytest.mark.parametrize("half", [False, True])
def test_all_outputs_are_in_one_point(vecmill, place, half):
    write_notes(vecmill, golden("xlm-roberta-m3"))
    words = ["embed", "notes.jsonl", "--model", GOLDEN / "models/xlm-roberta-m3", "--outputs", "dense,sparse,multivector", "--quiet"]
    words += ["--store", "f16"] if half else []
    for out in ("out.jsonl", place.url()):
        run = vecmill.start(*words, "--create", "--out", out, env=place.env())
        assert run.communicate()[1] == b"" and run.returncode == 0
    rows = {row["id"]: row for row in map(json.loads, (vecmill.folder / "out.jsonl").read_text("utf8").splitlines())}
    points = place.points()
    assert points.keys() == rows.keys()
    close = {"rtol": 0, "atol": 2e-3 if half else 2e-6}
    for i, row in rows.items():
        vectors = points[i]["vector"]
        dense = np.array(row["dense"])
        assert np.allclose(vectors["dense"], dense / np.linalg.norm(dense), **close)
        assert vectors["sparse"]["indices"] == row["sparse"]["indices"]
        assert np.allclose(vectors["sparse"]["values"], row["sparse"]["values"], **close)
        assert np.allclose(vectors.get("multivector", []), row["multivector"], **close)
        assert points[i]["payload"].get("_vecmill", {}).get("truncated_tokens", 0) > 0 or not row["truncated"]
    params = place.info()["params"]
    assert params["vectors"]["multivector"]["multivector_config"] == {"comparator": "max_sim"}
    assert {one["datatype"] for one in params["vectors"].values()} == {"float16" if half else "float32"}
    if half:
        return
    for mode in ("dense", "sparse", "multivector"):
        found = []
        for index in ("out.jsonl", place.url()):
            asked = vecmill.start("query", "weather in spring", "--index", index, "--mode", mode, "--json", "--model",
                                  GOLDEN / "models/xlm-roberta-m3", "--top", "3", env=place.env())
            out, err = asked.communicate()
            found.append([(hit["id"], hit["score"]) for hit in json.loads(out or b"{}").get("hits", [])])
        assert len(found[0]) > 0, err
        assert [score for _, score in found[1]] == pytest.approx([score for _, score in found[0]][:len(found[1])], abs=1e-4)
    both = vecmill.start("query", "x", "--index", place.url(), "--mode", "hybrid", "--json", "--model",
                         GOLDEN / "models/xlm-roberta-m3", env=place.env())
    assert b"compares one kind of vectors at a time" in both.communicate()[1] and both.returncode == 7


def test_a_collection_knows_its_model(vecmill, place):
    some = texts(30)
    write_notes(vecmill, some)
    assert embed(vecmill, place, "--create").code == 0
    asked = vecmill.start("query", some["n9"], "--index", place.url(), "--json", env=place.env())
    hits = json.loads(asked.communicate()[0])["hits"]
    assert hits[0]["id"] == "n9" and hits[0]["score"] == pytest.approx(1, abs=1e-5)
    other = embed(vecmill, place, "--max-seq-length", "7")
    assert other.code == 7 and "holds vectors of builtin:hash" in other.said
    half = embed(vecmill, place, "--store", "f16")
    assert half.code == 7 and "is stored as float32, not as float16" in half.said


def test_vectors_of_nobody_are_not_mixed_with(vecmill, place):
    some = texts(5)
    write_notes(vecmill, some)
    place.create({"vectors": {"v": {"size": 256, "distance": "Dot"}}})
    place.upsert([{"id": 1, "vector": {"v": [1] * 256}, "payload": {}}])
    refused = embed(vecmill, place, vector="v", distance="dot")
    assert refused.code == 7 and "no record of their model" in refused.said and "adopt=yes" in refused.said
    assert len(place.points()) == 1
    assert embed(vecmill, place, vector="v", distance="dot", adopt="yes").json["embedded"] == 5
    assert len(place.points()) == 6
    assert embed(vecmill, place, "--resume", vector="v", distance="dot").json["embedded"] == 0


def test_failed_texts_are_named_and_tried_again(vecmill, place):
    write_notes(vecmill, {"a": "one", "b": "  ", "c": "three"})
    first = embed(vecmill, place, "--create", "--empty", "fail")
    assert first.code == 3 and first.json["failed"] == 1
    assert first.json["notes"][0].startswith("no point for b (")
    write_notes(vecmill, {"a": "one", "b": "two", "c": "three"})
    assert embed(vecmill, place, "--resume").json["embedded"] == 1
    check_points(vecmill, place.points(), {"a": "one", "b": "two", "c": "three"})


@pytest.mark.parametrize("version", fakes.VERSIONS)
def test_every_version(vecmill, start, version):
    """The model is on record in the metadata of the collection, or where there is none, in a point of its own."""
    fake = start(version=version)
    place = FakePlace(fake, "notes")
    some = texts(40)
    write_notes(vecmill, some)
    assert embed(vecmill, place, "--create", bulk="yes").json["embedded"] == 40
    check_points(vecmill, place.points(), some)
    assert place.ask("POST", "/points/count", {})["count"] == (40 if version >= "1.16" else 41)
    metadata = place.info().get("metadata")
    assert (metadata["vecmill"]["model"] == "builtin:hash" and "vecmill_bulk" not in metadata
            if version >= "1.16" else metadata is None)
    assert embed(vecmill, place, "--resume").json["resumed"] == 40
    assert embed(vecmill, place, "--max-seq-length", "7").code == 7
    assert vecmill.embed(place.url(text="lang"), "--out", "back.jsonl").json["embedded"] == 40


def test_a_record_outlives_an_update_of_the_server(vecmill, start):
    old, new = start(version="1.15"), start(version="1.19")
    write_notes(vecmill, texts(40))
    assert embed(vecmill, FakePlace(old, "notes"), "--create").code == 0
    new.collections = old.collections
    assert embed(vecmill, FakePlace(new, "notes"), "--max-seq-length", "7").code == 7
    assert embed(vecmill, FakePlace(new, "notes"), "--resume").json["resumed"] == 40
