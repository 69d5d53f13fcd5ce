"""Vecmill's cache beside those of LangChain and LiteLLM, on one core, in one run.

    python -m venv VENV && VENV/bin/pip install -r bench/cache/requirements.txt
    VENV/bin/python bench/cache/compare.py --ours build/dev/bench/cache/cache_worker
        [--rows 20000] [--dims 1024] [--runs 7] [--core 0] [--folder /tmp] [--out TABLE.md]

Every side keeps the same texts of 500 bytes with vectors of the same length in files of its own; then
all sides take turns in looking up random ones of them, every key made anew. What counts is the median
of the turns. Nothing is cold: the files are in the page cache. Durability differs: Vecmill's rows are
synced to the disk when they are put, the others' are not.
"""
import argparse
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
SIDES = {"Vecmill": None, "LangChain CacheBackedEmbeddings, LocalFileStore": "langchain",
         "LiteLLM disk cache": "litellm"}
KINDS = [("batches of 256", 5120, 256), ("one at a time", 1000, 1)]


class Side:
    def __init__(self, command, folder, options):
        folder.mkdir()
        words = ["taskset", "-c", options.core, *command, folder, options.rows, options.dims]
        self.folder = folder
        self.process = subprocess.Popen([str(word) for word in words], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.put = options.rows / self.answer()[0]

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("error: a side ended by itself")
        seconds, hits = line.split()
        return float(seconds), int(hits)

    def turn(self, seed, count, batch):
        self.process.stdin.write(f"{seed} {count} {batch}\n")
        self.process.stdin.flush()
        seconds, hits = self.answer()
        assert hits == count, (hits, count)
        return count / seconds

    def bytes(self):
        return sum(path.stat().st_blocks * 512 for path in self.folder.rglob("*") if path.is_file())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(options, work):
    sides = {}
    for name, peer in SIDES.items():
        command = [options.ours] if peer is None else [sys.executable, HERE / "peer.py", peer]
        sides[name] = Side(command, work / str(len(sides)), options)
    speeds = {kind: {name: [] for name in sides} for kind, *_ in KINDS}
    for run in range(options.runs + 1):
        for kind, count, batch in KINDS:
            for name, side in sides.items():
                speed = side.turn(run, count, batch)
                if run > 0:  # the first turn warms up
                    speeds[kind][name].append(speed)
    found = {name: {"put": side.put, "bytes": side.bytes() / options.rows} for name, side in sides.items()}
    for side in sides.values():
        side.close()
    return found, speeds


def table(found, speeds):
    rows = ["| cache | " + " | ".join(f"{kind}, hits/s" for kind in speeds) + " | put, rows/s | bytes a row |",
            "|---|" + "---|" * (len(speeds) + 2)]
    first = next(iter(found))
    for name, side in found.items():
        cells = []
        for by_side in speeds.values():
            values = by_side[name]
            median = statistics.median(values)
            cell = f"{median:,.0f} ({min(values):,.0f} to {max(values):,.0f})"
            if name != first:  # pairs of turns next to one another
                ratios = [ours / theirs for ours, theirs in zip(by_side[first], values)]
                cell += f"; ours **{statistics.median(ratios):.1f} ×** ({min(ratios):.1f} to {max(ratios):.1f})"
            cells.append(cell)
        rows.append(f"| {name} | " + " | ".join(cells) + f" | {side['put']:,.0f} | {side['bytes']:,.0f} |")
    return "\n".join(rows) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True)
    parser.add_argument("--rows", type=int, default=20000)
    parser.add_argument("--dims", type=int, default=1024)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--folder")
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(dir=options.folder))
    try:
        text = table(*measure(options, work))
    finally:
        shutil.rmtree(work)
    print(text, end="")
    if options.out:
        options.out.write_text(text)


if __name__ == "__main__":
    main()
