#!/usr/bin/env python3
"""The small house beside this file must build, and must not with each mistake, for its own reason."""

import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent

MISTAKES = {
    "": None,
    "undeclared_include": r"vecmill/low/low\.h: No such file",
    "upward_include": r"vecmill/high/high\.h: No such file",
    "cycle": r"'low' may not depend on 'high'",
    "header_not_self_contained": r"low/low\.cc(.|\n)*.map. in namespace",
    "lone_header_not_self_contained": r"check/lone_h\.cc(.|\n)*.map. in namespace",
    "shell_past_facade": r"vecmill/high/high\.h: No such file",
    "dropped_result": r"nodiscard",
}


def build(mistake: str, folder: pathlib.Path) -> subprocess.CompletedProcess:
    command = (f"cmake -S '{HERE}' -B '{folder}' -G Ninja -DMISTAKE={mistake}"
               f" && cmake --build '{folder}' -j 2 -- -k 0")
    return subprocess.run(command, shell=True, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def main() -> int:
    root = pathlib.Path(sys.argv[1]).resolve() / "compile_fail"
    failed = 0
    for mistake, reason in MISTAKES.items():
        result = build(mistake, root / (mistake or "no_mistake"))
        if reason is None:
            good = result.returncode == 0
        else:
            good = result.returncode != 0 and re.search(reason, result.stdout) is not None
        print(f"{'ok  ' if good else 'FAIL'} {mistake or 'no mistake'}")
        if not good:
            failed += 1
            print(result.stdout)
    print(f"{len(MISTAKES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
