"""Killed, interrupted, resumed: the files are byte for byte those of a run without interruption."""

import json
import random
import shlex
import signal
import subprocess

import pytest

from conftest import BINARY, DEEP, ROOT, SEED, Program, files_of

OUTPUTS = ["out.npy", "out.jsonl", "out.db"]
FAILPOINTS = ["sink.write", "sink.commit", "sink.finish", "file.create", "file.append", "file.sync", "file.rename",
              "file.remove", "file.sync_dir"]
PLACES = [(point, out) for point in FAILPOINTS for out in OUTPUTS]
PLACES += [("sink.publish", "out.db"), ("file.write_at", "out.npy")]
# Blank texts fail, so that the list of the failed is resumed too.
FLAGS = ["--empty", "fail", "--dims", "32"]
KILLED = 137
rng = random.Random(SEED)


def record(i: int) -> str:
    words = [rng.choice(["mill", "grain", "wheel", "stone", "water"]) for _ in range(rng.randint(0, 30))]
    return json.dumps({"id": f"r{i}", "text": " ".join(words), "n": i}) + "\n"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "in.jsonl"
    path.write_text("".join(record(i) for i in range(4000)))
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory, home, source):
    """What uninterrupted runs make, by output."""
    results = {}
    for out in OUTPUTS:
        program = Program(tmp_path_factory.mktemp("whole"), home)
        assert program.embed(source, out, *FLAGS).code == 3
        results[out] = files_of(program.folder, "out")
    return results


def finish(vecmill, source, out) -> None:
    assert vecmill.embed(source, out, *FLAGS, "--resume").code in (0, 3)


@pytest.mark.parametrize("point, out", PLACES)
def test_killed_at_a_failpoint(vecmill, source, whole, point, out):
    """At its first, second, ... pass, until the run comes to its end."""
    for count in range(1, 200 if DEEP else 4):
        answer = vecmill.embed(source, out, *FLAGS, env={"VECMILL_FAILPOINT": f"{point}:{count}"})
        ended = answer.code == 3
        assert answer.code == KILLED or (ended and count > 1), answer
        finish(vecmill, source, out)
        assert files_of(vecmill.folder, "out") == whole[out], (point, count)
        if ended:
            return
        for path in vecmill.folder.glob("out.*"):
            path.unlink()


@pytest.mark.parametrize("out", OUTPUTS)
def test_killed_again_and_again(vecmill, source, whole, out):
    """Each resume is killed too, a little later than the one before."""
    for count in range(1, 60):
        point = rng.choice(["sink.write", "sink.commit", "file.sync"])
        answer = vecmill.embed(source, out, *FLAGS, "--resume",
                               env={"VECMILL_FAILPOINT": f"{point}:{1 + count // 4}"})
        if answer.code != KILLED:
            break
    assert answer.code in (0, 3)
    assert files_of(vecmill.folder, "out") == whole[out]


def test_killed_at_random_moments(vecmill, source, whole):
    for turn in range(200 if DEEP else 10):
        out = OUTPUTS[turn % 3]
        process = vecmill.start("embed", source, "--model", "builtin:hash", "--out", out, *FLAGS, "--resume")
        try:
            process.wait(rng.uniform(0.005, 0.25))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        finish(vecmill, source, out)
        assert files_of(vecmill.folder, "out") == whole[out], turn
        for path in vecmill.folder.glob("out.*"):
            path.unlink()


def test_killed_while_an_encoder_is_at_work(vecmill, source):
    """Where a run stops changes its batches; the bits of the vectors stay."""
    texts = vecmill.write("in.jsonl", b"".join(source.open("rb").readlines()[:1500]))
    words = ["embed", texts, "--model", ROOT / "tests/golden/models/bert", "--out"]
    assert vecmill(*words, "whole.npy").code == 0
    for turn in range(50 if DEEP else 5):
        process = vecmill.start(*words, f"turn{turn}.npy", "--resume")
        try:
            process.wait(rng.uniform(0.05, 1))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        assert vecmill(*words, f"turn{turn}.npy", "--resume").code == 0
        ours, other = files_of(vecmill.folder, "whole"), files_of(vecmill.folder, f"turn{turn}")
        assert [other[name.replace("whole", f"turn{turn}")] for name in ours] == list(ours.values())


