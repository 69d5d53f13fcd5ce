"""[providers.NAME] in vecmill.toml: what is said there is done, what is wrong there is named, and `doctor --online`."""

import json
import re
import socket
import subprocess

import fake as fakes
import fake_others as others
import pytest
from program import INSTRUMENTS, ROOT
from test_command import VECMILL, asked

DOCS = ROOT / "docs/configuration.md"
KEY = "sk-canary-0123456789"


class Project:
    """A folder with a vecmill.toml; runs vecmill in it with nothing in the environment but a home."""

    def __init__(self, folder):
        self.folder = folder
        self.env = {"HOME": str(folder), "VECMILL_HOME": str(folder / "home"), "NO_COLOR": "1", **INSTRUMENTS}
        (folder / "texts.txt").write_text("one\ntwo\nthree\n")
        (folder / "one.txt").write_text("one\n")

    def write(self, text, name="vecmill.toml"):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def key_file(self, text, mode=0o600):
        path = self.write(text, "key")
        path.chmod(mode)

    def __call__(self, *words, **env):
        done = subprocess.run([VECMILL, *words], cwd=self.folder, env={**self.env, **env}, capture_output=True,
                              text=True, timeout=120)
        assert "canary" not in done.stdout + done.stderr
        return done

    def embed(self, model, *words, **env):
        for old in self.folder.glob("a.*"):
            old.unlink()
        # One text alone is not counted, which would read the whole vocabulary of OpenAI.
        texts = "one.txt" if model.startswith("openai:") else "texts.txt"
        return self("embed", texts, "--model", model, "--out", "a.npy", *words, **env)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


@pytest.fixture
def fake():
    with fakes.Fake("openai") as server:
        yield server


OPENAI = "openai:text-embedding-3-small"


def mycorp(fake, more=""):
    return (f'[providers.mycorp]\napi = "openai-compatible"\nbase_url = "{fake.url}"\nkey_env = "CORP_KEY"\n'
            f"price = 0.02\n{more}")


MODEL = "mycorp:text-embedding-3-small"
CORP = {"CORP_KEY": fakes.KEYS["openai"]}


def test_a_provider_of_ones_own(fake, project):
    project.write(mycorp(fake, "batch_size = 2\ndims = 64\n"))
    done = project.embed(MODEL, "--json", **CORP)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["model"], report["dims"], report["spend"]["requests"]) == (MODEL, 64, 2)
    assert sorted(asked(fake)) == ["one", "three", "two"] and {seen.body["dimensions"] for seen in fake.seen} == {64}
    assert json.loads(project("cost", "report", "--by", "provider", "--json").stdout)["rows"][0]["provider"] == "mycorp"
    found = project("query", "one", "--index", "a.npy", **CORP)
    assert found.returncode == 0, found.stderr


def test_a_flag_beats_the_environment_that_the_project_that_the_user(project):
    with fakes.Fake("voyage") as fake, fakes.Fake("voyage") as other:
        def served():
            for server in (fake, other):
                server.seen.clear()
            done = project.embed("voyage:voyage-code-3", "--no-cache", "--json", *flags, **env)
            assert done.returncode == 0, done.stderr
            return len(fake.seen), len(other.seen), json.loads(done.stdout)["dims"]

        flags, env = [], {"VOYAGE_API_KEY": fakes.KEYS["voyage"]}
        project.write(f'[providers.voyage]\nbase_url = "{other.url}"\ndims = 256\nbatch_size = 3\n',
                      ".config/vecmill/config.toml")
        assert served() == (0, 1, 256)
        project.write(f'dims = 512\n[providers.voyage]\nbase_url = "{fake.url}"\nbatch_size = 1\n')
        assert served() == (3, 0, 256)
        env["VOYAGE_BASE_URL"] = other.url
        assert served() == (0, 3, 256)
        flags += ["--batch-size", "2", "--dims", "2048"]
        assert served() == (0, 2, 2048)
        shown = project("config", "show", "--origin", **env).stdout
        assert f'providers.voyage.base_url = "{other.url}"  # VOYAGE_BASE_URL' in shown
        assert re.search(r'providers.voyage.batch_size = "1"  # .*/vecmill.toml:4\n', shown)
        assert re.search(r'providers.voyage.dims = "256"  # .*/config.toml:3\n', shown)


