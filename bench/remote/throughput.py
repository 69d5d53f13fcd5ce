"""How fast texts pass the whole way to an API that answers at once, on this machine, beside others.

    python3 bench/remote/throughput.py --vecmill build/dev/src/cli/vecmill --server build/dev/bench/remote/instant_server
        [--texts 100000] [--bytes 500] [--dims 1024] [--runs 3] [--peers VENV/bin/python] [--peer-texts 5000]

Ours is `vecmill embed` from a file of lines to a .npy file: limits, breaker, ledger and cache as they are by
default, and once without the cache. The peers (bench/remote/requirements.txt) are asked for 256 texts a
request, five requests at once, and keep nothing. All take turns. What counts is the processor time of the process
that asks, user and system together: of ours with its start, of the peers without. The server's is not in it.
"""
import argparse
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
OURS = {"vecmill": [], "vecmill --no-cache": ["--no-cache"]}
PEERS = {"openai": "openai", "LiteLLM": "litellm"}
WORDS = ("the mill wheel turns water stone grain flour bread river field harvest winter summer miller sack cart "
         "horse road market price coin night morning rain wind wood iron rope gear axle").split()


def run(command, environment, folder):
    """Wall and processor seconds, as the process tells them or of all of it, and the most resident bytes."""
    start = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], env=environment, cwd=folder, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    told, problem = process.stdout.read().split(), process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command[0]}: {problem}")
    seconds = map(float, told) if len(told) == 2 else (time.perf_counter() - start, used.ru_utime + used.ru_stime)
    return *seconds, used.ru_maxrss * 1024


def write_texts(path, count, size):
    pick = random.Random(1)
    with open(path, "w") as file:
        for n in range(count):
            text = str(n)
            while len(text) < size:
                text += " " + pick.choice(WORDS)
            file.write(text[:size] + "\n")


def measure(options, work, port):
    environment = {**os.environ, "VECMILL_HOME": str(work / "home"), "no_proxy": "127.0.0.1",
                   "VECMILL_REMOTE_BASE_URL": f"http://127.0.0.1:{port}/v1", "VECMILL_REMOTE_API_KEY": "none"}
    write_texts(work / "texts.txt", options.texts, options.bytes)
    write_texts(work / "few.txt", options.peer_texts, options.bytes)
    found = {}
    for _ in range(options.runs):
        for name, flags in OURS.items():
            shutil.rmtree(work / "home", ignore_errors=True)
            command = [options.vecmill.resolve(), "embed", "texts.txt", "--out", "out.npy", "--model",
                       "openai-compatible:instant", "--price", "0.1", "--quiet", *flags]
            found.setdefault(name, []).append((options.texts, *run(command, environment, work)))
            for path in work.glob("out*"):
                path.unlink()
        for name, peer in PEERS.items() if options.peers else ():
            command = [options.peers, HERE.resolve() / "peer.py", peer, port, "few.txt"]
            found.setdefault(name, []).append((options.peer_texts, *run(command, environment, work)))
    return found


def table(found):
    rows = ["| | texts a minute of processor | texts a minute, as it ran | processor time a text | most memory |",
            "|---|---|---|---|---|"]
    for name, runs in found.items():
        def cell(of, form):
            values = [of(*one) for one in runs]
            return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"
        rows.append(f"| {name} | " + " | ".join([
            cell(lambda texts, _, used, __: 60 * texts / used, ",.0f"),
            cell(lambda texts, wall, *_: 60 * texts / wall, ",.0f"),
            cell(lambda texts, _, used, __: 1e6 * used / texts, ".0f") + " µs",
            cell(lambda *one: one[3] / 1e6, ".0f") + " MB"]) + " |")
    return "\n".join(rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vecmill", required=True, type=pathlib.Path)
    parser.add_argument("--server", required=True, type=pathlib.Path)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--bytes", type=int, default=500)
    parser.add_argument("--dims", type=int, default=1024)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers", help="a python with openai and litellm")
    parser.add_argument("--peer-texts", type=int, default=5_000)
    parser.add_argument("--folder")
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(dir=options.folder))
    server = subprocess.Popen([options.server, str(options.dims)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True)
    try:
        print(table(measure(options, work, int(server.stdout.readline()))))
    finally:
        server.stdin.close()
        server.wait()
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