def interrupt(process, data: bytes, sent: signal.Signals) -> str:
    """Feeds it more than a pipe holds, so that it is at work, and sends the signal. What it prints last."""
    process.stdin.write(data)
    process.stdin.flush()
    process.send_signal(sent)
    while b"interrupted" not in process.stderr.readline():
        pass
    process.stdin.close()
    text = process.stderr.read().decode()
    process.wait(timeout=60)
    return text.splitlines()[-1].strip()


@pytest.mark.parametrize("sent, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("out", OUTPUTS)
def test_interrupted_it_prints_the_command_that_goes_on(vecmill, source, whole, out, sent, code):
    process = vecmill.start("embed", "-", "--format", "jsonl", "--model", "builtin:hash", "--out", out, *FLAGS,
                            stdin=subprocess.PIPE)
    data = source.read_bytes()
    command = interrupt(process, data[:data.index(b"\n", len(data) // 2) + 1], sent)
    assert process.returncode == code
    assert command == shlex.join(["vecmill", "embed", "-", "--format", "jsonl", "--model", "builtin:hash",
                                  "--out", out, *FLAGS, "--resume"])
    words = [BINARY, *shlex.split(command)[1:]]
    resumed = subprocess.run(words, input=data, cwd=vecmill.folder, env=vecmill.env, capture_output=True)
    assert resumed.returncode in (0, 3), resumed.stderr
    assert {n: d for n, d in files_of(vecmill.folder, "out").items() if n in (out, "out.ids.txt")} == \
        {n: d for n, d in whole[out].items() if n in (out, "out.ids.txt")}


@pytest.mark.parametrize("sent, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_count_says_so(vecmill, sent, code):
    process = vecmill.start("embed", "-", "--model", "builtin:hash", "--dry-run", stdin=subprocess.PIPE)
    assert "nothing was counted" in interrupt(process, b"x\n" * 100_000, sent)
    assert process.returncode == code


def test_the_command_that_goes_on_is_safe_to_paste(vecmill, source):
    name = vecmill.write("it's a $HOME file.jsonl", source.read_bytes()).name
    process = vecmill.start("embed", name, "-", "--model", "builtin:hash", "--out", "a b.npy",
                            stdin=subprocess.PIPE)
    command = interrupt(process, b"x\n" * 100_000, signal.SIGINT)
    assert process.returncode == 130
    assert shlex.split(command) == ["vecmill", "embed", name, "-", "--model", "builtin:hash",
                                                  "--out", "a b.npy", "--resume"]


def test_a_second_run_at_the_same_time_is_refused(vecmill, source):
    process = vecmill.start("embed", "-", "--model", "builtin:hash", "--out", "out.npy", stdin=subprocess.PIPE)
    process.stdin.write(b"x\n" * 100_000)
    process.stdin.flush()
    other = vecmill.embed(source)
    assert other.code == 8 and "out.npy" in other.err
    process.communicate()
    assert process.returncode == 0


def test_another_input_is_not_taken_for_the_interrupted_one(vecmill, source, whole):
    killed = vecmill.embed(source, "out.npy", *FLAGS, env={"VECMILL_FAILPOINT": "sink.commit:3"})
    assert killed.code == KILLED
    plain = vecmill.embed(source, "out.npy", *FLAGS)
    assert plain.code == 2 and "--resume" in plain.err
    changed = vecmill.write("changed.jsonl", source.read_bytes().replace(b"mill", b"hill", 1))
    answer = vecmill.embed(changed, "out.npy", *FLAGS, "--resume", "--json")
    assert answer.code == 7 and answer.error["code"] == "mismatch"
    finish(vecmill, source, "out.npy")
    assert files_of(vecmill.folder, "out") == whole["out.npy"]
