"""Chunks of mixed length up to 8,192 tokens through a bge-m3 folder twice: freely, and in a control group whose memory
is FACTOR times the packed file. Prints what the group used, and whether the vectors have the same bits. Needs root.

    python bench/models/limited_memory.py VECMILL FOLDER [--chunks 10000] [--factor 1.2] [--dtype int8-compact]
"""

import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

GROUPS = pathlib.Path("/sys/fs/cgroup")
V2 = (GROUPS / "cgroup.controllers").exists()
FILES = ("memory.max", "memory.peak", "memory.events") if V2 else \
    ("memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.failcnt")


def write_chunks(path, count):
    """Slices of prose; one in two thousand, the first among them, is cut at the model's 8,192 tokens."""
    rng, words = random.Random(1), []
    for licence in sorted(pathlib.Path("/usr/share/common-licenses").iterdir()):
        if not licence.is_symlink():
            words += licence.read_text(encoding="utf-8", errors="replace").split()
    with path.open("w", encoding="utf-8") as out:
        for number in range(count):
            length = 8192 if number % 2000 == 0 else min(3000, max(4, int(rng.lognormvariate(3.3, 0.9))))
            start = rng.randrange(len(words) - length)
            out.write(" ".join(words[start:start + length]) + "\n")


def embed(options, work, out, group=None):
    def enter():
        if group is not None:
            (group / "cgroup.procs").write_text(str(os.getpid()))

    started = time.monotonic()
    command = [options.vecmill.resolve(), "embed", "chunks.txt", "--model", options.folder.resolve(), "--out", out,
               "--dtype", options.dtype, "--no-cache", "--quiet"]
    done = subprocess.run(command, cwd=work, preexec_fn=enter, check=False)
    print(f"{out}: exit code {done.returncode} after {time.monotonic() - started:.0f} s", flush=True)
    return (work / out).read_bytes() if done.returncode == 0 else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vecmill", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--chunks", type=int, default=10000)
    parser.add_argument("--factor", type=float, default=1.2)
    parser.add_argument("--dtype", default="int8-compact")
    options = parser.parse_args()
    group = (GROUPS if V2 else GROUPS / "memory") / "vecmill-bench"
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        os.environ["VECMILL_HOME"] = str(work / "home")
        write_chunks(work / "chunks.txt", options.chunks)
        free = embed(options, work, "free.npy")
        packed, = (work / "home/packed").glob(f"*.{options.dtype}.vecmill")
        limit = int(options.factor * packed.stat().st_size)
        group.mkdir()
        try:
            (group / FILES[0]).write_text(str(limit))
            limited = embed(options, work, "limited.npy", group)
            most, events = ((group / name).read_text().split() for name in FILES[1:])
        finally:
            group.rmdir()
    print(f"{options.chunks} chunks, packed {packed.name.split('.')[-2]}; allowed {limit / 1e6:.0f} MB, "
          f"used {int(most[0]) / 1e6:.0f} MB at most; {FILES[2]}: {' '.join(events)}")
    same = free is not None and free == limited
    print("the same bits" if same else "NOT the same bits")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
