"""Many rows, killed again and again: memory and the cost of what comes next stay what they were, and every row is right.

VECMILL_TEST_DEEP=1: five million rows of 16 dimensions (384 would be 8 GB), killed 20 times, 200,000 into a live index;
else as many as take seconds.
"""

import json
import os
import random
from urllib.parse import quote

from program import DEEP, INSTRUMENTS

ROWS, KILLS, INDEXED = (5_000_000, 20, 200_000) if DEEP else (60_000, 3, 2_000)
TEXTS = 10_007  # more than a window holds: rows that were swapped have another's vector
MODEL = ["--dims", "16"]
BATCH = 2048


def same_row(place, **more):
    return place.url("kb", key="id", text="body", vector="v", **more)


def fill(vecmill, db, rows):
    db.sql("CREATE TABLE kb(id bigint PRIMARY KEY, body text, v vector(16));"
           f"INSERT INTO kb SELECT i, regexp_replace(md5((i % {TEXTS})::text), '(....)', '\\1 ', 'g')"
           f" FROM generate_series(1, {rows}) i; VACUUM ANALYZE kb")
    texts = [row[0] for row in db.sql("SELECT DISTINCT body FROM kb")]
    expected = ",".join(f"('{text}','{json.dumps(vector.tolist())}')"
                        for text, vector in zip(texts, vecmill.vectors(texts, *MODEL)))
    db.sql(f"CREATE TABLE expected(body text PRIMARY KEY, v vector(16)); INSERT INTO expected VALUES {expected}")
    assert int(db.value("SELECT count(DISTINCT v) FROM expected")) > 0.9 * len(texts)


def check(db, rows):
    """Each row has the vector of its text, bit for bit."""
    assert db.value("SELECT count(*) FROM kb JOIN expected USING (body) WHERE kb.v = expected.v") == str(rows)
    assert db.value("SELECT count(*) FROM vecmill_failures") == "0"


class Pages:
    """Remembers the statement that reads the page behind a key, without the user's condition."""

    def __init__(self, where):
        self.where, self.statement = where, None

    def __call__(self, kind, body, proxy):
        if kind == b"P" and b"OVER w" in body and b"$1" in body:
            self.statement = body.split(b"\0")[1].decode().replace(f" WHERE {self.where}", "")

    def cost(self, db, after):
        """Pages of table and index that the server looks at to find the rows behind `after`."""
        said = db.value(f"PREPARE page(text) AS {self.statement};"
                        f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE page('{after}')")
        plan = json.loads(said)[0]["Plan"]
        assert plan["Actual Rows"] == BATCH
        return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def test_memory_and_cost_stay_flat_however_often_it_is_killed(vecmill, db, proxy):
    fill(vecmill, db, ROWS)
    part = ROWS // (KILLS + 1)
    pages = Pages(f"id <= {part}")
    first = vecmill.embed(same_row(proxy(pages), where=quote(pages.where)), *MODEL).json
    assert first["embedded"] == part
    cost = [pages.cost(db, part)]

    chance = random.Random(os.environ.get("VECMILL_TEST_SEED", "1"))
    batches = (ROWS - part) // BATCH
    cuts = [0, *sorted(chance.sample(range(1, batches - max(2, batches // KILLS)), KILLS))]
    for last, cut in zip(cuts, cuts[1:]):
        point = chance.choice(["postgres.write", "postgres.written"])
        assert vecmill.embed(same_row(db), *MODEL, env={"VECMILL_FAILPOINT": f"{point}:{cut - last}"}).code == 137

    cost.append(pages.cost(db, db.value("SELECT max(id) FROM kb WHERE v IS NOT NULL")))
    rest = int(db.value("SELECT count(*) FROM kb WHERE v IS NULL"))
    last = vecmill.embed(same_row(db), *MODEL).json
    assert last["embedded"] == rest
    check(db, ROWS)
    memory = [report["peak_rss_bytes"] / 1e6 for report in (first, last)]
    print(f"{ROWS} rows: pages to find the next {BATCH} {cost}, memory {memory} MB, {first['seconds']} s for {part},"
          f" {last['seconds']} s for {rest}")
    assert cost[1] <= 1.1 * cost[0]
    if not INSTRUMENTS:  # a sanitizer keeps what was freed for a while
        assert memory[1] <= (1.1 * memory[0] if DEEP else memory[0] + 50)


def test_a_live_index_has_every_row(vecmill, db):
    fill(vecmill, db, INDEXED)
    db.sql("CREATE INDEX ON kb USING hnsw (v vector_cosine_ops)")
    done = vecmill.embed(same_row(db), *MODEL).json
    assert done["embedded"] == INDEXED and any("index" in note for note in done["notes"])
    check(db, INDEXED)
    print(f"{INDEXED} rows into a live index: {done['seconds']} s")
    asked = "SELECT (SELECT kb.v FROM kb ORDER BY kb.v <=> e.v LIMIT 1) <=> e.v FROM (SELECT v FROM expected LIMIT 50) e"
    found = db.sql(f"SET enable_seqscan = off; {asked}")
    assert sum(abs(float(distance)) < 1e-6 for distance, in found) >= 45, "an index of this kind finds most"
