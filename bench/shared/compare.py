"""Limits that processes share, in a Redis and in a PostgreSQL with fsync on.

    python bench/shared/compare.py build/bench/bench/shared/shared_bench
"""

import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "postgres")]

import servers  # noqa: E402
from redis_server import Redis  # noqa: E402


def main():
    postgres = servers.Server.begin(servers.debians(), fsync=True)
    postgres.wait()
    redis = Redis(pathlib.Path(tempfile.mkdtemp(prefix="vm-shared-")))
    try:
        subprocess.run([sys.argv[1], redis.url, f"postgres://test@/postgres?host={postgres.folder}"], check=True)
    finally:
        redis.kill()
        postgres.stop()


if __name__ == "__main__":
    main()
