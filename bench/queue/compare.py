"""Queues on real servers with durability on, beside BullMQ and a plain loop of SELECT ... FOR UPDATE SKIP LOCKED.

    npm install --prefix bench/queue/bullmq   # for BullMQ; left out where it is not installed
    python bench/queue/compare.py build/dev/bench/queue/queue_bench

SQLite: synchronous FULL. PostgreSQL: fsync and synchronous_commit on. Redis: append-only file, everysec, one for us and
one for BullMQ. All take turns; a line each: jobs a second, median (least to most) of the rounds.
"""

import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "postgres"))

import servers  # noqa: E402

BATCH, BATCHES, ROUNDS = 256, 200, 5
BULLMQ = pathlib.Path(__file__).resolve().parent / "bullmq"
TABLE = """
CREATE TABLE plain(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, state int NOT NULL DEFAULT 0, payload text);
CREATE INDEX ON plain(id) WHERE state = 0;
CREATE INDEX ON plain(id) WHERE state = 1;
"""
CLAIM = f"""
WITH c AS (SELECT id FROM plain WHERE state = 0 ORDER BY id LIMIT {BATCH} FOR UPDATE SKIP LOCKED)
UPDATE plain p SET state = 1 FROM c WHERE p.id = c.id RETURNING p.id, p.payload;
UPDATE plain SET state = 2 WHERE id IN (SELECT id FROM plain WHERE state = 1 LIMIT {BATCH});
"""


class Redis:
    def __init__(self, folder):
        folder.mkdir()
        self.socket = folder / "s"
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", folder, "--save", "", "--appendonly",
             "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"], stdout=subprocess.DEVNULL)
        while subprocess.run(["redis-cli", "-s", self.socket, "PING"], capture_output=True).stdout != b"PONG\n":
            assert self.process.poll() is None


class PlainLoop:
    """Claim and acknowledge alone: no leases, fences, priorities or answers that are kept."""

    def __init__(self, server):
        self.server, self.database = server, server.new_database()
        self.database.sql(TABLE)
        self.script = server.folder / "claim.sql"
        self.script.write_text(CLAIM)
        self.script.chmod(0o644)

    def round(self):
        self.database.sql(
            f"INSERT INTO plain(payload) SELECT repeat('x', 200) FROM generate_series(1, {BATCH * BATCHES})")
        said = subprocess.run([self.server.bin / "pgbench", "-h", self.server.folder, "-U", "test", "-n", "-c", "1",
                               "-t", str(BATCHES), "-M", "prepared", "-f", self.script, self.database.name],
                              capture_output=True, text=True, check=True).stdout
        yield "a plain loop of SKIP LOCKED", None, float(re.search(r"tps = ([0-9.]+)", said).group(1)) * BATCH


def rows_of(*words):
    said = subprocess.run([*words], stdout=subprocess.PIPE, text=True, check=True).stdout
    for line in said.splitlines():
        name, submitted, done = line.split("\t")
        yield name, float(submitted), float(done)


def shown(rates):
    return f"{statistics.median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f})" if rates else ""


def main():
    bench = sys.argv[1]
    postgres = servers.Server.begin(servers.debians(), fsync=True)
    postgres.wait()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vm-queue-"))
    ours, theirs = Redis(folder / "ours"), Redis(folder / "theirs")
    rates = defaultdict(lambda: ([], []))
    try:
        database, plain = postgres.new_database(), PlainLoop(postgres)
        places = [folder / "queue.db", f"postgres://test@/{database.name}?host={postgres.folder}",
                  f"unix://{ours.socket}"]
        for _ in range(ROUNDS):
            rows = [*rows_of(bench, str(BATCH), str(BATCHES), *places), *plain.round()]
            if (BULLMQ / "node_modules").exists():
                rows += rows_of("node", BULLMQ / "bullmq.js", theirs.socket, str(BATCH), str(BATCHES))
            for name, submitted, done in rows:
                rates[name][0].extend([submitted] if submitted else [])
                rates[name][1].append(done)
    finally:
        ours.process.kill()
        theirs.process.kill()
        postgres.stop()
    print("| queue | submitted a second | claimed and completed a second |\n|---|---:|---:|")
    for name, (submitted, done) in rates.items():
        print(f"| {name} | {shown(submitted)} | {shown(done)} |")


if __name__ == "__main__":
    main()
