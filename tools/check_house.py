#!/usr/bin/env python3
"""House rules that neither the compiler nor clang-tidy sees. Prints one line per breach."""

import functools
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent

MAX_SOURCE_LINES = 500
MAX_HEADER_LINES = 250
MAX_FUNCTION_LINES = 60
# Exceptions, each by name: the path of a file, or path:function.
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {
    "bench/encode/encode_bench.cc:steps": "one table of the steps of a layer, read from top to bottom",
}
GENERATED = re.compile(r"_tables?\.(cc|h|inc)$")

# Hosts of registries, paths of one machine. Put together here so that this file does not match.
WORDS = "|".join([
    "npm" + r"js\.(org|com)", "py" + r"pi\.(org|python)", "crates" + r"\.io", "golang" + r"\.org",
    "maven" + r"\.(org|apache)", "debian" + r"\.org", "/wo" + "rk/", r"\.libr" + "ary/", "/ro" + "ot/",
])
INCLUDE_UP = re.compile(r'^\s*#\s*include\s+"[^"]*\.\./', re.M)
UNFINISHED = re.compile(r"\b(TO" + "DO|FIX" + "ME|XX" + "X)\\b")


def tracked(*patterns: str) -> list[str]:
    out = subprocess.run(["git", "ls-files", "--", *patterns], cwd=ROOT, check=True,
                         capture_output=True, text=True).stdout
    return [name for name in out.splitlines() if (ROOT / name).is_file()]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def check_includes() -> list[str]:
    found = [f"{name}: include with dots; name the module" for name in tracked("*.cc", "*.h", "*.inc")
             if INCLUDE_UP.search(text_of(name))]
    for name in tracked("src/*.h", "include/*.h"):
        if not text_of(name).startswith("#pragma once\n"):
            found.append(f"{name}: does not begin with #pragma once")
        source = pathlib.Path(name).with_suffix(".cc")
        if name.startswith("src/") and (ROOT / source).is_file():
            first = re.search(r'^#include [<"]([^>"]*)', text_of(str(source)), re.M)
            if not first or first.group(1) != "vecmill/" + name.removeprefix("src/"):
                found.append(f"{source}: its own header comes first, to be compiled alone")
    return found


def check_file_sizes() -> list[str]:
    found = []
    for name in tracked("*.cc", "*.h", "*.inc", "*.py"):
        if GENERATED.search(name) or name in LONG_FILES:
            continue
        limit = MAX_HEADER_LINES if name.endswith(".h") else MAX_SOURCE_LINES
        lines = text_of(name).count("\n")
        if lines > limit:
            found.append(f"{name}: {lines} lines, at most {limit}; one file, one idea")
    return found


