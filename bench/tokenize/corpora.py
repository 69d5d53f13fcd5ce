"""What is tokenized, and with what: {name: (tokenizer.json, {corpus: texts})}. The tokenizer that
must be trained is trained once and kept in .cache/bench."""
import gzip
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
CACHE = ROOT / ".cache/bench"
TEXT_BYTES, CORPUS_BYTES = 1000, 8_000_000
PIECES = 50_000

sys.path.insert(0, str(ROOT / "tests/conformance"))
import models_under_test as shapes  # noqa: E402


def plain(page):
    """The prose of a manual page without most of its markup."""
    page = re.sub(r"^[.'].*\n|\\f[BIRP]|\\f\(..", "", page, flags=re.M)
    return re.sub(r"\\\((?:em|en|aq|cq|oq)|\\-", "-", page).replace("\\", "")


def texts_of(pages, limit):
    """About `limit` bytes in texts of about TEXT_BYTES."""
    texts, text, held = [], [], 0
    for page in pages:
        for line in plain(page).split("\n"):
            text.append(line)
            held += len(line.encode()) + 1
            if held >= TEXT_BYTES:
                texts.append("\n".join(text))
                limit -= held
                text, held = [], 0
                if limit <= 0:
                    return texts
    return texts


def english():
    """The manual of the C library and the kernel; unpacked, not installed."""
    folder = CACHE / "manpages-dev"
    if not folder.exists():
        part = CACHE / "manpages.part"
        part.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "-qq", "download", "manpages-dev", "manpages"], cwd=part,
                       check=True)
        for package in part.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, part], check=True)
        part.rename(folder)
    for page in sorted(folder.glob("usr/share/man/man*/*.gz")):
        yield gzip.open(page, "rt", encoding="utf-8", errors="replace").read()


def many_languages():
    files = sorted((ROOT / ".cache/corpus").glob("*.txt"))
    share = CORPUS_BYTES // len(files)
    for file in files:
        yield file.read_bytes()[:share].decode("utf-8", errors="ignore")


def train(path):
    shapes.sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(line for line in shapes.corpus(4) if "\0" not in line),
        model_prefix=str(path), vocab_size=PIECES, model_type="unigram",
        normalization_rule_name="nmt_nfkc", character_coverage=0.9995, minloglevel=2)
    shutil.move(f"{path}.model", path)
    pathlib.Path(f"{path}.vocab").unlink()


def unigram():
    """As XLM-RoBERTa's: the nmt_nfkc map, Metaspace, a vocabulary of many languages."""
    CACHE.mkdir(parents=True, exist_ok=True)
    model, json = CACHE / "unigram.model", CACHE / "unigram.json"
    if not model.exists():
        train(model)
    if not json.exists():
        collapse = shapes.normalizers.Replace(shapes.Regex(" {2,}"), " ")
        words = shapes.pre_tokenizers.Metaspace("▁", prepend_scheme="always", split=True)
        shapes.unigram(model, [collapse], words)(json)
    return json


def all_cases(minilm):
    corpora = {"English": texts_of(english(), CORPUS_BYTES),
               "24 languages": texts_of(many_languages(), CORPUS_BYTES)}
    return {"WordPiece (MiniLM)": (minilm, corpora),
            f"Unigram ({PIECES // 1000}k pieces)": (unigram(), corpora)}
