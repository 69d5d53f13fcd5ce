"""What each command gives: the JSON shapes that scripts rely on, and the files."""

import json
import pathlib
import shutil
import sqlite3
import subprocess

import numpy as np
import pytest

from conftest import MODEL, ROOT
from webhook import SECRET, Hook

TINY = ROOT / "tests/golden/models/bert-bare"
ARITHMETICS = {"f32": "f32/1", "bf16": "bf16/2", "int8": "int8/3", "int8-compact": "int8-compact/3"}
NOTES = "".join(json.dumps({"id": f"n{i}", "text": text, "tag": i}) + "\n" for i, text in enumerate(
    ["git reset --soft HEAD~1 undoes the last commit and keeps the changes", "bread rises for two hours",
     "the wheel of the mill turns", "", "how to prune an apple tree"]))

EMBED_KEYS = {"schema", "out", "model", "space", "arithmetic", "dims", "embedded", "failed", "skipped", "empty",
              "resumed", "tokens", "truncated_texts", "truncated_tokens", "truncated_ids", "seconds",
              "load_seconds", "peak_rss_bytes", "was_complete", "cache", "spend", "fallback", "shared", "notes"}


@pytest.fixture
def notes(vecmill):
    return vecmill.write("notes.jsonl", NOTES)


def test_embed_json(vecmill, notes):
    report = vecmill.embed(notes, "out.npy", "--json").json
    assert set(report) == EMBED_KEYS and report["schema"] == "vecmill.embed.v1"
    assert (report["embedded"], report["empty"], report["was_complete"]) == (5, 1, False)
    assert set(vecmill.embed(notes, "out.npy", "--json", "--resume").json) == EMBED_KEYS


def test_the_memory_of_a_run_is_its_own(vecmill, notes):
    """Not that of whoever started it, which the system's account of a process begins with."""
    held = b"x" * (600 << 20)
    report = json.loads(vecmill("embed", notes, "--model", "builtin:hash", "--out", "o.npy", "--json").out)
    assert len(held) > 2 * report["peak_rss_bytes"]


def test_a_webhook_hears_how_far_a_run_is_and_how_it_ended(vecmill, notes):
    with Hook() as hook:
        told = {"env": {"SECRET": SECRET, "no_proxy": "127.0.0.1"}}
        words = ("--alert-webhook", hook.url, "--alert-secret-env", "SECRET", "--alert-progress", "1s")
        assert vecmill("embed", notes, "--model", "builtin:hash", "--out", "out.npy", *words, **told).code == 0
        assert vecmill("embed", "nosuch.jsonl", "--model", "builtin:hash", "--out", "x.npy", *words, **told).code == 2
    ended, failed = hook.heard
    assert (ended["alert"], ended["out"], ended["embedded"], ended["failed"]) == ("run_ended", "out.npy", 5, 0)
    assert (failed["alert"], failed["out"]) == ("run_failed", "x.npy") and "nosuch.jsonl" in failed["text"]
    assert "bread" not in json.dumps(hook.heard)
    answer = vecmill("embed", notes, "--model", "builtin:hash", "--out", "y.npy", "--alert-progress", "1s")
    assert answer.code == 2 and "no webhook" in answer.err


def test_dry_run_counts_and_writes_nothing(vecmill, notes):
    count = vecmill("embed", notes, "--model", "builtin:hash", "--dry-run", "--json").json
    assert set(count) == {"schema", "texts", "tokens", "empty", "truncated_texts", "truncated_tokens"}
    assert (count["texts"], count["empty"]) == (5, 1)
    assert "5 texts" in vecmill.embed(notes, "out.npy", "--dry-run").out
    assert [path.name for path in vecmill.folder.iterdir()] == ["notes.jsonl"]


