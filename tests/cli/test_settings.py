"""Flag, environment, project file, user file, default: the stronger one wins, and says where it is from."""

import pytest

LAYERS = ["default", "user file", "project file", "environment", "flag"]


def set_layer(vecmill, layer: str, value: str) -> tuple[dict, list]:
    if layer == "user file":
        vecmill.write(".config/vecmill/config.toml", f"# mine\ndims = {value}\n")
    if layer == "project file":
        vecmill.write("vecmill.toml", f"dims = {value}\n")
    environment = {"VECMILL_DIMS": value} if layer == "environment" else {}
    return environment, ["--dims", value] if layer == "flag" else []


@pytest.mark.parametrize("strongest", range(1, len(LAYERS)), ids=LAYERS[1:])
def test_the_stronger_layer_decides_what_is_embedded(vecmill, strongest):
    vecmill.write("a.txt", "one\n")
    env, flags = {}, []
    for number in range(1, strongest + 1):
        more_env, more_flags = set_layer(vecmill, LAYERS[number], str(16 * number))
        env |= more_env
        flags += more_flags
    answer = vecmill.embed("a.txt", "out.npy", "--json", *flags, env=env)
    assert answer.code == 0, answer
    assert answer.json["dims"] == 16 * strongest


ORIGINS = ["default", "/.config/vecmill/config.toml:2", "/vecmill.toml:1", "VECMILL_DIMS"]


@pytest.mark.parametrize("strongest", range(len(ORIGINS)), ids=LAYERS[:-1])
def test_config_show_says_the_origin(vecmill, strongest):
    env = {}
    for number in range(1, strongest + 1):
        env |= set_layer(vecmill, LAYERS[number], str(16 * number))[0]
    origin = vecmill("config", "show", "--json", env=env).json["dims"]
    assert int(origin["value"]) == 16 * strongest and origin["origin"].endswith(ORIGINS[strongest])
    line = next(x for x in vecmill("config", "show", "--origin", env=env).out.splitlines() if x.startswith("dims"))
    assert line.endswith(ORIGINS[strongest])


def test_the_project_file_is_found_from_a_folder_inside(vecmill):
    vecmill.write("vecmill.toml", "dims = 48\n")
    inner = vecmill.folder / "inner"
    inner.mkdir()
    vecmill.folder = inner
    assert vecmill("config", "show", "--json").json["dims"]["value"] == "48"
    other = vecmill.write("other.toml", "dims = 24\n")
    assert vecmill("config", "show", "--json", "--config", other).json["dims"]["value"] == "24"


BAD_FILES = [
    ("batchsize = 3\n", ["vecmill.toml:1", "unknown key batchsize", "did you mean batch_size?"]),
    ("\n[embed]\nmodel = 'm'\n", ["vecmill.toml:3", "unknown key embed.model"]),
    ("qqqq = 3\n", ["vecmill.toml:1", "vecmill config show"]),
    ("out = 'x.npy'\n", ["unknown key out"]),
    ("dims = 'many'\n", ["vecmill.toml:1", "whole number"]),
    ("dims = 1.5\n", ["vecmill.toml:1"]),
    ("role = 'documnt'\n", ["vecmill.toml:1", "did you mean document?"]),
    ("offline = 'maybe'\n", ["vecmill.toml:1", "true nor false"]),
    ("dims = \n", ["vecmill.toml:1", "TOML"]),
    (b"model = '\xff'\n", ["vecmill.toml", "TOML"]),
]


@pytest.mark.parametrize("content, parts", BAD_FILES, ids=lambda v: str(v)[:24] if not isinstance(v, list) else "")
def test_a_bad_file_is_refused_by_every_command(vecmill, content, parts):
    vecmill.write("vecmill.toml", content)
    for command in (["config", "show"], ["version"], ["models", "ls"]):
        answer = vecmill(*command)
        assert (answer.code, answer.out) == (2, ""), answer
        assert answer.err.count("\n") == 1
        for part in parts:
            assert part in answer.err


def test_a_bad_variable_is_named(vecmill):
    answer = vecmill("config", "show", env={"VECMILL_TRUNCATE": "midle"})
    assert answer.code == 2 and "VECMILL_TRUNCATE" in answer.err


def test_help_needs_no_valid_configuration(vecmill):
    vecmill.write("vecmill.toml", "nonsense = 1\n")
    assert vecmill("embed", "--help").code == 0


def test_the_instruction_set_is_forced_and_checked(vecmill, model):
    vecmill.write("a.txt", "one text\n")
    for isa in ("portable", "avx2"):
        answer = vecmill("embed", "a.txt", "--model", model, "--out", f"{isa}.npy", env={"VECMILL_ISA": isa})
        assert answer.code == 0, answer
    assert (vecmill.folder / "portable.npy").read_bytes() == (vecmill.folder / "avx2.npy").read_bytes()
    assert vecmill("embed", "a.txt", "--model", model, "--out", "x.npy", "--isa", "mmx").code == 2
