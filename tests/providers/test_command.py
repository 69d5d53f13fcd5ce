"""`vecmill embed` and `query` with a model behind an API: the way of a text, the cache, the exit codes."""

import json
import signal
import subprocess
import time

import fake as fakes
import numpy
import pytest
from program import BINARY as VECMILL
from program import INSTRUMENTS

MODELS = {"voyage": "voyage-code-3", "openai": "text-embedding-3-small"}
TEXTS = ["first text", "second text", "first text", "a fourth"]


@pytest.fixture
def vecmill(fake, tmp_path):
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS) + "\n")
    name = fake.vendor.upper()
    env = {"HOME": str(tmp_path), "VECMILL_HOME": str(tmp_path / "home"), f"{name}_BASE_URL": fake.url,
           f"{name}_API_KEY": fakes.KEYS[fake.vendor], "NO_COLOR": "1", **INSTRUMENTS}

    def run(*words, **more):
        return subprocess.run([VECMILL, *words, "--model", f"{fake.vendor}:{MODELS[fake.vendor]}"], cwd=tmp_path,
                              env={**env, **more}, capture_output=True, text=True, timeout=120)

    run.folder = tmp_path
    run.env = env
    return run


def asked(fake):
    return [text for seen in fake.seen for text in seen.body["input"]]