@pytest.mark.parametrize("store, dtype", [("f32", "<f4"), ("f16", "<f2")])
def test_the_three_outputs_hold_the_same(vecmill, notes, store, dtype):
    for out in ("a.npy", "b.jsonl", "c.db"):
        assert vecmill.embed(notes, out, "--store", store, "--dims", "16").code == 0
    vectors = np.load(vecmill.folder / "a.npy")
    assert vectors.shape == (5, 16) and vectors.dtype == dtype
    ids = [json.loads(line) for line in (vecmill.folder / "a.ids.txt").read_text().splitlines()]
    assert ids == [f"n{i}" for i in range(5)]
    rows = [json.loads(line) for line in (vecmill.folder / "b.jsonl").read_text().splitlines()]
    assert [(row["id"], row["truncated"], row["metadata"]) for row in rows] == \
        [(f"n{i}", False, {"tag": i}) for i in range(5)]
    assert np.array_equal(np.array([row["vector"] for row in rows], dtype), vectors)
    with sqlite3.connect(vecmill.folder / "c.db") as db:
        found = db.execute("SELECT id, vector, dims, dtype, truncated, metadata FROM vectors ORDER BY rowid")
        for i, (name, vector, dims, kind, truncated, metadata) in enumerate(found):
            assert (name, dims, kind, truncated, json.loads(metadata)) == (f"n{i}", 16, store, 0, {"tag": i})
            assert np.array_equal(np.frombuffer(vector, dtype), vectors[i])


@pytest.mark.parametrize("flags", [["--threads", "1"], ["--threads", "3"], ["--batch-size", "1"],
                                   ["--batch-size", "7", "--device", "auto"]], ids=" ".join)
def test_flags_that_change_no_byte(vecmill, notes, flags):
    assert vecmill.embed(notes, "a.npy").code == 0
    assert vecmill.embed(notes, "b.npy", *flags).code == 0
    assert (vecmill.folder / "a.npy").read_bytes() == (vecmill.folder / "b.npy").read_bytes()


