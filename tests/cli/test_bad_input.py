"""Bad texts and bad places for vectors: one line with what, where and the way out, the right exit
code, and what was there before is still there."""

import json
import subprocess

import pytest

from conftest import files_of

# name, content, exit code, what the line must hold
TEXTS = [
    ("utf8.txt", b"good\nbad \xff\n", 7, ["utf8.txt:2", "byte 5 of the line", "iconv"]),
    ("utf8.jsonl", b'{"text":"a"}\n{"text":"\xc3("}\n', 7, ["utf8.jsonl:2", "UTF-8"]),
    ("utf8.csv", b"id,text\n1,good\n2,\xe9\n", 7, ["utf8.csv", "UTF-8"]),
    ("broken.jsonl", '{"text":"a"}\n{"text":"b"}\n{"text":\n', 7, ["broken.jsonl:3"]),
    ("list.jsonl", '["a"]\n', 7, ["list.jsonl:1"]),
    ("surrogate.jsonl", '{"text":"\\ud800"}\n', 7, ["surrogate.jsonl:1"]),
    ("type.jsonl", '{"text":"a"}\n{"text":7}\n', 7, ["type.jsonl:2", "text"]),
    ("missing.jsonl", '{"text":"a"}\n{"other":"b"}\n', 7, ["missing.jsonl:2", "no field", "text"]),
    ("unknown.jsonl", '{"x":"a","y":"b"}\n', 7, ["unknown.jsonl:1", "--text-field"]),
    ("twice.jsonl", '{"id":"q7","text":"a"}\n{"id":"q7","text":"b"}\n', 7, ["twice.jsonl:2", "q7", "twice"]),
    ("quote.csv", 'id,text\n1,"never closed\n', 7, ["quote.csv:2"]),
    ("columns.csv", "id,text\n1,a,b\n", 7, ["columns.csv:2"]),
    ("empty.txt", "", 7, ["empty.txt", "no text"]),
    ("empty.jsonl", "", 7, ["empty.jsonl", "no text"]),
    ("header.csv", "id,text\n", 7, ["header.csv", "no text"]),
    ("image.png", b"\x89PNG", 2, ["image.png", ".txt"]),
    ("folder/readme.png", b"\x89PNG", 7, ["folder", "no supported file"]),
]


def refused(answer, code: int, *parts: str) -> None:
    assert answer.code == code, answer
    assert answer.out == ""
    lines = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, answer.err
    for part in parts:
        assert part in lines[0]


@pytest.mark.parametrize("name, content, code, parts", TEXTS, ids=[t[0] for t in TEXTS])
def test_texts(vecmill, name, content, code, parts):
    vecmill.write(name, content)
    refused(vecmill.embed(name.split("/")[0]), code, *parts)
    assert not list(vecmill.folder.glob("out.*"))
    for out in ("out.jsonl", "out.db"):
        refused(vecmill.embed(name.split("/")[0], out), code, *parts)
    assert not list(vecmill.folder.glob("out.*"))


@pytest.mark.parametrize("name, content, code, parts", [t for t in TEXTS if "." in t[0].split("/")[0]][:-1])
def test_texts_from_standard_input(vecmill, name, content, code, parts):
    content = content if isinstance(content, bytes) else content.encode()
    answer = vecmill.embed("-", "out.npy", "--format", name.split(".")[1], stdin=content)
    assert (answer.code, answer.out) == (code, "")
    assert "stdin" in answer.err


def test_a_file_that_cannot_be_read(vecmill):
    refused(vecmill.embed("/proc/self/mem", "out.npy", "--format", "txt"), 8, "/proc/self/mem")


def test_a_line_of_more_than_the_limit(vecmill):
    with open(vecmill.folder / "long.txt", "wb") as file:
        file.write(b"short\n")
        file.truncate(1 << 30)  # one line of zeros, takes no disk
    refused(vecmill.embed("long.txt"), 7, "long.txt:2", "67108864 bytes", "split")


def test_the_folder_of_the_output_is_not_there(vecmill):
    vecmill.write("a.txt", "one\n")
    answer = vecmill.embed("a.txt", "none/out.npy")
    refused(answer, answer.code, "none")
    assert answer.code in (2, 8)


