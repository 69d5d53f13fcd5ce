#!/usr/bin/env python3
"""What a database costs beside a real model: `embed` of a table into itself, and of a file of the same texts into .npy.

    .venv/bin/python bench/postgres/with_model.py build/dev/src/cli/vecmill MODEL [--rows 2000] [--rounds 5]

In turns. Texts a second by the clock, and processor time: of vecmill, and of the server meanwhile. The last column is
what both take beyond the file's run, of that run.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/postgres"))
import servers  # noqa: E402


def server_seconds(server):
    """Of the server's processes, those that have ended included; ours end with their connection."""
    total = 0.0
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(stat.parent.name) == server.process.pid:
            total += sum(map(int, fields[11:15]))
        elif int(fields[1]) == server.process.pid:
            total += sum(map(int, fields[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


def run(words, rows):
    start = time.perf_counter()
    process = subprocess.Popen([*map(str, words), "--json", "--quiet"], stdout=subprocess.PIPE)
    report = json.loads(process.stdout.read())
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0 and report["embedded"] == rows, report
    return rows / (time.perf_counter() - start), used.ru_utime + used.ru_stime


def middle(values, digits=1):
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vm-with-"))
    texts = [f"text {i}" + " some more words" * (4 + i % 24) for i in range(options.rows)]
    (folder / "in.jsonl").write_text("".join(json.dumps({"id": str(i), "text": text}) + "\n"
                                             for i, text in enumerate(texts)))
    server = servers.Server.begin(servers.with_pgvector())
    server.wait()
    server.sql("CREATE EXTENSION vector", "template1")
    db = server.new_database()
    values = ",".join(f"({i},'{text}')" for i, text in enumerate(texts))
    embed = [options.program, "embed"]
    with_model = ["--model", options.model]
    rates, ours, theirs, more = ([], []), ([], []), [], []
    try:
        for turn in range(options.rounds + 1):  # the first packs the model and is not counted
            for old in folder.glob("out*"):
                old.unlink()
            file = run([*embed, folder / "in.jsonl", "--out", folder / "out.npy", *with_model], options.rows)
            db.sql("DROP TABLE IF EXISTS kb, vecmill_spaces, vecmill_failures;"
                   "CREATE TABLE kb(id bigint PRIMARY KEY, body text, v vector(384));"
                   f"INSERT INTO kb VALUES {values}; CHECKPOINT")
            before = server_seconds(server)
            table = run([*embed, db.url("kb", text="body", vector="v"), *with_model], options.rows)
            server_used = server_seconds(server) - before
            if turn == 0:
                continue
            for i, found in enumerate((file, table)):
                rates[i].append(found[0])
                ours[i].append(found[1])
            theirs.append(server_used)
            more.append(100 * (table[1] + server_used - file[1]) / file[1])
    finally:
        server.stop()
    print("| | texts/s | processor s, vecmill | processor s, server | more, % |\n|---|---:|---:|---:|---:|")
    print(f"| file into .npy | {middle(rates[0])} | {middle(ours[0])} | | |")
    print(f"| table into itself | {middle(rates[1])} | {middle(ours[1])} | {middle(theirs, 2)} | {middle(more)} |")


if __name__ == "__main__":
    main()
