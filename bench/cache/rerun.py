"""What a second run costs when the cache is warm.

    python3 bench/cache/rerun.py --vecmill build/release/src/cli/vecmill --model all-MiniLM-L6-v2
        [--texts 1000] [--runs 5] [--folder /tmp]

Each turn embeds the same texts (24 words, distinct) without a cache, with an empty one, and with the
one that this filled. Prints texts per second of the three, from the report (the model is open) and of
the whole process, and the ratios within each turn.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

WORDS = ("the mill wheel turns water stone grain flour bread river field harvest winter summer miller sack cart "
         "horse road market price coin night morning rain wind wood iron rope gear axle").split()
TURNS = {"no cache": [], "cold cache": ["--cache"], "warm cache": ["--cache"]}


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):,.1f} ({min(values):,.1f} to {max(values):,.1f})"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--vecmill", required=True, type=pathlib.Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder")
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(dir=options.folder))
    environment = {**os.environ, "VECMILL_HOME": str(work / "home")}

    def vecmill(*words) -> str:
        result = subprocess.run([options.vecmill.resolve(), *words], cwd=work, env=environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if result.returncode:
            sys.exit(result.stderr)
        return result.stdout

    try:
        pick = random.Random(1)
        (work / "texts.txt").write_text("".join(
            f"{n} " + " ".join(pick.choice(WORDS) for _ in range(24)) + "\n" for n in range(options.texts)))
        embed = ["embed", "texts.txt", "--model", options.model, "--json"]
        vecmill(*embed, "--out", "first.npy")  # packs the model
        reported, whole = {name: [] for name in TURNS}, {name: [] for name in TURNS}
        for run in range(options.runs):
            vecmill("cache", "clear", "--yes")
            for name, flags in TURNS.items():
                out = f"{name.replace(' ', '-')}-{run}.npy"
                start = time.perf_counter()
                report = json.loads(vecmill(*embed, "--out", out, *flags))
                whole[name].append(options.texts / (time.perf_counter() - start))
                reported[name].append(options.texts / report["seconds"])
                assert (work / out).read_bytes() == (work / "first.npy").read_bytes(), name
        for title, speeds in [("model open", reported), ("whole process", whole)]:
            for name in TURNS:
                ratios = [a / b for a, b in zip(speeds[name], speeds["no cache"])]
                print(f"{title:14} {name:11} {spread(speeds[name])} texts/s; {spread(ratios)} x no cache")
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
