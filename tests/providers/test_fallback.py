"""When a server does not answer: others of the same space, marked stand-ins, and waiting."""

import json
import subprocess

import fake as fakes
import numpy
import pytest
from test_command import VECMILL
from test_command import vecmill as vecmill  # noqa: F401
from test_money import rows_of

DOWN = [(503, {"detail": "down"}, {})] * 1000
NAME = "text-embedding-3-small"
TWIN = f"openai-compatible:{NAME}"
AT_ONCE = ["--fallback-after", "0", "--batch-size", "1"]  # five requests in flight make it an outage
TEXTS = [f"text {i}" for i in range(8)]


class Server(fakes.Fake):
    """That can be out for a single model, and answer as a program of ours does."""
    out = ""
    own = None

    def reply(self, handler, raw):
        if self.out and self.out == json.loads(raw)["model"]:
            return DOWN[0]
        if self.own:
            vectors = self.own(json.loads(raw)["input"])
            data = [{"object": "embedding", "embedding": v, "index": i} for i, v in enumerate(vectors)]
            return 200, {"object": "list", "data": data, "model": "m", "usage": {"total_tokens": 9}}, {}
        return super().reply(handler, raw)


@pytest.fixture
def other(vecmill):  # noqa: F811
    with Server("openai") as server:
        vecmill.env.update(VECMILL_REMOTE_BASE_URL=server.url, VECMILL_REMOTE_API_KEY=fakes.KEYS["openai"])
        (vecmill.folder / "texts.txt").write_text("\n".join(TEXTS) + "\n")
        (vecmill.folder / "one.txt").write_text("one text\n")
        yield server


def embed(vecmill, source, out, *words):  # noqa: F811
    done = vecmill("embed", source, "--out", out, "--price", "0.02", "--json", *words)
    return done, json.loads(done.stdout) if done.stdout else None


def asked(server):
    return [text for seen in server.seen for text in seen.body["input"]]


openai = pytest.mark.parametrize("vendor", ["openai"], indirect=True)
voyage = pytest.mark.parametrize("vendor", ["voyage"], indirect=True)


@openai
def test_the_same_weights_elsewhere_answer_when_it_is_proved(fake, other, vecmill):  # noqa: F811
    chain = ["--fallback", TWIN, "--same-space", *AT_ONCE]
    fake.plan = list(DOWN)
    done, _ = embed(vecmill, "texts.txt", "a.npy", *chain)
    assert done.returncode == 5 and "was not proved" in done.stderr, done.stderr
    fake.plan = []
    done, report = embed(vecmill, "one.txt", "one.npy", *chain)
    assert done.returncode == 0 and report["fallback"]["makers"][1]["texts"] == 0, done.stderr
    fake.plan = list(DOWN)
    done, report = embed(vecmill, "texts.txt", "a.npy", *chain)
    assert done.returncode == 0, done.stderr
    assert report["fallback"]["makers"] == [{"model": f"openai:{NAME}", "texts": 0}, {"model": TWIN, "texts": 8}]
    assert TWIN + ": 8" in done.stderr and set(TEXTS) <= set(asked(other))
    body = {"model": NAME, "input_type": None}
    expected = numpy.float32([fakes.vector_of(text, body, 1536) for text in TEXTS])
    assert numpy.array_equal(numpy.load(vecmill.folder / "a.npy"), expected)
    assert TWIN in json.loads((vecmill.folder / "a.meta.json").read_text())["fallback"]
    fake.plan, before = [], len(fake.seen)
    assert embed(vecmill, "texts.txt", "b.npy")[0].returncode == 0
    assert len(fake.seen) == before, "the cache has them as its own"


@openai
@pytest.mark.parametrize("words, what", [
    ([TWIN], "not known to be of one space"),
    (["openai-compatible:text-embedding-ada-002", "--same-space"], "give different vectors"),
    (["builtin:hash", "--dims", "64", "--same-space"], "give different vectors")])
def test_what_is_not_of_one_space_is_refused(fake, other, vecmill, words, what):  # noqa: F811
    done, _ = embed(vecmill, "one.txt", "a.npy", "--fallback", *words)
    assert done.returncode == 2 and what in done.stderr, done.stderr
    assert f"openai:{NAME}" in done.stderr and words[0] in done.stderr
    assert "one text" not in asked(fake) + asked(other)


@openai
def test_a_budget_ends_a_run_whatever_stands_behind(fake, other, vecmill):  # noqa: F811
    chain = ["--fallback", TWIN, "--same-space"]
    assert embed(vecmill, "one.txt", "one.npy", *chain)[0].returncode == 0
    rows = rows_of(vecmill, "run,provider")
    assert {row["provider"] for row in rows} == {"openai", "openai-compatible"}
    assert len({row["run"] for row in rows}) == 1, "--max-cost is for all of them together"
    (vecmill.folder / "long.txt").write_text("".join(f"a text with number {i}\n" for i in range(60)))
    other.seen.clear()
    done, _ = embed(vecmill, "long.txt", "a.npy", *chain, "--max-cost", "0.000002")
    assert done.returncode == 6 and "the budget of" in done.stderr, done.stderr
    assert not any("with number" in text for text in asked(other))