def test_texts_become_a_file_and_are_paid_for_once(fake, vecmill):
    done = vecmill("embed", "texts.txt", "--dims", "256", "--role", "document", "--out", "a.npy")
    assert done.returncode == 0, done.stderr
    body = {"model": MODELS[fake.vendor], "input_type": "document" if fake.vendor == "voyage" else None}
    expected = numpy.float32([fakes.vector_of(text, body, 256) for text in TEXTS])
    assert numpy.array_equal(numpy.load(vecmill.folder / "a.npy"), expected)
    assert sorted(asked(fake)) == sorted(set(TEXTS))
    billed = fake.billed
    again = vecmill("embed", "texts.txt", "--dims", "256", "--role", "document", "--out", "b.npy", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["cache"]["hits"] == len(TEXTS)
    assert fake.billed == billed
    assert (vecmill.folder / "b.npy").read_bytes() == (vecmill.folder / "a.npy").read_bytes()


def test_a_query_is_asked_as_a_query(fake, vecmill):
    assert vecmill("embed", "texts.txt", "--out", "a.npy").returncode == 0
    done = subprocess.run([VECMILL, "query", "anything", "--index", "a.npy", "-k", "2", "--json"], cwd=vecmill.folder,
                          env=vecmill.env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["hits"]) == 2
    assert fake.seen[-1].body["input"] == ["anything"]
    assert fake.seen[-1].body.get("input_type") == ("query" if fake.vendor == "voyage" else None)


def test_another_server_of_the_same_name_is_another_space(fake, vecmill):
    assert vecmill("embed", "texts.txt", "--out", "a.npy").returncode == 0
    with fakes.Fake(fake.vendor) as other:
        elsewhere = {f"{fake.vendor.upper()}_BASE_URL": other.url}
        done = vecmill("embed", "texts.txt", "--out", "b.npy", **elsewhere)
        assert done.returncode == 0 and sorted(asked(other)) == sorted(set(TEXTS)), done.stderr
        refused = vecmill("query", "anything", "--index", "a.npy", **elsewhere)
        assert refused.returncode == 7 and "anything" not in asked(other), refused.stderr


def test_the_size_of_a_request_is_kept(fake, vecmill):
    assert vecmill("embed", "texts.txt", "--out", "a.npy", "--batch-size", "2").returncode == 0
    assert sorted(len(seen.body["input"]) for seen in fake.seen) == [1, 2]


def test_tokens_of_openai_are_counted_before_a_text_is_sent(fake, vecmill):
    counted = fake.vendor == "openai"
    dry = vecmill("embed", "texts.txt", "--dry-run", "--json")
    assert (dry.returncode == 0) == counted, dry.stderr
    if counted:
        assert json.loads(dry.stdout)["tokens"] == 8
    too_long = " ".join(["word"] * 9_000)
    (vecmill.folder / "long.txt").write_text(f"before\n{too_long}\nbehind\n")
    done = vecmill("embed", "long.txt", "--out", "a.npy", "--truncate", "error")
    assert done.returncode == (3 if counted else 0), done.stderr
    assert (too_long in asked(fake)) != counted and {"before", "behind"} <= set(asked(fake))
    if counted:
        failed = json.loads((vecmill.folder / "a.failed.jsonl").read_text())
        assert "too_long" in json.dumps(failed) and "9000 tokens, 809 more than the 8191" in json.dumps(failed)
    assert vecmill("bench").returncode == 7


@pytest.mark.parametrize("vendor", ["openai"], indirect=True)
def test_a_text_that_is_too_long_is_cut_here_and_said_to_be(fake, vecmill):
    """And found in the cache as the text that it was; `--truncate error` does not take what is found there."""
    words = ["a"] * 9_000  # each is a token
    (vecmill.folder / "long.txt").write_text("before\n" + " ".join(words) + "\n")
    done = vecmill("embed", "long.txt", "--out", "a.npy", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["truncated_ids"] == ["long.txt:2"] and said["truncated_tokens"] == 809
    assert set(asked(fake)) == {"before", " ".join(words[:8_191])}
    billed = fake.billed
    again = vecmill("embed", "long.txt", "--out", "b.npy", "--json")
    assert json.loads(again.stdout)["cache"]["hits"] == 2
    assert json.loads(again.stdout)["truncated_tokens"] == said["truncated_tokens"] and fake.billed == billed
    assert (vecmill.folder / "b.npy").read_bytes() == (vecmill.folder / "a.npy").read_bytes()
    assert vecmill("embed", "long.txt", "--out", "c.npy", "--truncate", "error").returncode == 3
    start = vecmill("embed", "long.txt", "--out", "d.npy", "--truncate", "start", "--json")
    assert json.loads(start.stdout)["cache"]["hits"] == 0, "it is another space"
    assert " a" * 8_191 in asked(fake)


def test_an_api_has_its_own_arithmetic(fake, vecmill):
    done = vecmill("embed", "texts.txt", "--out", "a.npy", "--dtype", "int8")
    assert done.returncode == 7 and "leave out --dtype" in done.stderr
    assert not fake.seen


def test_without_a_key_it_says_which(fake, vecmill):
    done = vecmill("embed", "texts.txt", "--out", "a.npy", **{f"{fake.vendor.upper()}_API_KEY": ""})
    assert done.returncode == 4 and f"{fake.vendor.upper()}_API_KEY" in done.stderr
    assert not fake.seen and not (vecmill.folder / "a.npy").exists()


def test_a_refused_key_ends_the_run_and_shows_nothing_of_it(fake, vecmill):
    key = {"voyage": "pa-wrong-0123456789", "openai": "sk-wrong-0123456789"}[fake.vendor]
    done = vecmill("embed", "texts.txt", "--out", "a.npy", **{f"{fake.vendor.upper()}_API_KEY": key})
    assert done.returncode == 4, done.stderr
    assert key not in done.stderr + done.stdout and "second text" not in done.stderr
    assert not (vecmill.folder / "a.npy").exists()


def test_ctrl_c_does_not_wait_for_a_server_that_fails(fake, vecmill):
    fake.plan = [(503, {}, {"Retry-After": "60"})] * 100
    process = subprocess.Popen([VECMILL, "embed", "texts.txt", "--out", "a.npy", "--model",
                                f"{fake.vendor}:{MODELS[fake.vendor]}"], cwd=vecmill.folder, env=vecmill.env,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while len(fake.plan) == 100:
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=30)[1]
    assert process.returncode == 130 and "go on with" in err and "--resume" in err, err
    fake.plan.clear()
    assert vecmill("embed", "texts.txt", "--out", "a.npy", "--resume").returncode == 0


def tokenizer_of_words(folder):
    """Each word and each other sign is a token, and there is one before and one behind a text."""
    import tokenizers
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"?": 0, "[": 1, "]": 2, "text": 3}, unk_token="?"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.TemplateProcessing(single="[ $A ]", special_tokens=[("[", 1), ("]", 2)])
    folder.mkdir()
    made.save(str(folder / "tokenizer.json"))
    return made


@pytest.mark.parametrize("vendor", ["voyage"], indirect=True)
def test_tokens_are_counted_by_the_vendors_own_tokenizer_once_it_is_here(fake, vecmill):
    words = tokenizer_of_words(vecmill.folder / "tokenizer")
    expected = sum(len(words.encode(text).ids) for text in TEXTS)
    imported = subprocess.run([VECMILL, "import", "tokenizer", "--name", "voyageai/voyage-code-3"], cwd=vecmill.folder,
                              env=vecmill.env, capture_output=True, text=True, timeout=120)
    assert imported.returncode == 0, imported.stderr
    dry = vecmill("embed", "texts.txt", "--dry-run", "--json")
    assert dry.returncode == 0 and json.loads(dry.stdout)["tokens"] == expected, dry.stderr
    (vecmill.folder / "long.txt").write_text(f"before\n{'a ' * 40_000}\nbehind\n")
    done = vecmill("embed", "long.txt", "--out", "a.npy", "--truncate", "error")
    assert done.returncode == 3 and sorted(asked(fake)) == ["before", "behind"], done.stderr
    assert "40002 tokens" in (vecmill.folder / "a.failed.jsonl").read_text()
    done = vecmill("embed", "long.txt", "--out", "b.npy")
    assert done.returncode == 0 and "cut" in done.stderr, done.stderr
    assert len(words.encode(asked(fake)[-1]).ids) == 32_000 - 32  # and room for the words of the role
    (vecmill.folder / "tokenizer" / "tokenizer.json").write_text("{}")
    broken = subprocess.run([VECMILL, "import", "tokenizer", "--name", "voyageai/voyage-code-3"], cwd=vecmill.folder,
                            env=vecmill.env, capture_output=True, text=True, timeout=120)
    assert broken.returncode != 0 and "tokenizer.json" in broken.stderr
    assert vecmill("embed", "texts.txt", "--dry-run").returncode == 0
