#!/usr/bin/env python3
"""Times our encoder beside its peers, in f32 or with bf16 or int8 on both sides, and writes a table.

Everyone gets the same token ids, made beforehand, and gives the same pooled, normalised vectors, on all
cores, over length-sorted batches of the size that is best for him. Runs are interleaved; whoever does
not run is stopped (SIGSTOP), so that no idle thread pool takes a core away.
"""

import argparse
import json
import os
import pathlib
import platform
import random
import re
import signal
import statistics
import subprocess
import sys

import numpy as np
from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).resolve().parent
QUERY = "how do I undo a commit that I have already pushed"
# By --dtype: ours and the others. A peer counts as fastest only if it is close enough to f32.
OURS = {"f32": ["f32"], "bf16": ["bf16", "f32"], "int8": ["int8", "f32"]}
PEERS = {"f32": ["onnxruntime", "openvino", "torch"],
         "bf16": ["openvino-bf16", "torch-bf16", "onnxruntime", "openvino", "torch"],
         "int8": ["onnxruntime-int8", "openvino-int8", "ctranslate2-int8", "openvino-bf16", "torch-bf16",
                  "onnxruntime", "torch"]}
CLOSE_ENOUGH = 0.99  # mean cosine to f32
SETS = {  # batch sizes to choose from, repeats within one run
    "mixed": ([8, 16, 32, 64], 1),
    "short": ([16, 32, 64, 128, 256], 1),
    "query": ([1], 100),
    "512": ([1, 2, 4, 8], 1),
}