def test_inputs_of_every_kind(vecmill):
    texts = ["one fish", "two fish"]
    vecmill.write("in/a.txt", "\n".join(texts) + "\n")
    vecmill.write("b.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in texts))
    vecmill.write("c.csv", "nr,body\n" + "".join(f"{i},\"{text}\"\n" for i, text in enumerate(texts)))
    vecmill.write("d.tsv", "nr\tbody\n" + "".join(f"{i}\t{text}\n" for i, text in enumerate(texts)))
    piped = "\n".join(texts).encode()
    runs = {"a": ["in"], "b": ["b.jsonl"], "c": ["c.csv", "--text-field", "body", "--id-field", "nr"],
            "d": ["d.tsv", "--text-field", "body"], "e": ["-"], "f": ["-", "--format", "txt"]}
    for out, words in runs.items():
        answer = vecmill("embed", *words, "--model", "builtin:hash", "--out", f"{out}.npy", stdin=piped)
        assert answer.code == 0, answer
        assert np.array_equal(np.load(vecmill.folder / f"{out}.npy"), np.load(vecmill.folder / "a.npy")), out
    assert (vecmill.folder / "c.ids.txt").read_text() == '"0"\n"1"\n'
    whole = vecmill("embed", "in/a.txt", "--whole-file", "--model", "builtin:hash", "--out", "g.npy", "--json")
    assert whole.json["embedded"] == 1


@pytest.mark.parametrize("out", ["out.npy", "out.jsonl", "out.db"])
def test_query_ranks(vecmill, notes, out):
    assert vecmill.embed(notes, out, "--dims", "64").code == 0
    answer = vecmill("query", "the wheel of the mill", "--index", out, "-k", "2", "--json").json
    assert set(answer) == {"schema", "model", "hits"} and answer["schema"] == "vecmill.query.v1"
    assert [set(hit) for hit in answer["hits"]] == [{"id", "score"}] * 2
    assert answer["hits"][0]["id"] == "n2"
    first = vecmill("query", "the wheel of the mill", "--index", out).out.splitlines()[0].split("\t")
    assert (first[0], first[2]) == ("1", "n2")
    assert vecmill("query", "the wheel of the mill", "--index", out, "-q", "-k", "1").out == "n2\n"


@pytest.mark.parametrize("flags", [["--dims", "8"], ["--max-seq-length", "4"], ["--truncate", "start"],
                                   ["--role", "none"], ["--store", "f16"]], ids=" ".join)
def test_the_index_knows_how_it_was_made(vecmill, notes, flags):
    for model in ("builtin:hash", TINY):
        out = f"{len(str(model))}.npy"
        assert vecmill("embed", notes, "--model", model, "--out", out, *flags).code == 0
        answer = vecmill("query", "the wheel of the mill turns", "--index", out, "-q", "-k", "1")
        assert (answer.code, answer.out) == (0, "n2\n"), answer


def test_query_refuses_another_space(vecmill, notes):
    assert vecmill.embed(notes, "out.npy", "--dims", "64").code == 0
    answer = vecmill("query", "x", "--index", "out.npy", "--dims", "32", "--json")
    assert answer.code == 7 and answer.error["code"] == "mismatch" and answer.error["hint"]


def test_completion_scripts(vecmill):
    for shell in ("bash", "zsh", "fish"):
        script = vecmill("completion", shell).out
        assert "embed" in script and "max-seq-length" in script
        if shutil.which(shell):
            assert subprocess.run([shell, "-n"], input=script, text=True, capture_output=True).stderr == ""
    script = vecmill("completion", "bash").out

    def complete(*words: str) -> list[str]:
        function = [x.split()[-2] for x in script.splitlines() if x.startswith("complete ")]
        ask = f"{script}\nCOMP_WORDS=({' '.join(map(repr, words))}); COMP_CWORD={len(words) - 1}; " \
              f"{function[0]} vecmill '{words[-1]}' '{words[-2]}'; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        return subprocess.run(["bash", "-c", ask], text=True, capture_output=True, check=True).stdout.split()

    assert complete("vecmill", "emb") == ["embed"]
    assert complete("vecmill", "embed", "--max-s") == ["--max-seq-length"]
    assert complete("vecmill", "embed", "--truncate", "e") == ["end", "error"]
    assert complete("vecmill", "models", "v") == ["verify"]


def test_doctor(vecmill):
    answer = vecmill("doctor", "--json")
    facts = answer.json["facts"]
    assert answer.code == (0 if answer.json["good"] else 1)
    assert all(set(fact) == {"name", "value", "good", "hint"} for fact in facts)
    assert {"version", "processor", "instruction set", "threads", "memory", "store", "models"} <= \
        {fact["name"] for fact in facts}
    assert all(fact["hint"] for fact in facts if not fact["good"])


# With real weights.


def test_the_model_from_import_to_query(vecmill, model, tmp_path):
    vecmill.env["VECMILL_HOME"] = str(tmp_path / "home")
    answer = vecmill("import", model, "--name", "all-MiniLM-L6-v2", "--json")
    assert answer.code == 0 and answer.json["name"] == "all-MiniLM-L6-v2", answer
    assert vecmill("models", "ls", "-q").out.split() == ["all-MiniLM-L6-v2"]
    assert [set(x) for x in vecmill("models", "ls", "--json").json] == [{"name", "revision", "folder", "origin"}]
    shown = vecmill("models", "show", "all-MiniLM-L6-v2", "--json").json
    assert (shown["dims"], shown["max_tokens"], shown["layers"], shown["vocab"]) == (384, 256, 6, 30522)
    assert vecmill("models", "show", "all-MiniLM-L6-v2").code == 0
    verified = vecmill("models", "verify", "all-MiniLM-L6-v2", "--json")
    assert verified.code == 0 and verified.json["problems"] == [] and verified.json["files"] > 3
    notes = vecmill.write("notes.jsonl", NOTES)
    embedded = vecmill("embed", notes, "--out", "notes.npy", "--json")  # the default model is this one
    assert embedded.code == 0 and embedded.json["model"] == "all-MiniLM-L6-v2", embedded
    hits = vecmill("query", "how do I undo a commit", "--index", "notes.npy", "--json").json["hits"]
    assert hits[0]["id"] == "n0" and len(hits) == 5
    weights = next((tmp_path / "home").rglob("model.safetensors")).resolve()
    with open(weights, "r+b") as file:
        file.seek(-1, 2)
        byte = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([byte[0] ^ 1]))
    flipped = vecmill("models", "verify", "all-MiniLM-L6-v2", "--json")
    assert flipped.code == 1 and "model.safetensors" in flipped.json["problems"][0]
    assert vecmill("models", "rm", "all-MiniLM-L6-v2", "--yes").code == 0
    assert vecmill("models", "ls", "--json").json == []


