"""Vecmill's tokenizer beside the tokenizers library, on one core, from memory.

    .venv/bin/python bench/tokenize/compare.py --ours build/dev/bench/tokenize/tokenize_worker
        [--peer NAME=PYTHON ..] [--runs 7] [--core 0] [--out TABLE.md]

Every side loads the tokenizer and the texts first; then all sides take turns, and what counts is
the median time of a turn. The first turn warms up. A NAME is shown; PYTHON has the library.
"""
import argparse
import json
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile

import corpora

HERE = pathlib.Path(__file__).parent
LONG = {"one letter": "a", "dots": ".", "combining marks": "\u0301", "spaces": " ",
        "a word over and over": "tokenizer", "ideographs": "\u4e2d\u6587", "emoji": "\U0001f600"}


class Side:
    def __init__(self, command, core):
        alone = dict(os.environ, TOKENIZERS_PARALLELISM="false", RAYON_NUM_THREADS="1")
        self.process = subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], env=alone,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def turn(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        seconds, tokens = self.process.stdout.readline().split()
        return float(seconds), int(tokens)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(sides, tokenizer, texts, options):
    """{side: {"median": MB/s, "low": .., "high": .., "tokens": ..}}"""
    with tempfile.NamedTemporaryFile(dir=options.work) as file:
        for text in texts:
            data = text.encode()
            file.write(struct.pack("<I", len(data)) + data)
        file.flush()
        megabytes = sum(len(text.encode()) for text in texts) / 1e6
        running = {name: Side([*command, tokenizer, file.name], options.core)
                   for name, command in sides.items()}
        turns = {name: [] for name in running}
        for turn in range(options.runs + 1):
            for name, side in running.items():
                seconds, tokens = side.turn()
                turns[name].append((megabytes / seconds, tokens))
        for side in running.values():
            side.close()
    found = {}
    for name, all_turns in turns.items():
        speeds = [speed for speed, _ in all_turns[1:]]
        found[name] = {"median": statistics.median(speeds), "low": min(speeds),
                       "high": max(speeds), "tokens": all_turns[0][1]}
    return found


def speed_table(sides, cases, options):
    rows = []
    for model, (tokenizer, corpus_of) in cases.items():
        for corpus, texts in corpus_of.items():
            rows.append({"model": model, "corpus": corpus,
                         "sides": measure(sides, tokenizer, texts, options)})
    lines = ["| tokenizer | texts | " + " | ".join(f"{side}, MB/s" for side in sides) + " | ratio |",
             "|---" * (3 + len(sides)) + "|"]
    for row in rows:
        found = list(row["sides"].values())
        cells = [f"{f['median']:.1f} ({f['low']:.1f}-{f['high']:.1f})" for f in found]
        best = max(f["median"] for f in found[1:]) if found[1:] else float("nan")
        lines.append(f"| {row['model']} | {row['corpus']} | " + " | ".join(cells) +
                     f" | {found[0]['median'] / best:.2f} |")
    return rows, lines


def length_table(ours, cases, options):
    rows = []
    lines = ["| tokenizer | one text of | 1 MB, MB/s | 10 MB, MB/s |", "|---|---|---|---|"]
    for model, (tokenizer, _) in cases.items():
        for name, unit in LONG.items():
            speeds = []
            for size in (1_000_000, 10_000_000):
                text = unit * (size // len(unit.encode()))
                speeds.append(measure({"ours": ours}, tokenizer, [text], options)["ours"]["median"])
            rows.append({"model": model, "text": name, "speeds": speeds})
            lines.append(f"| {model} | {name} | {speeds[0]:.1f} | {speeds[1]:.1f} |")
    return rows, lines


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True)
    parser.add_argument("--peer", action="append", default=[f"tokenizers 0.23.3={sys.executable}"])
    parser.add_argument("--minilm", default=corpora.ROOT /
                        ".cache/models/all-MiniLM-L6-v2/tokenizer.json")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--work", default=None, help="folder for the texts; default: as tempfile")
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    cases = corpora.all_cases(options.minilm)
    sides = {"Vecmill": [options.ours]}
    for peer in options.peer:
        name, python = peer.split("=", 1)
        sides[name] = [python, HERE / "peer.py"]
    speeds, table = speed_table(sides, cases, options)
    lengths, long_table = length_table(sides["Vecmill"], cases, options)
    text = "\n".join([*table, "", *long_table, ""])
    print(text)
    if options.out:
        options.out.write_text(text)
        options.out.with_suffix(".json").write_text(
            json.dumps({"speed": speeds, "length": lengths}, indent=1))


if __name__ == "__main__":
    main()