def test_tei_is_told_the_name_of_a_prompt(project):
    with others.Other("tei") as fake:
        def prompts(*words):
            fake.seen.clear()
            done = project(*words, "--no-cache", TEI_API_KEY=fakes.KEYS["tei"])
            assert done.returncode == 0, done.stderr
            return {seen.body.get("prompt_name") for seen in fake.seen if seen.body}, done.stderr

        table = f'[providers.tei]\nbase_url = "{fake.url}"\nprice = 0.0\n'
        embed = ["embed", "texts.txt", "--model", "tei:bge-small", "--out"]
        query = ["query", "one", "--model", "tei:bge-small", "--index"]
        project.write(table)
        sent, said = prompts(*embed, "plain.npy")
        assert sent == {None} and "prompt_name" not in said
        sent, said = prompts(*query, "plain.npy")
        assert sent == {None} and "providers.tei.query_prompt_name" in said
        assert "query_prompt_name" in prompts(*embed, "asked.npy", "--role", "query")[1]
        project.write(table + 'query_prompt_name = "ask"\ndocument_prompt_name = "keep"\n')
        assert prompts(*embed, "b.npy")[0] - {"ask"} == {"keep"}, "how long a vector is, a question tells"
        sent, said = prompts(*query, "b.npy")
        assert sent == {"ask"} and "prompt_name" not in said
    project.write('[providers.openai]\nquery_prompt_name = "ask"\n')
    done = project("embed", "texts.txt", "--model", OPENAI, "--out", "c.npy")
    assert done.returncode == 2 and "takes no names of prompts" in done.stderr


def test_a_key_in_a_file_of_its_own(fake, project):
    project.write(f'[providers.openai]\nbase_url = "{fake.url}"\nkey_file = "key"\n')
    (project.folder / "inner").mkdir()
    inner = ["query", "one", "--index", "../a.npy", "--no-cache"]
    assert project.embed(OPENAI, OPENAI_API_KEY=fakes.KEYS["openai"]).returncode == 0

    def run(**env):
        done = subprocess.run([VECMILL, *inner], cwd=project.folder / "inner", env={**project.env, **env},
                              capture_output=True, text=True, timeout=120)
        assert "canary" not in done.stderr + done.stdout
        return done.returncode, done.stderr

    code, err = run()
    assert code == 2 and "key: is not there" in err
    project.key_file(KEY + "\n", 0o644)
    code, err = run()
    assert code == 8 and "others may read" in err and "chmod 600" in err
    project.key_file("\n")
    code, err = run()
    assert code == 4 and "no key in it" in err
    project.key_file(KEY + "\n")
    code, err = run()
    assert code == 4 and f"check {project.folder}/key" in err
    assert run(OPENAI_API_KEY=fakes.KEYS["openai"])[0] == 0
    project.key_file(fakes.KEYS["openai"] + "\n")
    assert run()[0] == 0


def test_the_key_of_another_provider_is_never_sent(fake, project):
    project.write(mycorp(fake).replace('key_env = "CORP_KEY"\n', ""))
    done = project.embed(MODEL, OPENAI_API_KEY=KEY, VECMILL_REMOTE_API_KEY=KEY)
    assert done.returncode == 4 and "MYCORP_API_KEY" in done.stderr, done.stderr
    assert all("authorization" not in seen.headers for seen in fake.seen)
    assert project.embed(MODEL, MYCORP_API_KEY=fakes.KEYS["openai"]).returncode == 0


V = "[providers.voyage]\n"
BAD_TABLES = [
    (V + "requests_per_minut = 3\n", ["vecmill.toml:2", "unknown key providers.voyage.requests_per_minut",
                                      "did you mean requests_per_minute?"]),
    (V + f'key = "{KEY}"\n', ["vecmill.toml:2", "providers.voyage.key", "key_env", "key_file"]),
    (V + f'api_key = "{KEY}"\n', ["providers.voyage.api_key", "key_env", "key_file"]),
    (V + f'key_env = "{KEY}"\n', ["vecmill.toml:2", "providers.voyage.key_env", "not the key"]),
    ('[providers.voyag]\nbase_url = "https://h/v1"\n', ["vecmill.toml:2", "did you mean voyage?", "openai-compatible"]),
    ('[providers.corp]\napi = "opnai"\n', ["vecmill.toml:2", 'no API "opnai"']),
    ('[providers.voyage]\napi = "openai"\n', ["vecmill.toml:2", "another name"]),
    ('[providers."My Corp"]\napi = "tei"\n', ["vecmill.toml:2", "small letters"]),
    ("providers.voyage = 3\n", ["vecmill.toml:1", "[providers.voyage]"]),
    *((V + f"{key} = 0\n", ["vecmill.toml:2", f"providers.voyage.{key}", "above 0"])
      for key in ("requests_per_minute", "tokens_per_minute", "in_flight", "batch_size", "timeout", "dims")),
    (V + "timeout = -1\n", ["providers.voyage.timeout", "seconds"]),
    (V + "timeout = 4000\n", ["vecmill.toml:2", "longer than an hour"]),
    (V + "in_flight = 1.5\n", ["providers.voyage.in_flight", "whole number"]),
    (V + "batch_size = 1001\n", ["vecmill.toml:2", "1001 is more than the 1000"]),
    (V + "tokens_per_minute = 20\n", ["vecmill.toml:2", "20 lets no text through"]),
    (V + 'plain_http = "maybe"\n', ["providers.voyage.plain_http", "true nor false"]),
    (V + 'price = "cheap"\n', ["providers.voyage.price", "dollars"]),
    (V + 'base_url = "/etc/hosts"\n', ["vecmill.toml:2", "providers.voyage.base_url: is a path"]),
    (V + 'base_url = "http://api.example.com/v1"\n', ["vecmill.toml:2", "plain_http = true"]),
    (V + 'base_url = "https://me:canary@h/v1"\n', ["vecmill.toml:2", "a password", "key_env"]),
    (V + 'base_url = "https://h/v1?key=canary"\n', ["vecmill.toml:2", "a query"]),
]


