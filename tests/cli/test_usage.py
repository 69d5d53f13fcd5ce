"""Exit codes, help, suggestions, the two forms of an error."""

import json
import signal
import subprocess

import pytest

COMMANDS = ("embed", "query", "tokenize", "estimate", "cost", "import", "pull", "models", "cache", "bench", "doctor",
            "config", "version", "completion")

# words, exit code, what standard error must hold
MISTAKES = [
    ([], 2, "commands:"),
    (["embd"], 2, "did you mean embed?"),
    (["frobnicate"], 2, "vecmill --help"),
    (["embed", "--modle", "m"], 2, "did you mean --model?"),
    (["embed"], 2, "nothing to embed"),
    (["embed", "a.txt"], 2, "--out"),
    (["embed", "a.txt", "--out"], 2, "--out"),
    (["embed", "a.txt", "--out", "x.npy", "--dims", "many"], 2, "--dims"),
    (["embed", "a.txt", "--out", "x.npy", "--dims", "-1"], 2, "--dims"),
    (["embed", "a.txt", "--out", "x.npy", "--threads", "1025"], 2, "from 0 to 1024"),
    (["embed", "a.txt", "--out", "x.npy", "--truncate", "midle"], 2, "end|start|error"),
    (["embed", "a.txt", "--out", "x.npy", "--role", "documnt"], 2, "did you mean document?"),
    (["embed", "a.txt", "--out", "x.npy", "--config", "none.toml"], 2, "none.toml"),
    (["embed", "a.txt", "--out", "x.xyz", "--model", "builtin:hash"], 2, ".npy, .jsonl"),
    (["embed", "none.txt", "--out", "x.npy", "--model", "builtin:hash"], 2, "none.txt"),
    (["embed", "a.txt", "--out", "x.npy", "--device", "gpu9"], 2, "cpu"),
    (["embed", "a.txt", "--out", "x.npy", "--model", "no/such-model"], 2, "no/such-model"),
    (["embed", "a.txt", "--out", "x.npy"], 2, "vecmill pull"),
    (["query"], 2, "no question"),
    (["query", "a", "b"], 2, "quotes"),
    (["query", "a"], 2, "--index"),
    (["query", "a", "--index", "none.npy"], 2, "none.npy"),
    (["tokenize", "none.txt", "--model", "builtin:hash"], 2, "none.txt"),
    (["estimate"], 2, "nothing to estimate"),
    (["estimate", "-", "--models", "builtin:hash"], 2, "read only once"),
    (["estimate", "none.txt", "--models", "builtin:hash"], 2, "none.txt"),
    (["cost"], 2, "report, budget, prices or advice"),
    (["cost", "prises"], 2, "did you mean prices?"),
    (["cost", "prices", "--prices", "none.csv"], 2, "none.csv"),
    (["import"], 2, "exactly one"),
    (["import", "none.whl"], 2, "none.whl"),
    (["pull"], 2, "exactly one"),
    (["models"], 2, "models: ls"),
    (["models", "sho", "x"], 2, "did you mean show?"),
    (["models", "show", "none"], 2, "none"),
    (["models", "verify", "none"], 2, "none"),
    (["models", "rm", "none"], 2, "--yes"),
    (["models", "rm", "none", "--yes"], 2, "none"),
    (["config", "edit"], 2, "config show"),
    (["completion"], 2, "bash"),
    (["completion", "csh"], 2, "bash"),
]


@pytest.mark.parametrize("words, code, text", MISTAKES, ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_a_mistake_says_what_and_the_way_out(vecmill, words, code, text):
    vecmill.write("a.txt", "one\n")
    answer = vecmill(*words, env={"VECMILL_HOME": str(vecmill.folder / "empty")})
    assert (answer.code, answer.out) == (code, ""), answer
    assert text in answer.err
    if words:
        assert answer.err.startswith("error: ") and answer.err.count("\n") == 1
        assert "\033" not in answer.err
    assert not list(vecmill.folder.glob("x.*"))


@pytest.mark.parametrize("words, code, text", [m for m in MISTAKES if m[0]],
                         ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_with_json_the_same_mistake_is_an_object(vecmill, words, code, text):
    vecmill.write("a.txt", "one\n")
    if words[-1] == "--out":  # --json would be the value
        words = [*words[:-1], "--json", "--out"]
    else:
        words = [*words, "--json"]
    answer = vecmill(*words, env={"VECMILL_HOME": str(vecmill.folder / "empty")})
    assert (answer.code, answer.out) == (code, "")
    error = answer.error
    assert set(error) == {"code", "message", "where", "hint", "retryable"}
    assert error["code"] in ("invalid_argument", "not_found") and error["retryable"] is False


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_data(vecmill, command):
    answer = vecmill(command, "--help")
    assert answer.code == 0 and answer.err == ""
    assert answer.out.startswith(f"vecmill {command}") and "--json" in answer.out
    assert vecmill("help", command).out == answer.out
    assert vecmill(command, "-h").out == answer.out
    assert max(map(len, answer.out.splitlines())) <= 100


def test_the_list_of_commands(vecmill):
    answer = vecmill("--help")
    assert answer.code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in answer.out
    assert vecmill("help").out == answer.out == vecmill("-h").out


def test_version(vecmill):
    assert vecmill("version").out == vecmill("--version").out
    assert vecmill("version").out.split()[0] == "vecmill"
    assert vecmill("version", "--json").json["version"] == vecmill("version").out.split()[1]


def test_a_closed_pipe_is_an_input_output_error(vecmill):
    with open("/dev/full", "wb") as full:
        process = vecmill.start("config", "show", stdout=full)
        error = process.communicate(timeout=60)[1]
    assert process.returncode == 8 and b"standard output" in error


def test_everything_but_data_goes_to_standard_error(vecmill):
    vecmill.write("a.txt", "one\ntwo\n")
    answer = vecmill.embed("a.txt", "o.npy")
    assert answer.out == "o.npy\n" and "embedded 2 texts" in answer.err
    quiet = vecmill.embed("a.txt", "p.npy", "--quiet")
    assert (quiet.out, quiet.err) == ("p.npy\n", "")
    assert json.loads(vecmill.embed("a.txt", "q.npy", "--json", "-q").out)["embedded"] == 2


def test_a_bug_has_its_own_exit_code(vecmill):
    process = vecmill.start("embed", "-", "--model", "builtin:hash", "--out", "out.npy", stdin=subprocess.PIPE)
    process.stdin.write(b"x\n" * 100_000)
    process.stdin.flush()
    process.send_signal(signal.SIGABRT)  # what a check that does not hold ends in
    assert process.wait(timeout=60) == 70
    assert b"a bug in vecmill" in process.stderr.read()
    process.stdin.close()


def test_bytes_that_are_no_text_on_the_command_line(vecmill):
    answer = vecmill("embed", b"\xff\xc3.txt".decode(errors="surrogateescape"), "--out", "x.npy",
                     "--model", "builtin:hash", "--json")
    assert answer.code == 2 and "\ufffd" in answer.error["where"] + answer.error["message"]
