#!/usr/bin/env python3
"""Rows a second into PostgreSQL + pgvector: vecmill, an executemany UPDATE loop, COPY and UPDATE.

    .venv/bin/pip install psycopg[binary] && .venv/bin/python bench/postgres/compare.py build/dev/src/cli/vecmill [--rows 100000]

All write the same 384 floats a row into the same table on one server that this starts, with fsync on. The two of psycopg
get their vectors ready-made, in vecmill's time reading the table and builtin:hash are included.
"""

import argparse
import json
import pathlib
import resource
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/postgres"))
import servers  # noqa: E402


def fresh(db, rows):
    db.sql("DROP TABLE IF EXISTS kb, vecmill_spaces, vecmill_failures;"
           "CREATE TABLE kb(id bigint PRIMARY KEY, body text, v vector(384)); INSERT INTO kb"
           f" SELECT i, 'text ' || i || repeat(' some more words', 24) FROM generate_series(1, {rows}) i; CHECKPOINT")


def vecmill(program, db, rows, beside=False):
    more = ["--out", db.url("beside"), "--create"] if beside else []
    vector = {} if beside else {"vector": "v"}
    start = time.perf_counter()
    done = subprocess.run([program, "embed", db.url("kb", text="body", **vector), "--model", "builtin:hash",
                           "--dims", "384", "--json", "--quiet", *more], capture_output=True, check=True)
    seconds = time.perf_counter() - start
    report = json.loads(done.stdout)
    assert report["embedded"] == rows
    return seconds, report["peak_rss_bytes"] / 1e6


def by_psycopg(db, rows, copy):
    import psycopg
    connection = psycopg.connect(f"host={db.server.folder} user=test dbname={db.name}")
    vector = "[" + ",".join(f"{0.001 * i:.7g}" for i in range(384)) + "]"
    start = time.perf_counter()
    with connection.cursor() as cursor:
        for first in range(1, rows + 1, 2048):
            ids = range(first, min(first + 2048, rows + 1))
            if copy:
                cursor.execute("CREATE TEMP TABLE IF NOT EXISTS new(id bigint, v vector(384)) ON COMMIT DELETE ROWS")
                with cursor.copy("COPY new FROM STDIN") as rows_in:
                    for i in ids:
                        rows_in.write_row((i, vector))
                cursor.execute("UPDATE kb SET v = new.v FROM new WHERE kb.id = new.id")
            else:
                cursor.executemany("UPDATE kb SET v = %s::vector WHERE id = %s", [(vector, i) for i in ids])
            connection.commit()
    return time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    server = servers.Server.begin(servers.with_pgvector())
    server.wait()
    server.sql("CREATE EXTENSION vector", "template1")
    db = server.new_database()
    try:
        print("| way | rows/s | peak MB |\n|---|---:|---:|")
        ways = {"vecmill, same row": lambda n: vecmill(options.program, db, n),
                "vecmill, table beside": lambda n: vecmill(options.program, db, n, beside=True),
                "vecmill, same row, a tenth of the rows": lambda n: vecmill(options.program, db, n),
                "psycopg executemany UPDATE": lambda n: by_psycopg(db, n, copy=False),
                "psycopg COPY (text) and UPDATE": lambda n: by_psycopg(db, n, copy=True)}
        for name, run in ways.items():
            rows = options.rows // 10 if "tenth" in name else options.rows
            fresh(db, rows)
            seconds, memory = run(rows)
            print(f"| {name} | {rows / seconds:,.0f} | {memory:.0f} |", flush=True)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