def check_function_sizes() -> list[str]:
    files = [name for name in tracked("*.cc", "*.h", "*.inc")
             if not GENERATED.search(name) and not name.endswith("_test.cc")]
    if not files:
        return []
    out = subprocess.run(["ctags", "--fields=+ne", "--kinds-c++=f", "--langmap=c++:+.inc.h", "-o", "-", *files],
                         cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found = []
    for row in out.splitlines():
        fields = row.split("\t")
        marks = dict(f.split(":", 1) for f in fields[3:] if ":" in f)
        if "line" not in marks or "end" not in marks:
            continue
        lines = int(marks["end"]) - int(marks["line"]) + 1
        if lines > MAX_FUNCTION_LINES and f"{fields[1]}:{fields[0]}" not in LONG_FUNCTIONS:
            found.append(f"{fields[1]}:{marks['line']}: {fields[0]} has {lines} lines, "
                         f"at most {MAX_FUNCTION_LINES}")
    return found


def check_exceptions() -> list[str]:
    names = list(LONG_FILES) + [key.split(":")[0] for key in LONG_FUNCTIONS]
    return [f"tools/check_house.py: the exception {name} is not there any more" for name in names
            if not (ROOT / name).is_file()]


def check_words() -> list[str]:
    found = []
    rule = re.compile(WORDS)
    for name in tracked():
        if name.endswith((".npy", ".safetensors", ".bin", ".pt", ".db", ".whl", ".zip")):
            continue
        if name.startswith(("tests/golden/", "fuzz/corpus/")):
            continue
        for number, line in enumerate(text_of(name).splitlines(), 1):
            if hit := rule.search(line):
                found.append(f"{name}:{number}: does not belong here: {hit.group(0)}")
            if name.endswith((".cc", ".h", ".inc", ".py", ".sh", ".cmake")) and UNFINISHED.search(line):
                found.append(f"{name}:{number}: unfinished: finish it or open an issue")
    return found


def check_architecture() -> list[str]:
    """Each `path` is there, and each `Name` in `path` occurs in that file."""
    page = "docs/architecture.md"
    if not (ROOT / page).is_file():
        return [f"{page}: is missing"]
    text = text_of(page)
    found = []
    if text.count("\n") > 150:
        found.append(f"{page}: over 150 lines")
    for path in sorted(set(re.findall(r"`((?:src|include|tests|tools|fuzz|bench|docs|cmake|examples)/[\w./-]*)`", text))):
        if not (ROOT / path).exists():
            found.append(f"{page}: names {path}, which is not there")
    for name, path in re.findall(r"`([\w:~]+)\(?\)?` in `([\w./-]+)`", text):
        last = name.split("::")[-1]
        if (ROOT / path).is_file() and not re.search(rf"\b{re.escape(last)}\b", text_of(path)):
            found.append(f"{page}: says `{name}` is in {path}, which does not have it")
    modules = re.findall(r"^add_subdirectory\((\w+)\)", text_of("src/CMakeLists.txt"), re.M)
    found += [f"{page}: does not name src/{m}/" for m in modules if f"`src/{m}/`" not in text]
    return found


def check_troubleshooting() -> list[str]:
    """Each `error text` of a heading must still be written by the code."""
    page = "docs/troubleshooting.md"
    if not (ROOT / page).is_file():
        return [f"{page}: is missing"]
    code = "\n".join(text_of(n) for n in tracked("src/*.cc", "src/*.h") if not n.endswith("_test.cc"))
    code = re.sub(r'"\s*\n\s*"', "", code)
    return [f"{page}: no code says: {heading}" for heading in re.findall(r"^## `(.+)`$", text_of(page), re.M)
            if heading not in code]


def check_fuzz_corpora() -> list[str]:
    return [f"{name}: no seeds in fuzz/corpus/{pathlib.Path(name).stem.removesuffix('_fuzz')}/"
            for name in tracked("fuzz/*_fuzz.cc")
            if not tracked(f"fuzz/corpus/{pathlib.Path(name).stem.removesuffix('_fuzz')}/*")]


def check_mutants() -> list[str]:
    """Each edit of tests/mutants still finds its place, once, and is of some effect."""
    found = []
    for m in tomllib.loads(text_of("tests/mutants/mutants.toml"))["mutant"]:
        there = text_of(m["file"]).count(m["find"]) if (ROOT / m["file"]).is_file() else 0
        if there != 1 or m["find"] == m["replace"]:
            found.append(f"tests/mutants/mutants.toml: {m['name']}: {m['file']} has {there} times what it edits; "
                         "move the edit along with the code")
        if not m["program"].endswith(".py"):
            found += [f"tests/mutants/mutants.toml: {m['name']}: there is no test {name}"
                      for name in m["test"].split(":") if not is_a_test(name)]
    return found


def is_a_test(name: str) -> bool:
    """Whether some C++ test is meant by "LevelTest.Finds*", "All/LevelTest.Finds/Redis"."""
    left, _, right = name.partition(".")
    suite, case = (re.escape(part).replace(r"\*", r"\w*") for part in (left.rpartition("/")[2], right.partition("/")[0]))
    return any(re.search(rf"\bTEST(_[FP])?\({suite},\s*{case}\)", text) for text in cpp_tests())


@functools.cache
def cpp_tests() -> list[str]:
    return [path.read_text() for folder in ("src", "tests") for path in (ROOT / folder).rglob("*test.cc")]


CHECKS = [check_includes, check_file_sizes, check_function_sizes, check_exceptions, check_words,
          check_architecture, check_troubleshooting, check_fuzz_corpora,
          check_mutants]


def main() -> int:
    failed = 0
    for check in CHECKS:
        breaches = check()
        failed += bool(breaches)
        print(f"{'FAIL' if breaches else 'ok  '} {check.__name__.removeprefix('check_')}")
        for line in breaches:
            print(f"     {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
