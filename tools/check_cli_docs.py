#!/usr/bin/env python3
"""check_cli_docs.py VECMILL PAGE: PAGE must hold what `vecmill VERB --help` prints for every verb.
With --write it is made so."""

import pathlib
import re
import subprocess
import sys

INTRO = """# The command line

What `vecmill VERB --help` prints; the tests compare this page with the program
(`tools/check_cli_docs.py VECMILL PAGE --write` makes it again). Data goes to standard output, the rest
to standard error.
"""


def help_of(program: str, *verb: str) -> str:
    result = subprocess.run([program, *verb, "--help"], text=True, check=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, env={"NO_COLOR": "1", "HOME": "/nonexistent"})
    return result.stdout.strip()


def verbs_in(text: str) -> list[str]:
    """The names in the list of commands: indented, followed by two blanks and what they do."""
    part = re.split(r"^\s*(?:commands|verbs|subcommands)\b.*:?$", text, maxsplit=1, flags=re.I | re.M)
    if len(part) < 2:
        return []
    listing = re.split(r"\n\s*\n", part[1].lstrip("\n"))[0]
    return re.findall(r"^ +([a-z][a-z-]*)\b", listing, re.M)


def page(program: str) -> str:
    top = help_of(program)
    out = [INTRO, "## vecmill\n", f"```\n{top}\n```\n"]
    verbs = verbs_in(top)
    if not verbs:
        sys.exit("error: vecmill --help lists no commands")
    for verb in verbs:
        out += [f"## vecmill {verb}\n", f"```\n{help_of(program, verb)}\n```\n"]
    return "\n".join(out)


def main() -> int:
    program, path = sys.argv[1], pathlib.Path(sys.argv[2])
    now = page(program)
    if "--write" in sys.argv:
        path.write_text(now)
        return 0
    if not path.exists() or path.read_text() != now:
        print(f"{path} is not what {program} --help says; run {sys.argv[0]} {program} {path} --write")
        return 1
    print("1 passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
