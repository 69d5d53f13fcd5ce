"""Flag, environment, project file, user file, default: the stronger one wins, and says where it is from."""

import re

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


def test_config_show_has_the_budgets_of_tags_and_tenants(vecmill):
    vecmill.write("vecmill.toml", "alert_webhook = \"https://example.com/x\"\n[budget]\nmonth = 50\nwarn_at = 0.7\n"
                                  "[budget.tag.\"project=search\"]\nmonth = 10\nslow_at = 0.5\n"
                                  "[budget.tenant.acme]\nday = 1\n")
    shown = vecmill("config", "show", "--json").json
    told = {key: (one["value"], one["origin"].rsplit(":")[-1]) for key, one in shown.items() if "budget" in key}
    assert told == {
        "budget.day": ("", "default"), "budget.month": ("50", "3"), "budget.warn_at": ("0.7", "4"),
        "budget.slow_at": ("1", "default"),
        'budget.tag."project=search".month': ("10", "6"), 'budget.tag."project=search".warn_at': ("0.7", "4"),
        'budget.tag."project=search".slow_at': ("0.5", "7"), "budget.tenant.acme.day": ("1", "9"),
        "budget.tenant.acme.warn_at": ("0.7", "4"), "budget.tenant.acme.slow_at": ("1", "default")}
    assert shown["alert_webhook"]["value"] == "https://example.com/x"
    lines = vecmill("config", "show", "--origin").out
    assert re.search(r'^budget.tag."project=search".month = "10"  # .*/vecmill.toml:6$', lines, re.M)
    # What is shown can be written back.
    vecmill.write("vecmill.toml", "\n".join(line for line in vecmill("config", "show").out.splitlines()
                                            if "budget.t" in line))
    assert 'budget.tenant.acme.day = "1"' in vecmill("config", "show").out


def test_config_show_hides_the_password_of_an_address(vecmill):
    vecmill.write("vecmill.toml", 'redis = "rediss://me:s3/cr@t@cache.example:6379/0"\n')
    out = vecmill("config", "show").out
    assert 'shared = "rediss://...@cache.example:6379/0"' in out and "cr@t" not in out
    vecmill.write("vecmill.toml", 'shared = "postgres://me:s3cret@db.example/kb?sslpassword=s3cret"\n')
    out = vecmill("config", "show").out
    assert 'shared = "postgres://me:***@db.example/kb?sslpassword=***"' in out and "s3cret" not in out


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
        answer = vecmill("embed", "a.txt", "--model", model, "--dtype", "f32", "--out", f"{isa}.npy", env={"VECMILL_ISA": isa})
        assert answer.code == 0, answer
    assert (vecmill.folder / "portable.npy").read_bytes() == (vecmill.folder / "avx2.npy").read_bytes()
    assert vecmill("embed", "a.txt", "--model", model, "--out", "x.npy", "--isa", "mmx").code == 2
