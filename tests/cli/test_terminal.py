"""What only a terminal gets: colours and a line that moves."""

import os
import pty
import subprocess

import pytest

from conftest import BINARY


def on_a_terminal(vecmill, *words, **env) -> str:
    """Standard error of vecmill when it is a terminal."""
    ours, theirs = pty.openpty()
    surroundings = {"TERM": "xterm", **vecmill.env, **env}
    process = subprocess.Popen([BINARY, *words], cwd=vecmill.folder, env=surroundings, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    text = b""
    try:
        while part := os.read(ours, 4096):
            text += part
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(ours)
    process.wait(timeout=60)
    return text.decode()


def test_an_error_is_red_unless_told_not_to(vecmill):
    assert on_a_terminal(vecmill, "frobnicate", NO_COLOR="").startswith("\033[31merror:\033[0m ")
    assert "\033" not in on_a_terminal(vecmill, "frobnicate", NO_COLOR="1")
    assert "\033" not in on_a_terminal(vecmill, "frobnicate", NO_COLOR="", TERM="dumb")


EMBED = ["embed", "a.txt", "--model", "builtin:hash", "--out"]


@pytest.fixture
def texts(vecmill):
    vecmill.write("a.txt", "".join(f"text number {i}\n" for i in range(20_000)))


def test_progress_moves_on_a_terminal_only(vecmill, texts):
    text = on_a_terminal(vecmill, *EMBED, "a.npy")
    moving = [part for part in text.split("\r\033[K") if " of 20,000 texts " in part]
    assert moving and all("%" in part for part in moving)
    assert text.split("\r\033[K")[-1].startswith("embedded 20,000 texts")
    assert "\033" not in vecmill(*EMBED, "b.npy").err
    assert "\033" not in on_a_terminal(vecmill, *EMBED, "c.npy", "--quiet")
    assert "\033" not in on_a_terminal(vecmill, *EMBED, "d.npy", "--progress", "none")
    assert "\r\033[K" in vecmill(*EMBED, "e.npy", "--progress", "bar").err