@voyage
def test_the_vendor_says_which_models_are_one_space(fake, other, vecmill, monkeypatch):  # noqa: F811
    for name in ("voyage-4-large", "voyage-4-lite"):
        monkeypatch.setitem(fakes.VOYAGE_DIMS, name, (1024, {1024}))
    with Server("voyage") as server:
        server.out = "voyage-4-large"
        done = subprocess.run([VECMILL, "embed", "texts.txt", "--out", "a.jsonl", "--json", *AT_ONCE, "--model",
                               "voyage:voyage-4-large", "--fallback", "voyage:voyage-4-lite"], cwd=vecmill.folder,
                              env={**vecmill.env, "VOYAGE_BASE_URL": server.url}, capture_output=True, text=True,
                              timeout=60)
    assert done.returncode == 0, done.stderr
    makers = json.loads(done.stdout)["fallback"]["makers"]
    assert [made["texts"] for made in makers] == [0, 8]
    refused, _ = embed(vecmill, "one.txt", "b.npy", "--fallback", "voyage:voyage-4-lite")
    assert refused.returncode == 2 and "voyage:voyage-code-3" in refused.stderr


@openai
def test_a_model_of_this_machine_stands_in_for_a_server(fake, other, vecmill):  # noqa: F811
    def local(texts):
        lines = "".join(json.dumps({"id": str(i), "text": t}) + "\n" for i, t in enumerate(texts))
        done = subprocess.run([VECMILL, "embed", "-", "--format", "jsonl", "--model", "builtin:hash", "--quiet",
                               "--dims", "64", "--out", "own.jsonl"], input=lines, cwd=vecmill.folder,
                              env=vecmill.env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        rows = [json.loads(line)["vector"] for line in (vecmill.folder / "own.jsonl").read_text().splitlines()]
        for path in vecmill.folder.glob("own.*"):
            path.unlink()
        return rows

    other.own = local
    vecmill.env.update(VECMILL_REMOTE_BASE_URL=other.url)
    command = ["embed", "--model", "openai-compatible:hash", "--price", "0", "--fallback", "builtin:hash", "--same-space", "--dims", "64", *AT_ONCE]

    def run(source, out):
        return subprocess.run([VECMILL, *command, source, "--out", out], cwd=vecmill.folder, env=vecmill.env,
                              capture_output=True, text=True, timeout=60)
    assert run("one.txt", "one.npy").returncode == 0
    other.own, other.plan = None, list(DOWN)
    done = run("texts.txt", "a.npy")
    assert done.returncode == 0 and "builtin:hash: 8" in done.stderr, done.stderr
    assert numpy.allclose(numpy.load(vecmill.folder / "a.npy"), numpy.float32(local(TEXTS)))


@voyage
def test_degraded_rows_are_marked_never_kept_and_never_ranked(fake, other, vecmill):  # noqa: F811
    words = ["--degraded", "builtin:hash", *AT_ONCE]
    refused, _ = embed(vecmill, "texts.txt", "a.npy", *words)
    assert refused.returncode == 2 and "choose a .jsonl" in refused.stderr
    assert embed(vecmill, "one.txt", "one.jsonl", *words)[0].returncode == 0
    fake.plan = list(DOWN)
    (vecmill.folder / "texts.txt").write_text("\n".join(["one text", *TEXTS]) + "\n")
    done, report = embed(vecmill, "texts.txt", "a.jsonl", *words)
    assert done.returncode == 3 and "without --degraded" in done.stderr, done.stderr
    rows = [json.loads(line) for line in (vecmill.folder / "a.jsonl").read_text().splitlines()]
    assert [row.get("degraded") for row in rows] == [None] + ["builtin:hash"] * 8
    assert report["fallback"]["degraded"] == 8 and report["model"] == "voyage:voyage-code-3"
    again, _ = embed(vecmill, "texts.txt", "a.jsonl", *words, "--resume")
    assert again.returncode == 3, "an output that has some says so"
    fake.plan = []
    done = subprocess.run([VECMILL, "query", "text 3", "--index", "a.jsonl", "--json"], cwd=vecmill.folder,
                          env=vecmill.env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "8 rows" in done.stderr and len(json.loads(done.stdout)["hits"]) == 1
    done, report = embed(vecmill, "texts.txt", "b.jsonl")
    assert done.returncode == 0 and report["cache"]["hits"] == 1, "only what was real is in the cache"
    assert "degraded" not in (vecmill.folder / "b.jsonl").read_text()


@voyage
def test_work_is_kept_in_an_outage_and_goes_on_by_itself(fake, ours):
    fake.plan = DOWN[:12]
    texts = [f"{i} " + "x" * 28_000 for i in range(6)]  # a request each
    env = {"VOYAGE_API_KEY": fakes.KEYS["voyage"], "VOYAGE_BASE_URL": fake.url, "ASK_AGAIN_MS": "20"}
    rows = ours("voyage:voyage-code-3", texts, env=env)
    assert [len(row["vector"]) for row in rows] == [1024] * 6
    assert not fake.plan and len(fake.seen) == 12 + 6