class Engine:
    def __init__(self, name: str, command: list[str], log: pathlib.Path):
        self.name = name
        self.batch: dict[str, int] = {}
        self.seconds: dict[str, list[float]] = {key: [] for key in SETS}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=log.open("w"), text=True)
        self.log = log
        self.answer()
        self.process.send_signal(signal.SIGSTOP)

    def answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"error: {self.name} ended; see {self.log}")
        return json.loads(line)

    def ask(self, **request) -> dict:
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        reply = self.answer()
        self.process.send_signal(signal.SIGSTOP)
        return reply

    def time(self, name: str, batch: int, repeat: int) -> float:
        return self.ask(run=name, batch=batch, repeat=repeat)["seconds"]

    def close(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait(timeout=30)


def make_texts(count: int, seed: int) -> dict[str, list[str]]:
    """Slices of real English prose (the licence texts that every Debian has), lengths log-normal."""
    words = []
    for path in sorted(pathlib.Path("/usr/share/common-licenses").iterdir()):
        if path.is_file() and not path.is_symlink():
            words += path.read_text(encoding="utf-8", errors="replace").split()
    rng = random.Random(seed)

    def piece(length: int) -> str:
        start = rng.randrange(len(words) - length)
        return " ".join(words[start:start + length])

    mixed = [piece(min(380, max(4, int(rng.lognormvariate(4.15, 0.85))))) for _ in range(count)]
    short = [piece(rng.randint(7, 13)) for _ in range(4 * count)]
    return {"mixed": mixed, "short": short, "query": [QUERY],
            "512": [piece(600) for _ in range(max(2, count // 12))]}


def tokenize(model: pathlib.Path, texts: list[str]) -> list[list[int]]:
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_padding()
    limit = json.loads((model / "sentence_bert_config.json").read_text())["max_seq_length"]
    tokenizer.enable_truncation(min(limit, 512))
    return [encoding.ids for encoding in tokenizer.encode_batch(texts)]


def write_set(path: pathlib.Path, ids: list[list[int]]) -> None:
    flat = [len(ids), *map(len, ids), *(i for text in ids for i in text)]
    np.array(flat, dtype=np.int32).tofile(path)


def operations(model: pathlib.Path, ids: list[list[int]]) -> float:
    """Multiplications and additions of the matrix products."""
    config = json.loads((model / "config.json").read_text())
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    linear = 2 * (4 * hidden * hidden + 2 * hidden * inner)
    return config["num_hidden_layers"] * sum(len(t) * linear + 4 * hidden * len(t) ** 2 for t in ids)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))


def spread(values: list[float]) -> float:
    return (max(values) - min(values)) / statistics.median(values)


def measure(engines: list[Engine], names: list[str], rounds: int) -> dict:
    """Fills in the engines' times; returns the multiplication limits, the best seen between them."""
    peak: dict = {}
    for name in names:
        sizes, repeat = SETS[name]
        for engine in engines:
            for size in sizes:  # warm up every size, then choose
                engine.time(name, size, 1)
            engine.batch[name] = min(sizes, key=lambda size: engine.time(name, size, repeat))
        for _ in range(rounds):
            for engine in engines:
                engine.seconds[name].append(engine.time(name, engine.batch[name], repeat))
            seen = engines[0].ask(peak=True)
            peak = {key: max(peak.get(key, value), value) for key, value in seen.items()}
        print(f"measured {name}", file=sys.stderr)
    return peak


def judge(engines: list[Engine], work: pathlib.Path, ids: dict, model: pathlib.Path, peak: dict) -> list[dict]:
    vectors, first = {}, next(iter(ids))
    for engine in engines:
        path = work / f"{engine.name}.f32"
        engine.ask(save=first, batch=engine.batch[first], path=str(path))
        vectors[engine.name] = np.fromfile(path, dtype=np.float32).reshape(len(ids[first]), -1)
    rows = []
    for name in ids:
        tokens = sum(map(len, ids[name]))
        for engine in engines:
            seconds = statistics.median(engine.seconds[name])
            limit = peak[engine.name.rpartition("-")[2] if "-" in engine.name else "f32"]
            cosine = cosines(vectors[engine.name], vectors[reference(vectors)])
            rows.append({
                "set": name, "engine": engine.name, "batch": engine.batch[name], "seconds": seconds,
                "runs": engine.seconds[name], "spread": spread(engine.seconds[name]),
                "tokens_per_second": tokens / seconds, "texts_per_second": len(ids[name]) / seconds,
                "share_of_limit": operations(model, ids[name]) / seconds / limit,
                "cosine_min": float(cosine.min()), "cosine_mean": float(cosine.mean()),
            })
    return rows


def reference(engines) -> str:
    """Whose f32 the vectors are compared with."""
    return "torch" if "torch" in engines else "ours-f32"


def table(report: dict) -> str:
    sets, rows = report["sets"], report["rows"]
    mine_name = f"ours-{report['dtype']}"
    out = [f"# {report['dtype']} on {report['processor']}, {report['cores']} cores", "",
           f"{report['model']}, encoder only (same token ids for all), medians of {report['rounds']} interleaved "
           f"runs. Multiplication limit, measured in the same run: {report['peak']['f32'] / 1e9:.0f} GFLOP/s in f32, "
           f"{report['peak']['bf16'] / 1e9:.0f} in bf16, {report['peak']['int8'] / 1e9:.0f} Gop/s in int8 "
           f"({report['peak']['isa']}); the share is of that of an engine's numbers. Ours: {report['version']}. " +
           ", ".join(f"{k} {v}" for k, v in report["peers"].items()) + ".", ""]
    for name, about in sets.items():
        mine = next(r for r in rows if r["set"] == name and r["engine"] == mine_name)
        fastest = min((r for r in rows if r["set"] == name and not r["engine"].startswith("ours")
                       and r["cosine_mean"] >= CLOSE_ENOUGH), key=lambda r: r["seconds"])
        out += [f"## {name}: {about['texts']} texts, {about['tokens'] / about['texts']:.0f} tokens on average", "",
                "| engine | batch | median | spread | tokens/s | share of limit "
                f"| min / mean cosine to {reference({r['engine'] for r in rows})} |",
                "|---|---|---|---|---|---|---|"]
        for row in (r for r in rows if r["set"] == name):
            out.append(f"| {row['engine']} | {row['batch']} | {row['seconds'] * 1e3:.2f} ms | {row['spread']:.0%} "
                       f"| {row['tokens_per_second']:.0f} | {row['share_of_limit']:.0%} "
                       f"| {row['cosine_min']:.7f} / {row['cosine_mean']:.7f} |")
        out += ["", f"Ours takes {mine['seconds'] / fastest['seconds']:.2f} x the time of the fastest peer "
                    f"({fastest['engine']}): {fastest['seconds'] / mine['seconds']:.2f} x as fast.", ""]
    return "\n".join(out)


def processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return found.group(1) if found else platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", required=True, help="the program encode_peer of the build")
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for exported models and logs")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="OUT.md and OUT.json are written")
    parser.add_argument("--dtype", choices=OURS, default="f32")
    parser.add_argument("--sets", type=lambda text: text.split(","), default=["mixed", "short", "query"],
                        help="of " + ", ".join(SETS))
    parser.add_argument("--peers", type=lambda text: text.split(","), help="those of --dtype, or fewer")
    parser.add_argument("--texts", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--version", default="unknown", help="what to call ours in the table")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    home = options.work.resolve() / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", VECMILL_HOME=str(home))

    texts = make_texts(options.texts, options.seed)
    ids = {name: tokenize(options.model, texts[name]) for name in options.sets}
    peers = options.peers or PEERS[options.dtype]
    commands = {f"ours-{dtype}": [options.ours, str(options.model), dtype] for dtype in OURS[options.dtype]}
    commands |= {p: [sys.executable, str(HERE / "worker.py"), p, str(options.model), str(options.work)] for p in peers}
    engines = [Engine(name, command, options.work / f"{name}.log") for name, command in commands.items()]
    for name in ids:
        path = options.work / f"{name}.ids"
        write_set(path, ids[name])
        for engine in engines:
            engine.ask(load=name, path=str(path))

    peak = measure(engines, list(ids), options.rounds)
    rows = judge(engines, options.work, ids, options.model, peak)
    for engine in engines:
        engine.close()
    import importlib.metadata
    libraries = sorted({p.partition("-")[0] for p in peers} | ({"nncf"} if "openvino-int8" in peers else set()))
    report = {"processor": processor(), "cores": len(os.sched_getaffinity(0)), "rounds": options.rounds,
              "seed": options.seed, "peak": peak, "version": options.version,
              "dtype": options.dtype, "model": options.model.name,
              "peers": {p: importlib.metadata.version(p) for p in libraries},
              "sets": {n: {"texts": len(t), "tokens": sum(map(len, t))} for n, t in ids.items()}, "rows": rows}
    options.out.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n")
    options.out.with_suffix(".md").write_text(table(report))
    print(table(report))


if __name__ == "__main__":
    main()
