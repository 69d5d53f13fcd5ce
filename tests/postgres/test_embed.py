"""Tables as source and sink: what is written is right, what is done is not done again."""

import json

import numpy as np
import pytest

from program import ROOT
from tables import check_rows


def texts(count, what="text"):
    return [f"{what} {i} " + "word " * (i % 7) for i in range(count)]


def same_row(db, **more):
    return db.url("kb", key="id", text="body", vector="v", **more)


def test_rows_without_a_vector_get_one(vecmill, db):
    some = texts(3000)
    some[7] = None  # nothing to embed, now and later
    some[8] = "it's ünïcode ☂ 漢字"
    db.table_of_texts(some)
    first = vecmill.embed(same_row(db)).json
    assert (first["embedded"], first["failed"], first["notes"]) == (2999, 0, [])
    rows = db.sql("SELECT body, v FROM kb WHERE id <> 8 ORDER BY id")
    check_rows(vecmill, rows)
    assert db.value("SELECT v IS NULL FROM kb WHERE id = 8") == "t"
    assert vecmill.embed(same_row(db)).json["embedded"] == 0
    db.sql("UPDATE kb SET body = 'now there is one' WHERE id = 8")
    assert vecmill.embed(same_row(db)).json["embedded"] == 1
    check_rows(vecmill, db.sql("SELECT body, v FROM kb"))
    assert db.sql("SELECT table_name, column_name, model, dims FROM vecmill_spaces") == [
        ["kb", "v", "builtin:hash", "256"]]


def test_where_takes_a_part(vecmill, db):
    db.table_of_texts(texts(20))
    assert vecmill.embed(same_row(db, where="id%20%3C=%205%20OR%20id=9")).json["embedded"] == 6
    assert db.value("SELECT count(v) FROM kb") == "6"


def test_a_table_beside_has_what_changed_made_anew(vecmill, db):
    """A key of three columns of odd types, metadata, and names that need quotes."""
    db.sql('CREATE SCHEMA "My ""S"; CREATE TABLE "My ""S"."K B"(a uuid, "b B" char(4), c timestamptz,'
           ' "te xt" varchar(99), n int, PRIMARY KEY (a, "b B", c));'
           "INSERT INTO \"My \"\"S\".\"K B\" SELECT md5(i::text)::uuid, chr(65 + i % 26), now() + i * interval '1 s',"
           " 'text ' || i, i FROM generate_series(1, 2500) i")
    schema = "My%20%22S"
    source = db.url("K%20B", schema=schema, text="te%20xt", metadata="n,c")
    out = db.url("Out", schema=schema)
    first = vecmill.embed(source, "--out", out, "--create").json
    assert first["embedded"] == 2500
    joined = ('FROM "My ""S"."K B" s JOIN "My ""S"."Out" o USING (a, "b B", c)')
    check_rows(vecmill, db.sql(f'SELECT "te xt", vector {joined} ORDER BY n'))
    assert db.value(f"SELECT count(*) {joined} WHERE (metadata->>'n')::int = n") == "2500"
    assert vecmill.embed(source, "--out", out).json["embedded"] == 0
    db.sql("UPDATE \"My \"\"S\".\"K B\" SET \"te xt\" = 'changed ' || n WHERE n % 500 = 0")
    assert vecmill.embed(source, "--out", out).json["embedded"] == 5
    check_rows(vecmill, db.sql(f'SELECT "te xt", vector {joined} ORDER BY n'))


def test_a_file_goes_into_a_new_table(vecmill, db):
    some = texts(500)
    lines = [json.dumps({"id": f"n{i}", "text": t, "lang": "de", "nul": "a\0b\\u0000"}) for i, t in enumerate(some)]
    (vecmill.folder / "notes.jsonl").write_text("\n".join(lines))
    out = db.url("notes")
    assert vecmill.embed("notes.jsonl", "--out", out, "--create", "--store", "f16").json["embedded"] == 500
    assert db.value("SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
                    " WHERE attrelid = 'notes'::regclass AND attname = 'vector'") == "halfvec(256)"
    rows = db.sql("SELECT id, vector, metadata->>'lang', metadata->>'nul',"
                  " encode(text_hash, 'hex') = encode(sha256('text 0 '), 'hex') FROM notes ORDER BY substr(id, 2)::int")
    assert [row[0] for row in rows] == [f"n{i}" for i in range(500)]
    assert rows[0][2:] == ["de", "a\ufffdb\\u0000", "t"]
    expected = vecmill.vectors(some).astype(np.float16)
    for row, vector in zip(rows, expected):
        assert np.array_equal(np.array(json.loads(row[1]), dtype=np.float16), vector)
    assert db.value("SELECT position IS NULL FROM vecmill_spaces") == "t"


