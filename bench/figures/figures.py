#!/usr/bin/env python3
"""figures.py VECMILL MODEL WORK: start-up time and memory of the program, as a Markdown table.

  start     wall time of `vecmill embed` of one short text, warm, median of 11
  memory    resident memory while a 1 GB file of JSON lines is embedded, for SECONDS, then interrupted
"""

import json
import pathlib
import signal
import statistics
import subprocess
import sys
import time

SECONDS = 60
LINES = pathlib.Path("/usr/share/common-licenses/GPL-3").read_text().split("\n\n")


def resident_mb(pid: int) -> float | None:
    try:
        rows = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return None
    return next((int(row.split()[1]) / 1024 for row in rows if row.startswith("VmRSS:")), None)


def clear(out: pathlib.Path) -> None:
    for path in out.parent.glob(out.stem + ".*"):
        path.unlink()


def start_up(vecmill: str, model: str, work: pathlib.Path) -> list[float]:
    source = work / "one.jsonl"
    source.write_text(json.dumps({"id": "a", "text": "one short text"}) + "\n")
    taken = []
    for _ in range(11):
        out = work / "one_out.npy"
        clear(out)
        started = time.perf_counter()
        subprocess.run([vecmill, "embed", source, "--model", model, "--out", out, "-q"], check=True,
                       stdin=subprocess.DEVNULL, capture_output=True)
        taken.append(time.perf_counter() - started)
    return taken


def big_file(work: pathlib.Path) -> pathlib.Path:
    path = work / "big.jsonl"
    if path.exists():
        return path
    with path.open("w") as file:
        number = 0
        while file.tell() < 1_000_000_000:
            for line in LINES:
                file.write(json.dumps({"id": str(number), "text": line}) + "\n")
                number += 1
    return path


def memory(vecmill: str, model: str, work: pathlib.Path, seconds: int) -> list[float]:
    out = work / "big_out.npy"
    clear(out)
    command = [vecmill, "embed", big_file(work), "--model", model, "--out", out, "-q"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    samples = []
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.5)
        if (mb := resident_mb(process.pid)) is not None:
            samples.append(mb)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    clear(out)
    return samples


def main() -> None:
    vecmill, model, work = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    work.mkdir(parents=True, exist_ok=True)
    start = start_up(vecmill, model, work)
    rss = memory(vecmill, model, work, SECONDS)
    fifth = max(1, len(rss) // 5)
    print("| figure | value |\n|---|---|")
    print(f"| start to end of one text, warm: median (min, max) | {statistics.median(start) * 1e3:.0f} ms "
          f"({min(start) * 1e3:.0f}, {max(start) * 1e3:.0f}) |")
    print(f"| resident memory during {len(rss) / 2:.0f} s of a 1 GB file: most | {max(rss):.0f} MB |")
    print(f"| its mean in the second and the last fifth of that time | {statistics.mean(rss[fifth:2 * fifth]):.0f} MB, "
          f"{statistics.mean(rss[-fifth:]):.0f} MB |")


if __name__ == "__main__":
    main()