def test_tokenize_is_what_the_library_gives(vecmill, model):
    tokenizers = pytest.importorskip("tokenizers")
    reference = tokenizers.Tokenizer.from_file(f"{model}/tokenizer.json")
    reference.no_truncation()
    reference.no_padding()
    texts = ["Hello, Wörld!", "", "  spaces  ", "日本語 text", "a" * 300]
    vecmill.write("a.txt", "\n".join(texts) + "\n")
    expected = [reference.encode(text).ids for text in texts]
    for words, stdin in ((["a.txt"], b""), ([], ("\n".join(texts) + "\n").encode())):
        answer = vecmill("tokenize", *words, "--model", model, "--ids-only", stdin=stdin)
        assert [list(map(int, line.split())) for line in answer.out.splitlines()] == expected
    records = [json.loads(x) for x in vecmill("tokenize", "a.txt", "--model", model, "--json").out.splitlines()]
    assert [record["ids"] for record in records] == expected
    assert records[0]["tokens"] == reference.encode(texts[0]).tokens and set(records[0]) == {"id", "ids", "tokens"}


def test_an_interrupted_first_use_leaves_no_broken_packed_file(vecmill, model, tmp_path):
    vecmill.write("a.txt", "one text\n")
    vecmill.env["VECMILL_HOME"] = str(tmp_path / "home")
    words = ["embed", "a.txt", "--model", model, "--out"]
    process = vecmill.start(*words, "x.npy")
    while process.poll() is None and not list((tmp_path / "home").rglob("*vecmill*")):
        pass
    process.kill()
    process.communicate()
    assert vecmill(*words, "y.npy").code == 0
    assert vecmill(*words, "z.npy").code == 0
    assert (vecmill.folder / "y.npy").read_bytes() == (vecmill.folder / "z.npy").read_bytes()


def test_a_bare_name_of_two_models_lists_both(vecmill, tmp_path):
    vecmill.env["VECMILL_HOME"] = str(tmp_path / "home")
    for name in ("me/tiny", "you/tiny"):
        assert vecmill("import", TINY, "--name", name).code == 0
    assert sorted(vecmill("models", "ls", "-q").out.split()) == ["me/tiny", "you/tiny"]
    answer = vecmill("models", "show", "tiny")
    assert answer.code == 2 and "me/tiny" in answer.err and "you/tiny" in answer.err
    assert vecmill("models", "rm", "me/tiny", "--yes").code == 0
    assert vecmill("models", "show", "tiny", "--json").json["name"] == "you/tiny"


@pytest.mark.parametrize("kind", ["folder", "zip", "whl"])
def test_import_of_every_kind(vecmill, tmp_path, kind):
    vecmill.env["VECMILL_HOME"] = str(tmp_path / "home")
    source = TINY
    if kind != "folder":
        made = shutil.make_archive(str(vecmill.folder / "tiny_model-1.0-py3-none-any"), "zip", TINY.parent, TINY.name)
        source = pathlib.Path(made).rename(pathlib.Path(made).with_suffix("." + kind))
    answer = vecmill("import", source, "--json")
    assert answer.code == 0, answer
    name = {"folder": TINY.name, "zip": "tiny_model-1.0-py3-none-any", "whl": "tiny_model"}[kind]
    assert answer.json["name"] == name
    again = vecmill("import", source, "--json")
    assert again.json == answer.json
    vecmill.write("a.txt", "one\n")
    assert vecmill("embed", "a.txt", "--model", name, "--out", "stored.npy").code == 0
    assert vecmill("embed", "a.txt", "--model", TINY, "--out", "folder.npy").code == 0
    assert (vecmill.folder / "stored.npy").read_bytes() == (vecmill.folder / "folder.npy").read_bytes()