def test_a_table_goes_into_a_file(vecmill, plain_db):
    """And from a server without pgvector; an interrupted run goes on behind its last key."""
    plain_db.sql("CREATE TABLE kb(id text COLLATE \"C\" PRIMARY KEY, body text);"
                 "INSERT INTO kb SELECT 'k' || i, repeat('text ' || i || ' ', 60) FROM generate_series(1, 1500) i")
    url = plain_db.url("kb", text="body")
    killed = vecmill.embed(url, "--out", "out.jsonl", env={"VECMILL_FAILPOINT": "sink.commit:2"})
    assert killed.code == 137
    assert vecmill.embed(url, "--out", "out.jsonl", "--resume").json["resumed"] > 0
    rows = [json.loads(line) for line in (vecmill.folder / "out.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == sorted(f"k{i}" for i in range(1, 1501))


def test_failed_texts_are_marked_and_not_asked_for_again(vecmill, db):
    db.table_of_texts(["one", "  ", "three"])
    first = vecmill.embed(same_row(db), "--empty", "fail")
    assert first.code == 3 and first.json["failed"] == 1
    assert "vecmill_failures" in first.json["notes"][0]
    assert db.sql("SELECT key, kind FROM vecmill_failures") == [["2", "invalid_data"]]
    again = vecmill.embed(same_row(db), "--empty", "fail")
    assert again.code == 0 and again.json["embedded"] == again.json["failed"] == 0
    db.sql("UPDATE kb SET body = 'two' WHERE id = 2")
    assert vecmill.embed(same_row(db), "--empty", "fail").json["embedded"] == 1
    assert db.value("SELECT count(*) FROM vecmill_failures") == "0"


def test_skipped_texts_keep_no_vector(vecmill, db):
    db.table_of_texts(["one", "  ", "three"])
    done = vecmill.embed(same_row(db), "--empty", "skip").json
    assert (done["embedded"], done["skipped"]) == (2, 1)
    assert db.sql("SELECT id FROM kb WHERE v IS NULL") == [["2"]]


def test_an_index_is_made_at_the_end_and_noticed_later(vecmill, db):
    db.table_of_texts(texts(50))
    assert vecmill.embed(same_row(db), "--create-index", "hnsw").json["notes"] == []
    indexes = "SELECT i.indisvalid, pg_get_indexdef(indexrelid) FROM pg_index i WHERE indrelid = 'kb'::regclass AND NOT indisprimary"
    valid, definition = db.sql(indexes)[0]
    assert valid == "t" and "hnsw (v vector_cosine_ops) WITH (m='16', ef_construction='64')" in definition
    db.sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'kb_v_hnsw'::regclass")
    vecmill.embed(same_row(db), "--create-index", "hnsw").json
    assert [row[0] for row in db.sql(indexes)] == ["t"]
    assert "kb_v_hnsw (hnsw)" in vecmill.embed(same_row(db)).json["notes"][0]


def test_a_table_keeps_the_arithmetic_it_began_with(vecmill, db):
    def embed(*more):
        return vecmill("embed", "notes.txt", "--model", ROOT / "tests/golden/models/bert-bare", "--json",
                       "--out", db.url("beside"), "--create", *more)

    (vecmill.folder / "notes.txt").write_text("one\n")
    assert embed("--dtype", "bf16").json["arithmetic"] == "bf16/2"
    (vecmill.folder / "notes.txt").write_text("one\ntwo\n")
    refused = embed("--dtype", "f32")
    assert refused.code == 7 and "bf16/2" in refused.err and "f32/1" in refused.err
    assert embed().json["arithmetic"] == "bf16/2"
    assert db.value("SELECT count(*) FROM beside") == "2"


def test_vectors_of_others_are_not_mixed_with(vecmill, db):
    db.table_of_texts(texts(5))
    db.sql("UPDATE kb SET v = array_fill(0.5, ARRAY[256])::vector WHERE id = 1")
    refused = vecmill.embed(same_row(db))
    assert refused.code == 7
    assert "no record of their model" in refused.err and "adopt=yes" in refused.err
    assert db.value("SELECT count(v) FROM kb") == "1"
    assert vecmill.embed(same_row(db, adopt="yes")).json["embedded"] == 4
    other = vecmill.embed(same_row(db), "--max-seq-length", "7")
    assert other.code == 7 and "holds vectors of builtin:hash" in other.err
    assert db.value("SELECT count(v) FROM kb") == "5"
