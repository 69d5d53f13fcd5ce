"""Queues on real servers with durability on, beside a plain loop of SELECT ... FOR UPDATE SKIP LOCKED.

    python bench/queue/compare.py build/bench/bench/queue/queue_bench

SQLite: synchronous FULL. PostgreSQL: fsync and synchronous_commit on. Redis: append-only file, everysec.
"""

import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "postgres"))

import servers  # noqa: E402

BATCH, BATCHES, ROUNDS = 256, 200, 5
TABLE = """
CREATE TABLE plain(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, state int NOT NULL DEFAULT 0, payload text);
CREATE INDEX ON plain(id) WHERE state = 0;
"""
CLAIM = f"""
WITH c AS (SELECT id FROM plain WHERE state = 0 ORDER BY id LIMIT {BATCH} FOR UPDATE SKIP LOCKED)
UPDATE plain p SET state = 1 FROM c WHERE p.id = c.id RETURNING p.id, p.payload;
UPDATE plain SET state = 2 WHERE id IN (SELECT id FROM plain WHERE state = 1 LIMIT {BATCH});
"""


def plain_loop(server):
    """Claim and acknowledge alone: no leases, fences, priorities or answers that are kept."""
    database = server.new_database()
    database.sql(TABLE + "CREATE INDEX ON plain(id) WHERE state = 1;")
    script = server.folder / "claim.sql"
    script.write_text(CLAIM)
    script.chmod(0o644)
    rates = []
    for _ in range(ROUNDS):
        database.sql(f"INSERT INTO plain(payload) SELECT repeat('x', 200) FROM generate_series(1, {BATCH * BATCHES})")
        said = subprocess.run([server.bin / "pgbench", "-h", server.folder, "-U", "test", "-n", "-c", "1", "-t",
                               str(BATCHES), "-M", "prepared", "-f", script, database.name],
                              capture_output=True, text=True, check=True).stdout
        rates.append(float(re.search(r"tps = ([0-9.]+)", said).group(1)) * BATCH)
    return rates


def main():
    bench = sys.argv[1]
    postgres = servers.Server.begin(servers.debians(), fsync=True)
    postgres.wait()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vm-queue-"))
    redis = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", f"{folder}/s", "--dir", str(folder),
                              "--save", "", "--appendonly", "yes", "--appendfsync", "everysec"],
                             stdout=subprocess.DEVNULL)
    try:
        while subprocess.run(["redis-cli", "-s", f"{folder}/s", "PING"], capture_output=True).stdout != b"PONG\n":
            assert redis.poll() is None
        database = postgres.new_database()
        subprocess.run([bench, folder / "queue.db", f"postgres://test@/{database.name}?host={postgres.folder}",
                        f"unix://{folder}/s"], check=True)
        rates = sorted(plain_loop(postgres))
        print(f"plain SKIP LOCKED\n  claim + complete  {statistics.median(rates):8.0f} "
              f"({rates[0]:.0f} to {rates[-1]:.0f}) jobs/s")
    finally:
        redis.kill()
        postgres.stop()


if __name__ == "__main__":
    main()