def test_an_index_finds_its_model_from_another_folder(vecmill):
    shutil.copytree(TINY, vecmill.folder / "tiny")
    vecmill.write("a.txt", "one\ntwo\n")
    assert vecmill("embed", "a.txt", "--model", "./tiny", "--out", "out.npy").code == 0
    inner = vecmill.folder / "inner"
    inner.mkdir()
    vecmill.folder = inner
    answer = vecmill("query", "one", "--index", "../out.npy", "-q")
    assert answer.code == 0 and answer.out.split()[0] == "a.txt:1", answer


def test_bench_measures_up_to_the_limit_of_the_model(vecmill):
    model = TINY
    found = vecmill("bench", "--model", model, "--max-seq-length", "40", "--json").json
    assert found["schema"] == "vecmill.bench.v1" and found["dims"] > 0 and found["threads"] >= 1
    for row, least in zip(found["latency"], [8, 16, 32], strict=True):
        assert least <= row["tokens"] <= 40
        assert 0 < row["median_seconds"] <= row["p95_seconds"]
    assert [row["batch_size"] for row in found["throughput"]] == [0, 1, 8, 32, 128]
    assert all(row["tokens_per_second"] > row["texts_per_second"] > 0 for row in found["throughput"])
    assert 8 <= found["mean_tokens"] <= 40 and found["peak_rss_bytes"] > 1_000_000
    assert found["best_batch_size"] in (0, 1, 8, 32, 128)
    assert found["limit"] > 0 and all(row["share_of_limit"] > 0 for row in found["latency"])


@pytest.mark.parametrize("dtype", ARITHMETICS)
def test_bench_knows_the_limit_of_each_number_format(vecmill, dtype):
    found = vecmill("bench", "--model", TINY, "--max-seq-length", "8", "--dtype", dtype, "--json").json
    assert found["limit_dtype"] == dtype and found["limit"] > 0
    assert all(row["share_of_limit"] > 0 for row in found["throughput"])


def test_bench_takes_a_limit_of_a_few_tokens(vecmill):
    found = vecmill("bench", "--model", TINY, "--max-seq-length", "4", "--json").json
    assert [row["tokens"] for row in found["latency"]] == [4] and found["mean_tokens"] == 4


def test_bench_prints_a_table_and_takes_no_files(vecmill):
    answer = vecmill("bench", "--model", "builtin:hash")
    assert answer.code == 0 and "builtin:hash" in answer.out and "by tokens" in answer.out
    assert vecmill("bench", "notes.txt").code == 2


@pytest.mark.packs_int8
def test_other_arithmetics_are_close_to_f32_and_the_index_knows_them(vecmill):
    vecmill.write("a.txt", "one\ntwo words\nthree words here\n")
    for dtype in ARITHMETICS:
        answer = vecmill("embed", "a.txt", "--model", MODEL, "--dtype", dtype, "--out", f"{dtype}.npy", "--json")
        assert answer.code == 0 and answer.json["arithmetic"] == ARITHMETICS[dtype], answer
    checks = {row["dtype"]: row for row in vecmill("models", "verify", MODEL, "--against", "f32", "--json").json}
    assert set(checks) == set(ARITHMETICS) - {"f32"} and all(row["speed"] > 0 for row in checks.values())
    assert 0.9999 < checks["bf16"]["least_cosine"] < checks["bf16"]["mean_cosine"] < 1
    for dtype in ("int8", "int8-compact"):
        assert 0.99 < checks[dtype]["least_cosine"] < checks[dtype]["mean_cosine"] < 1
    assert "cosine to f32 0.9999" in vecmill("models", "verify", MODEL, "--against", "f32").out
    exact = np.load(vecmill.folder / "f32.npy")
    for dtype, least in (("bf16", 0.9999), ("int8", 0.99), ("int8-compact", 0.99)):
        close = np.load(vecmill.folder / f"{dtype}.npy")
        assert least < (exact * close).sum(axis=1).min() < 0.9999999
        hits = vecmill("query", "two words", "--index", f"{dtype}.npy", "-k", "1", "--json").json["hits"]
        assert hits[0]["id"] == "a.txt:2" and hits[0]["score"] > 0.999999, hits


