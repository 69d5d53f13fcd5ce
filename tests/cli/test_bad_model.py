"""Broken model folders: refused with one line that names the file, before any output is made."""

import json
import shutil
import struct

import pytest

from conftest import ROOT

GOOD = ROOT / "tests/golden/models/bert-bare"
WEIGHTS = "model.safetensors"


def edit_json(name, change):
    def edit(folder):
        path = folder / name
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))
    return edit


def edit_header(change):
    """Changes the JSON header of the safetensors file, the data behind it stays."""
    def edit(folder):
        raw = (folder / WEIGHTS).read_bytes()
        size = struct.unpack("<Q", raw[:8])[0]
        header = json.loads(raw[8:8 + size])
        change(header)
        text = json.dumps(header).encode()
        (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(text)) + text + raw[8 + size:])
    return edit


def edit_bytes(change):
    def edit(folder):
        (folder / WEIGHTS).write_bytes(change((folder / WEIGHTS).read_bytes()))
    return edit


def tensors(header):
    return sorted(name for name in header if name != "__metadata__")


def overlap(header):
    one, two = tensors(header)[:2]
    begin, end = header[one]["data_offsets"]
    size = header[two]["data_offsets"][1] - header[two]["data_offsets"][0]
    header[two]["data_offsets"] = [begin, begin + size]


def beyond(header):
    header[tensors(header)[0]]["data_offsets"][1] += 1 << 40


def lose(header):
    name = "embeddings.word_embeddings.weight"
    header["embeddings.renamed"] = header.pop(name)


def not_a_number(raw):
    start = 8 + struct.unpack("<Q", raw[:8])[0]
    return raw[:start] + struct.pack("<f", float("nan")) + raw[start + 4:]


def lfs_pointer(folder):
    (folder / WEIGHTS).write_text("version https://git-lfs.github.com/spec/v1\n"
                                  f"oid sha256:{'0' * 64}\nsize 90868376\n")


def vocabulary_beyond_the_matrix(content):
    vocab = content["model"]["vocab"]
    vocab["beyond"] = 10 ** 6


# name, what is done to the folder, exit code, what the line must hold
BROKEN = [
    ("no config", lambda folder: (folder / "config.json").unlink(), (2, 7), "config.json"),
    ("broken config", lambda folder: (folder / "config.json").write_text("{"), (7,), "config.json"),
    ("no weights", lambda folder: (folder / WEIGHTS).unlink(), (2, 7), "safetensors"),
    ("no tokenizer", lambda folder: (folder / "tokenizer.json").unlink(), (2, 7), "tokenizer"),
    ("empty weights", edit_bytes(lambda raw: b""), (7,), WEIGHTS),
    ("truncated header", edit_bytes(lambda raw: raw[:100]), (7,), WEIGHTS),
    ("truncated data", edit_bytes(lambda raw: raw[:-1]), (7,), WEIGHTS),
    ("oversized header", edit_bytes(lambda raw: struct.pack("<Q", 1 << 62) + raw[8:]), (7,), WEIGHTS),
    ("overlapping tensors", edit_header(overlap), (7,), WEIGHTS),
    ("tensor beyond the file", edit_header(beyond), (7,), WEIGHTS),
    ("missing tensor", edit_header(lose), (7,), "word_embeddings"),
    ("not a number", edit_bytes(not_a_number), (7,), "NaN"),
    ("a pointer to the weights", lfs_pointer, (7,), "LFS"),
    ("config contradicts weights", edit_json("config.json", lambda c: c.update(hidden_size=64)), (7,), ""),
    ("more layers than weights", edit_json("config.json", lambda c: c.update(num_hidden_layers=9)), (7,), "layer"),
    ("unknown activation", edit_json("config.json", lambda c: c.update(hidden_act="swish9")), (7,), "swish9"),
    ("unknown architecture", edit_json("config.json", lambda c: c.update(model_type="mamba")), (7,), "mamba"),
    ("ids beyond the matrix", edit_json("tokenizer.json", vocabulary_beyond_the_matrix), (7,), "tokenizer"),
    ("unknown tokenizer", edit_json("tokenizer.json", lambda c: c["model"].update(type="Magic")), (7,), "Magic"),
    ("broken tokenizer", lambda folder: (folder / "tokenizer.json").write_text("[1"), (7,), "tokenizer.json"),
]


@pytest.mark.parametrize("break_it, codes, text", [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_broken_model_is_refused(vecmill, break_it, codes, text):
    folder = vecmill.folder / "model"
    shutil.copytree(GOOD, folder)
    break_it(folder)
    vecmill.write("a.txt", "one\n")
    for words in (["embed", "a.txt", "--model", folder, "--out", "out.npy"], ["import", folder, "--name", "x"]):
        answer = vecmill(*words)
        assert answer.code in codes, answer
        assert answer.out == "" and answer.err.startswith("error: ") and answer.err.count("\n") == 1, answer.err
        assert text in answer.err
    assert sorted(path.name for path in vecmill.folder.iterdir()) == ["a.txt", "model"]
    shown = vecmill("models", "show", "x")
    assert shown.code == 2 and "vecmill pull" in shown.err


def test_a_token_without_a_row_fails_only_its_texts(vecmill):
    folder = vecmill.folder / "model"
    shutil.copytree(GOOD, folder)

    def renumber(content):
        content["model"]["vocab"]["a"] = 10 ** 6
    edit_json("tokenizer.json", renumber)(folder)
    vecmill.write("a.txt", "o\na\nb\n")
    answer = vecmill("embed", "a.txt", "--model", folder, "--out", "out.npy", "--json")
    assert (answer.code, answer.json["embedded"], answer.json["failed"]) == (3, 2, 1), answer
    failed = json.loads((vecmill.folder / "out.failed.jsonl").read_text())
    assert failed["id"] == "a.txt:2" and "1000000" in failed["message"]
    assert failed["kind"] == "invalid_data"


@pytest.mark.parametrize("flag, text", [("--dims", "at most 32"), ("--max-seq-length", "64")])
def test_more_than_the_model_has(vecmill, flag, text):
    vecmill.write("a.txt", "one\n")
    answer = vecmill("embed", "a.txt", "--model", GOOD, "--out", "out.npy", flag, "1000")
    assert answer.code == 2 and answer.err.startswith(f"error: {flag}: ") and text in answer.err


def test_the_good_one_works(vecmill):
    vecmill.write("a.txt", "one\n")
    assert vecmill("embed", "a.txt", "--model", GOOD, "--out", "out.npy").code == 0