@pytest.mark.parametrize("content, parts", BAD_TABLES, ids=[re.sub(r"\W+", "-", c)[10:40] for c, _ in BAD_TABLES])
def test_a_bad_table_is_refused(project, content, parts):
    project.write(content)
    done = project("config", "show")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    for part in parts:
        assert part in done.stderr


def test_the_whole_example_of_the_documents_is_read(project):
    example = re.search(r"```toml\n(.*?)```", DOCS.read_text(), re.S)[1]
    project.write(example)
    done = project("config", "show")
    assert done.returncode == 0, done.stderr
    keys = {line.split(" ")[0].split(".")[-1] for line in done.stdout.splitlines() if line.startswith("providers.")}
    assert keys == set(re.findall(r"^\| `(\w+)` \|", DOCS.read_text(), re.M))


# What somebody does wrong: words of the command, environment, exit code, what is said.
MISTAKES = {
    "no key": ([OPENAI], {}, 4, "export OPENAI_API_KEY"),
    "a blank in the key": ([OPENAI], {"OPENAI_API_KEY": "sk canary"}, 4, "no key holds"),
    "MongoDB's key at Voyage's": (["voyage:voyage-code-3"], {"VOYAGE_API_KEY": "al-canary", "VOYAGE_BASE_URL":
                                  "https://api.voyageai.com/v1"}, 4, "MongoDB"),
    "Voyage's key at MongoDB's": (["voyage:voyage-code-3"], {"VOYAGE_API_KEY": "pa-canary", "VOYAGE_BASE_URL":
                                  "https://ai.mongodb.com/v1"}, 4, "none of MongoDB's"),
    "unknown provider": (["opnai:m"], {}, 2, "no provider 'opnai'"),
    "no model": (["openai:"], {"OPENAI_API_KEY": "k"}, 2, "names no model"),
    "a dimension that it has not": (["voyage:voyage-law-2", "--dims", "512"], {"VOYAGE_API_KEY": "k"}, 2,
                                    "1024 components only"),
    "no address": (["openai-compatible:m", "--price", "1"], {}, 2, "VECMILL_REMOTE_BASE_URL"),
    "no price": (["openai:new"], {"OPENAI_API_KEY": "k"}, 2, "say --price"),
    "a path as address": ([OPENAI], {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "./file"}, 2,
                          "OPENAI_BASE_URL: is a path"),
    "http to a public host": ([OPENAI], {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://192.0.2.1/v1"}, 2,
                              "use https://"),
    "a rate of 0": ([OPENAI, "--requests-per-minute", "0"], {}, 2, "--requests-per-minute"),
    "no tokens": ([OPENAI, "--tokens-per-minute", "7"], {"OPENAI_API_KEY": "k"}, 2, "--tokens-per-minute"),
    "no timeout": ([OPENAI, "--request-timeout", "0"], {}, 2, "--request-timeout"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_its_exit_code(project, mistake):
    words, env, code, part = MISTAKES[mistake]
    done = project.embed(*words, **env)
    assert done.returncode == code and part in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1 and not (project.folder / "a.npy").exists()


def at(fake, **more):
    return {"OPENAI_API_KEY": fakes.KEYS["openai"], "OPENAI_BASE_URL": fake.url, **more}


def test_what_the_server_does_not_know(fake, project):
    done = project.embed("openai:new", "--price", "1", **at(fake))
    assert done.returncode == 2 and "openai:new" in done.stderr, done.stderr
    done = project.embed(OPENAI, "--dims", "2000", **at(fake))
    assert done.returncode == 2 and "dimensions" in done.stderr, done.stderr
    assert len(fake.seen) == 2


def test_a_cache_of_another_version(fake, project):
    assert project.embed(OPENAI, **at(fake)).returncode == 0
    cache, = (project.folder / "home").rglob("vectors.db")
    import sqlite3
    with sqlite3.connect(cache) as file:
        file.execute("pragma user_version = 999")
    file.close()
    done = project.embed(OPENAI, **at(fake))
    assert done.returncode == 8 and "vectors.db" in done.stderr and "version" in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1 and len(fake.seen) == 1


def doctor(project, *words, **env):
    done = project("doctor", "--online", "--json", *words, **env)
    findings = json.loads(done.stdout)["findings"]
    wrong = [finding for finding in findings if not finding["good"]]
    assert bool(wrong) == (done.returncode != 0)
    return done.returncode, {finding["name"]: finding["value"] for finding in findings}, wrong


def test_the_doctor_tries_a_model_and_pays_for_one_word(fake, project):
    rates = {"x-ratelimit-remaining-requests": "2999", "x-ratelimit-reset-requests": "20ms"}
    model = fakes.Fake("openai")
    reply = model.embed("/v1/embeddings", {"authorization": "Bearer " + fakes.KEYS["openai"]},
                        {"model": OPENAI[7:], "input": ["vecmill"]})
    fake.plan = [(401, {}, {}), (200, reply, rates)]
    code, told, _ = doctor(project, "--model", OPENAI, **at(fake))
    assert code == 0, told
    assert list(told) == ["address", "tls", "clock", "cost", "key", "model", "dims", "limits"]
    assert "$0.0000" in told["cost"] and told["dims"] == "1536, as expected" and "2999 requests" in told["limits"]
    assert "authorization" not in fake.seen[0].headers and [seen.body.get("input") for seen in fake.seen] == \
        [None, ["vecmill"]]
    rows = json.loads(project("cost", "report", "--json").stdout)["rows"]
    assert rows[0]["calls"] == 1
    shown = project("doctor", "--online", "--model", OPENAI, **at(fake)).stdout
    assert shown.index(" cost: ") < shown.index(" key: ") and shown.count("\n") == 8


def test_the_doctor_names_what_is_wrong(fake, project):
    def trouble(*words, **env):
        code, _, (wrong, ) = doctor(project, *words, **env)
        return code, wrong["name"]

    named = ["--model", OPENAI]
    assert trouble(*named) == (4, "key")
    assert trouble(*named, **at(fake, OPENAI_API_KEY=KEY)) == (4, "key")
    assert trouble("--model", "openai:new", **at(fake)) == (2, "cost")
    assert trouble("--model", "openai:new", "--price", "1", **at(fake)) == (2, "model")
    assert trouble(*named, **at(fake, OPENAI_BASE_URL="/tmp")) == (2, "settings")
    assert trouble(*named, "--max-cost", "0.000000001", **at(fake)) == (6, "cost")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        assert trouble(*named, **at(fake, OPENAI_BASE_URL=closed)) == (5, "address")
    fake.plan = [(401, {}, {}), (200, b"<html>busy</html>", {})]
    assert trouble(*named, **at(fake)) == (5, "reply")
    fake.plan = [(401, {}, {}), fakes.ERRORS["openai"]["credit"]]
    assert trouble(*named, **at(fake)) == (6, "key")
    clock = fake.server.RequestHandlerClass
    clock.date_time_string = lambda *_: "Sat, 01 Jan 2000 00:00:00 GMT"
    assert trouble(*named, **at(fake)) == (2, "clock")
    del clock.date_time_string
    fake.plan = [(307, {}, {"Location": "https://example.com/"})]
    assert trouble(*named, **at(fake)) == (2, "address")


def test_the_doctor_looks_at_all_that_is_configured(fake, project):
    done = project("doctor", "--online")
    assert done.returncode == 2 and "no model" in done.stderr
    project.write(mycorp(fake) + V)
    code, told, _ = doctor(project, **CORP)
    assert code == 0 and told["key"] == "CORP_KEY is there"
    assert [seen.body for seen in fake.seen] == [{}]
    assert doctor(project)[0] == 4
    assert project("doctor").returncode in (0, 1) and len(fake.seen) == 1