@pytest.mark.parametrize("dtype", ["bf16", "int8", "int8-compact"])
def test_other_arithmetics_have_the_same_bits_on_every_instruction_set(vecmill, dtype):
    vecmill.write("a.txt", "one\ntwo words\n")
    found = set()
    for isa in ("portable", "auto"):
        if isa == "portable":
            vecmill.env["VECMILL_ISA"] = isa
        answer = vecmill("embed", "a.txt", "--model", TINY, "--dtype", dtype, "--out", f"{isa}.npy")
        assert answer.code == 0, answer
        found.add((vecmill.folder / f"{isa}.npy").read_bytes())
        vecmill.env.pop("VECMILL_ISA", None)
    assert len(found) == 1


def test_another_arithmetic_is_not_mixed_in(vecmill):
    vecmill.write("a.txt", "one\n")
    assert vecmill("embed", "a.txt", "--model", TINY, "--dtype", "int8", "--out", "x.npy").code == 0
    before = (vecmill.folder / "x.npy").read_bytes()
    for more in ((), ("--resume",)):
        for dtype in ("f32", "bf16"):
            answer = vecmill("embed", "a.txt", "--model", TINY, "--dtype", dtype, "--out", "x.npy", *more)
            assert answer.code == 7 and "int8/3" in answer.err and ARITHMETICS[dtype] in answer.err, answer
            assert (vecmill.folder / "x.npy").read_bytes() == before


def test_a_run_goes_on_in_the_arithmetic_it_began_with(vecmill):
    vecmill.write("a.txt", "one\n")
    for dtype in ARITHMETICS:
        for out in (f"{dtype}.npy", f"{dtype}-too.db"):
            assert vecmill("embed", "a.txt", "--model", TINY, "--dtype", dtype, "--out", out).code == 0
            answer = vecmill("embed", "a.txt", "--model", TINY, "--out", out, "--resume", "--json")
            assert answer.code == 0 and answer.json["was_complete"], answer
            assert answer.json["arithmetic"] == ARITHMETICS[dtype], answer


@pytest.mark.packs_int8
@pytest.mark.parametrize("dtype", ["int8", "int8-compact"])
def test_show_tells_what_int8_leaves_in_f32(vecmill, model, tmp_path, dtype):
    vecmill.env["VECMILL_HOME"] = str(tmp_path / "own-home")
    vecmill.write("a.txt", "one\n")
    assert vecmill("models", "show", model, "--json").json["int8_share"] == 0
    assert vecmill("embed", "a.txt", "--model", model, "--dtype", dtype, "--out", "a.npy").code == 0
    shown = vecmill("models", "show", model, "--json").json
    assert 0.95 <= shown["int8_share"] < 1, shown
    kept = {one["matrix"]: one["inputs"] for one in shown["int8_outliers"]}
    assert kept["layer.0.qkv"] > 0 and all(inputs <= 32 for inputs in kept.values()), kept
    line, = [line for line in vecmill("models", "show", model).out.splitlines() if line.startswith("int8")]
    assert f"{sum(kept.values())} inputs of {len(kept)} matrices stand out" in line.replace(",", "")


