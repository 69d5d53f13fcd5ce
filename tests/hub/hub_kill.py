"""hub_kill.py VECMILL MODEL: kills `vecmill import` at every write, sync, rename and removal it makes, as
kill -9 would. Afterwards the model is either whole or what it was before (not there, or an older
one), and the same import succeeds.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

KILLED = 137
POINTS = ("file.create", "file.append", "file.sync", "file.rename", "file.remove", "file.sync_dir")
NAME = "org/tiny"


def run(command: list[str], home: str, failpoint: str = "") -> subprocess.CompletedProcess:
    variables = {"VECMILL_HOME": home, "HF_HUB_CACHE": home + "/none", "VECMILL_FAILPOINT": failpoint}
    return subprocess.run(command, env=os.environ | variables, text=True, capture_output=True,
                          check=False)


def check_whole(vecmill: str, model: str, home: str, where: str, replaces: bool) -> None:
    listed = run([vecmill, "models", "ls"], home)
    assert NAME in listed.stdout or not replaces, f"{where}: the older model is gone"
    if NAME in listed.stdout:
        verified = run([vecmill, "models", "verify", NAME], home)
        assert verified.returncode == 0, f"{where}: half a model\n{verified.stderr}"
    again = run([vecmill, "import", model, "--name", NAME], home)
    assert again.returncode == 0, f"{where}: cannot be imported again\n{again.stderr}"
    verified = run([vecmill, "models", "verify", NAME], home)
    assert verified.returncode == 0, f"{where}: damaged\n{verified.stderr}"
    left = list(pathlib.Path(home, "staging").iterdir())
    assert not left, f"{where}: left {left}"


def kill_at(vecmill: str, model: str, where: str, older: str | None) -> bool:
    """False when there are fewer such places."""
    with tempfile.TemporaryDirectory() as home:
        if older is not None:
            assert run([vecmill, "import", older, "--name", NAME], home).returncode == 0
        first = run([vecmill, "import", model, "--name", NAME], home, where)
        if first.returncode == 0:
            return False
        assert first.returncode == KILLED, f"{where}: {first.stderr}"
        check_whole(vecmill, model, home, where, older is not None)
        return True


def main() -> None:
    vecmill, model = sys.argv[1:]
    killed = 0
    with tempfile.TemporaryDirectory() as older:
        shutil.copytree(model, older, dirs_exist_ok=True)
        with open(older + "/tokenizer_config.json", "a", encoding="utf-8") as file:
            file.write(" ")
        for before, points in ((None, POINTS), (older, ("file.rename", "file.sync_dir"))):
            for point in points:
                count = 1
                while kill_at(vecmill, model, f"{point}:{count}", before):
                    count += 1
                killed += count - 1
    assert killed > 50, f"only {killed} places were tried"
    print(f"ok: killed at {killed} places, never half a model")


if __name__ == "__main__":
    main()
