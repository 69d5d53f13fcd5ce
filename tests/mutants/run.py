#!/usr/bin/env python3
"""run.py BUILD [NAME...]: breaks one promise at a time in a copy of the sources and demands that the
test named for it turns red (mutants.toml). With names only those, with VECMILL_TEST_DEEP=1 all; else
those marked `gate` and some more that VECMILL_TEST_SEED picks."""

import concurrent.futures
import itertools
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SECONDS = 600
TEST_SECONDS = 120
SAMPLE = 3  # beside those marked `gate`
MANY = 50  # for which another copy of the sources is worth building


def run(command: list[str], folder: pathlib.Path, seconds: int = SECONDS) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(command, cwd=folder, text=True, stdin=subprocess.DEVNULL, timeout=seconds,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:  # a test that hangs has noticed, too
        return subprocess.CompletedProcess(command, 124, f"over {seconds} s")


def copy_sources(to: pathlib.Path) -> None:
    """Like a clone of what is tracked, but a file that is as before keeps its time."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    for name in filter(None, names.decode().split("\0")):
        source, target = ROOT / name, to / name
        if not source.is_file() or (target.is_file() and target.read_bytes() == source.read_bytes()):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(source.stat().st_mode)
    tracked = {to / name for name in names.decode().split("\0")}
    for folder in ("src", "tests"):  # whose files the build finds by itself
        for path in (to / folder).rglob("*"):
            if path.is_file() and path not in tracked:
                path.unlink()
    for name in (".cache", ".venv"):
        if not (to / name).exists():
            (to / name).symlink_to(ROOT / name)


class Mill:
    def __init__(self, folder: pathlib.Path, jobs: int):
        self.jobs = jobs
        self.source = folder
        self.build = folder / "build" / "dev"
        copy_sources(folder)

    def configure(self) -> None:
        result = run(["cmake", "--preset", "dev"], self.source)
        if result.returncode:
            sys.exit(result.stdout)

    def make(self, mutant: dict) -> subprocess.CompletedProcess:
        program = pathlib.Path(mutant["program"])
        target = "vecmill" if program.suffix == ".py" else program.name
        return run(["cmake", "--build", str(self.build), "-j", str(self.jobs), "--target", target], self.source)

    def test(self, mutant: dict) -> subprocess.CompletedProcess:
        if mutant["program"].endswith(".py"):
            binary = f"VECMILL_BINARY={self.build / 'src/cli/vecmill'}"
            python = os.environ.get("VECMILL_TEST_PYTHON", str(ROOT / ".venv/bin/python"))
            return run(["env", binary, python, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", mutant["program"],
                        "-k", mutant["test"]], self.source, TEST_SECONDS)
        program = self.build / mutant["program"]
        return run([str(program), f"--gtest_filter={mutant['test']}", "--gtest_fail_fast"], self.build, TEST_SECONDS)

    def kill(self, mutant: dict) -> str:
        """Empty when the test turned red; else what is wrong."""
        path = self.source / mutant["file"]
        text = path.read_text()
        try:
            path.write_text(text.replace(mutant["find"], mutant["replace"]))
            made = self.make(mutant)
            if made.returncode:
                return f"does not compile:\n{made.stdout[-3000:]}"
            return "" if self.test(mutant).returncode else f"survived {mutant['test']}"
        finally:
            path.write_text(text)

    def green(self, mutants: list[dict]) -> list[str]:
        """Tests that are red, or not there, without any mutation."""
        found = []
        for mutant in mutants:
            made = self.make(mutant)
            if made.returncode:
                sys.exit(made.stdout)
            result = self.test(mutant)
            if result.returncode or "[  PASSED  ] 0 tests" in result.stdout:
                found.append(f"{mutant['name']}: {mutant['test']} is not green without it\n{result.stdout[-2000:]}")
        return found


def chosen(mutants: list[dict], names: list[str]) -> list[dict]:
    if names:
        return [m for m in mutants if m["name"] in names]
    if os.environ.get("VECMILL_TEST_DEEP"):
        return mutants
    others = [m for m in mutants if not m.get("gate")]
    picked = random.Random(os.environ.get("VECMILL_TEST_SEED", "1")).sample(others, min(SAMPLE, len(others)))
    return [m for m in mutants if m.get("gate") or m in picked]


def kill_all(mutants: list[dict], mills: list[Mill]) -> list[str]:
    """What is wrong. Each mill takes the next mutant; those of one program go to one mill, which has it built."""
    bad = []
    piles = [[] for _ in mills]
    for _, group in itertools.groupby(sorted(mutants, key=lambda m: m["program"]), key=lambda m: m["program"]):
        min(piles, key=len).extend(group)

    def work(mill: Mill, pile: list[dict]) -> None:
        bad.extend(found := mill.green(pile))
        for mutant in pile if not found else []:
            start = time.monotonic()
            why = mill.kill(mutant)
            print(f"{'FAIL' if why else 'ok  '} {time.monotonic() - start:5.0f} s  {mutant['name']}: {mutant['promise']}",
                  flush=True)
            if why:
                bad.append(f"{mutant['name']}: {why}")

    with concurrent.futures.ThreadPoolExecutor(len(mills)) as pool:
        for done in [pool.submit(work, mill, pile) for mill, pile in zip(mills, piles)]:
            done.result()
    return bad


def main() -> int:
    build = pathlib.Path(sys.argv[1]).resolve().parent
    os.environ["CCACHE_BASEDIR"] = str(build.parent)
    mutants = tomllib.loads((HERE / "mutants.toml").read_text())["mutant"]
    stale = [f"{m['name']}: {m['file']} does not have exactly once: {m['find']}" for m in mutants
             if (ROOT / m["file"]).read_text().count(m["find"]) != 1]
    if stale:
        print("\n".join(stale))
        return 1
    mutants = chosen(mutants, sys.argv[2:])
    jobs = int(os.environ.get("VECMILL_TEST_JOBS", os.cpu_count()))
    mills = [Mill(build / f"mutants{n or ''}", jobs) for n in range(min(jobs, 1 + len(mutants) // MANY))]
    for mill in mills:
        mill.configure()
    bad = kill_all(mutants, mills)
    print("\n".join(bad))
    print(f"{len(mutants) - len(bad)} of {len(mutants)} mutants killed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