def test_auto_is_measured_once_and_then_kept(vecmill, model, tmp_path):
    """Whatever this processor is fast at: the choice is on record, is told, and holds for the query."""
    vecmill.env["VECMILL_HOME"] = str(tmp_path / "own-home")
    vecmill.write("a.txt", "one\ntwo words\nthree words here\n")
    assert vecmill("models", "show", model, "--json").json["auto_dtype"] == ""
    first = vecmill("embed", "a.txt", "--model", model, "--out", "auto.npy", "--json")
    assert first.code == 0, first
    kept, = (tmp_path / "own-home" / "packed").glob("*.auto.json")
    before = kept.read_bytes()
    chosen = json.loads(before)
    fast, exact = chosen["speed"] >= 1.1, chosen["least_cosine"] >= 0.9999
    assert chosen["dtype"] == ("bf16" if fast and exact else "f32") and (exact or not fast), chosen
    assert first.json["arithmetic"] == ARITHMETICS[chosen["dtype"]]
    shown = vecmill("models", "show", model, "--json").json
    assert (shown["auto_dtype"], shown["bf16_speed"]) == (chosen["dtype"], pytest.approx(chosen["speed"]))
    assert chosen["dtype"] + " by --dtype auto" in vecmill("models", "show", model).out
    by_name = vecmill("embed", "a.txt", "--model", model, "--out", "name.npy", "--dtype", chosen["dtype"])
    again = vecmill("embed", "a.txt", "--model", model, "--out", "again.npy")
    assert by_name.code == again.code == 0 and kept.read_bytes() == before
    assert len({(vecmill.folder / f"{out}.npy").read_bytes() for out in ("auto", "name", "again")}) == 1
    hits = vecmill("query", "two words", "--index", "auto.npy", "-k", "1", "--json").json["hits"]
    assert hits[0]["id"] == "a.txt:2" and hits[0]["score"] > 0.999999, hits


@pytest.mark.packs_int8
def test_with_little_memory_the_same_vectors_and_with_too_little_none(vecmill, model):
    vecmill.write("a.txt", "".join(f"word {'and more ' * (n * 7 % 90)}\n" for n in range(60)))
    embed = ("embed", "a.txt", "--model", model, "--dtype", "int8", "--out")
    assert vecmill(*embed, "much.npy").code == 0
    refused = vecmill(*embed, "no.npy", "--max-memory", "80MB")
    assert refused.code == 2 and "--max-memory: " in refused.err and "may use 80 MB" in refused.err, refused
    assert not list(vecmill.folder.glob("no.*"))
    little = vecmill(*embed, "little.npy", "--max-memory", "100MB")
    assert little.code == 0, little
    assert len({(vecmill.folder / f"{out}.npy").read_bytes() for out in ("much", "little")}) == 1


def test_what_was_never_packed_is_not_compared(vecmill, tmp_path):
    vecmill.env["VECMILL_HOME"] = str(tmp_path / "own-home")
    answer = vecmill("models", "verify", TINY, "--against", "f32")
    assert answer.code == 0 and answer.out == "" and "has not been used here but in f32" in answer.err, answer
    assert vecmill("models", "verify", TINY, "--against", "int8").code == 2


def test_a_choice_that_cannot_be_read_is_made_anew(vecmill, model, tmp_path):
    vecmill.env["VECMILL_HOME"] = str(tmp_path / "own-home")
    vecmill.write("a.txt", "one\n")
    assert vecmill("embed", "a.txt", "--model", model, "--out", "a.npy").code == 0
    kept, = (tmp_path / "own-home" / "packed").glob("*.auto.json")
    kept.write_bytes(kept.read_bytes()[:20])
    assert vecmill("embed", "a.txt", "--model", model, "--out", "b.npy").code == 0
    assert json.loads(kept.read_bytes())["dtype"] in ("f32", "bf16")


def test_other_arithmetics_need_layers(vecmill):
    vecmill.write("a.txt", "one\n")
    static = TINY.parent / "static-embedding"
    for dtype in ("bf16", "int8"):
        answer = vecmill("embed", "a.txt", "--model", static, "--dtype", dtype, "--out", "x.npy")
        assert answer.code == 2 and "--dtype" in answer.err, answer
    assert vecmill("embed", "a.txt", "--model", TINY, "--dtype", "int7", "--out", "x.npy").code == 2
