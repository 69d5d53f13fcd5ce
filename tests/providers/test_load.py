"""The program in front of a server that breaks its replies: nothing is lost, nothing is wrong, nothing is paid twice.

VECMILL_TEST_DEEP=1: 10,000 texts, black holes among the faults, and ten minutes (VECMILL_TEST_SOAK_SECONDS) without a
pause in flat memory.
"""

import json
import os
import pathlib
import statistics
import subprocess
import time

import fake as fakes
import faulty
import numpy
import pytest
from program import DEEP, INSTRUMENTS
from test_command import VECMILL

SEED = int(os.environ.get("VECMILL_TEST_SEED", "1"))
MODEL = "text-embedding-3-small"
DIMS = 64


def command(server, folder, *words):
    env = {"HOME": str(folder), "VECMILL_HOME": str(folder / "home"), "OPENAI_BASE_URL": server.url,
           "OPENAI_API_KEY": fakes.KEYS["openai"], "NO_COLOR": "1", **INSTRUMENTS}
    process = subprocess.Popen([VECMILL, "embed", *words, "--out", "a.npy", "--model", f"openai:{MODEL}", "--dims",
                                str(DIMS), "--json"], cwd=folder, env=env, text=True, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return process


def text(n):
    return f"text {n} of a file under load"


def wrong_rows(path, count):
    rows = numpy.load(path, mmap_mode="r")
    assert rows.shape == (count, DIMS)
    body = {"model": MODEL}
    return sum(not numpy.array_equal(rows[n], numpy.float32(fakes.vector_of(text(n), body, DIMS))) for n in range(count))


def check(server, report, count):
    """What the server knows of the run."""
    assert report["embedded"] == count and report["failed"] == 0
    assert len(server.answers) == count and max(server.answers.values()) == 1, "paid twice"
    ideal = count + server.lost  # a fault costs one more request
    assert server.sent <= 1.02 * ideal, f"{server.sent} texts were sent for {ideal}"
    assert report["spend"]["tokens"] == server.told_tokens


def test_one_reply_in_twenty_is_broken(tmp_path):
    count = 10_000 if DEEP else 1_000
    (tmp_path / "texts.txt").write_text("".join(text(n) + "\n" for n in range(count)))
    faults = [*faulty.FAULTS, faulty.BLACK_HOLE] if DEEP else faulty.FAULTS
    with faulty.FaultyFake(20 if DEEP else 10, faults, SEED) as server:
        process = command(server, tmp_path, "texts.txt", "--batch-size", "10")
        out, err = process.communicate(timeout=600)
        assert process.returncode == 0, err
        check(server, json.loads(out), count)
        assert set(server.done) == set(faults), server.done
    assert wrong_rows(tmp_path / "a.npy", count) == 0
    print(f"{count} texts, {server.requests} requests, faults {dict(server.done)}, {server.sent} texts sent for "
          f"{count + server.lost}")


def resident(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


@pytest.mark.skipif(not DEEP, reason="takes ten minutes: VECMILL_TEST_DEEP=1")
def test_memory_stays_flat(tmp_path):
    seconds = int(os.environ.get("VECMILL_TEST_SOAK_SECONDS", "600"))
    faults = [*faulty.FAULTS, faulty.BLACK_HOLE]
    with faulty.FaultyFake(20, faults, SEED) as server:
        process = command(server, tmp_path, "-", "--quiet")
        start, count, samples = time.monotonic(), 0, []  # seconds, MB, texts
        while time.monotonic() - start < seconds:  # waits where the program is not ready for more
            process.stdin.write("".join(text(n) + "\n" for n in range(count, count + 100)))
            count += 100
            samples.append((time.monotonic() - start, resident(process), count))
        out, err = process.communicate(timeout=600)
        assert process.returncode == 0, err
        check(server, json.loads(out), count)
    assert wrong_rows(tmp_path / "a.npy", count) == 0
    thirds = [[sample for sample in samples if part <= 3 * sample[0] / seconds < part + 1] for part in range(3)]
    mb, texts = ([statistics.mean(sample[at] for sample in third) for third in thirds] for at in (1, 2))
    print(f"{count} texts in {seconds} s, {server.requests} requests, faults {dict(server.done)}, resident by thirds "
          f"{[round(x, 1) for x in mb]} MB, most {max(sample[1] for sample in samples):.1f} MB")
    ids = 40e-6 * (texts[2] - texts[1])  # of each id 18 to 37 bytes are kept, to find one that is there twice
    assert mb[2] <= mb[1] + ids + 5, mb