@pytest.mark.parametrize("out", ["out.npy", "out.jsonl", "out.db"])
def test_an_output_of_another_model_stays(vecmill, out):
    vecmill.write("a.txt", "one\ntwo\n")
    assert vecmill.embed("a.txt", out).code == 0
    before = files_of(vecmill.folder, "out")
    for more in (["--dims", "64"], ["--dims", "64", "--resume"]):
        refused(vecmill.embed("a.txt", out, *more), 7, out, "dim")
        assert files_of(vecmill.folder, "out") == before
    refused(vecmill.embed("a.txt", out), 2, out, "complete")
    assert files_of(vecmill.folder, "out") == before
    again = vecmill.embed("a.txt", out, "--resume")
    assert again.code == 0 and "nothing was done" in again.err
    assert files_of(vecmill.folder, "out") == before


@pytest.mark.parametrize("out", ["out.npy", "out.jsonl", "out.db"])
def test_a_file_of_somebody_else_stays(vecmill, out):
    vecmill.write("a.txt", "one\n")
    vecmill.write(out, "mine\n")
    answer = vecmill.embed("a.txt", out)
    refused(answer, answer.code, out)
    assert answer.code in (2, 7)
    assert (vecmill.folder / out).read_text() == "mine\n"


@pytest.mark.parametrize("name", ["out.npy", "out.jsonl", "out.db"])
def test_a_full_disk_and_going_on_when_there_is_room(vecmill, small_disk, name):
    vecmill.write("a.txt", "".join(f"text number {i}\n" for i in range(1000)))
    refused(vecmill.embed("a.txt", small_disk / name), 8, "disk/")
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    assert vecmill.embed("a.txt", small_disk / name, "--resume").code == 0
    assert vecmill.embed("a.txt", name).code == 0
    assert files_of(small_disk, "out") == files_of(vecmill.folder, "out")


def test_an_output_that_cannot_be_written(vecmill, small_disk):
    vecmill.write("a.txt", "one\n")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for name in ("out.npy", "out.jsonl", "out.db"):
        refused(vecmill.embed("a.txt", small_disk / name), 8, "disk/out.")


def test_failed_texts_are_listed_and_the_others_done(vecmill):
    lines = [{"id": str(i), "text": "" if i == 2 else f"text {i}"} for i in range(5)]
    vecmill.write("a.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    answer = vecmill.embed("a.jsonl", "out.npy", "--empty", "fail", "--json")
    assert answer.code == 3
    assert (answer.json["embedded"], answer.json["failed"]) == (4, 1)
    assert (vecmill.folder / "out.ids.txt").read_text() == '"0"\n"1"\n"3"\n"4"\n'
    failed = [json.loads(line) for line in (vecmill.folder / "out.failed.jsonl").read_text().splitlines()]
    assert [(f["id"], set(f)) for f in failed] == [("2", {"id", "kind", "message"})]
    skipped = vecmill.embed("a.jsonl", "skip.npy", "--empty", "skip", "--json")
    assert (skipped.code, skipped.json["embedded"], skipped.json["skipped"]) == (0, 4, 1)


def test_texts_that_are_too_long(vecmill):
    vecmill.write("a.txt", "a b c d e f g h\none\n")
    cut = vecmill.embed("a.txt", "cut.jsonl", "--max-seq-length", "4", "--json")
    assert cut.code == 0
    assert (cut.json["truncated_texts"], cut.json["truncated_tokens"]) == (1, 4)
    assert cut.json["truncated_ids"] == ["a.txt:1"] and "a.txt:1" in cut.err
    rows = [json.loads(line) for line in (vecmill.folder / "cut.jsonl").read_text().splitlines()]
    assert [row["truncated"] for row in rows] == [True, False]
    failed = vecmill.embed("a.txt", "fail.jsonl", "--max-seq-length", "4", "--truncate", "error", "--json")
    assert (failed.code, failed.json["embedded"], failed.json["failed"]) == (3, 1, 1)
    assert "too_long" in (vecmill.folder / "fail.failed.jsonl").read_text()
