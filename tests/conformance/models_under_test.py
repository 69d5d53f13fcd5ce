"""Whole tokenizers as models ship them: {name: path}. What needs training is trained once, on the
corpus, and kept in .cache/conformance."""
import json
import os
import pathlib
import shutil

import sentencepiece
import tiktoken
import tiktoken.load
import tiktoken_ext.openai_public
from tokenizers import (AddedToken, Regex, Tokenizer, models, normalizers,
                        pre_tokenizers, processors, trainers)

ROOT = pathlib.Path(__file__).parents[2]
CACHE = ROOT / ".cache/conformance"
XLMR_SPECIALS = ["<s>", "<pad>", "</s>", "<unk>"]

GPT4 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = GPT4.replace(r"\p{N}{1,3}", r"\p{N}")
CLIP = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def corpus(step):
    for file in sorted((ROOT / ".cache/corpus").glob("*.txt")):
        yield from file.read_text("utf-8", errors="replace").split("\n")[::step]


def kept(name, make):
    path = CACHE / name
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        part = path.with_name("part." + name)
        make(part)
        part.rename(path)
    return path


def trained(model, trainer, normalizer, pre_tokenizer, post=None):
    def make(path):
        tokenizer = Tokenizer(model)
        if normalizer:
            tokenizer.normalizer = normalizer
        tokenizer.pre_tokenizer = pre_tokenizer
        tokenizer.train_from_iterator(corpus(40), trainer)
        if post:
            tokenizer.post_processor = post(tokenizer)
        tokenizer.save(str(path))
    return make


def edited(source, **changes):
    def make(path):
        spec = json.loads(source.read_text())
        spec.update(changes)
        path.write_text(json.dumps(spec))
    return make


def protobuf_field(data, wanted):
    """The bytes of the last length-delimited field `wanted`."""
    at, found = 0, b""

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(data):
        key = varint()
        if key & 7 == 2:
            size = varint()
            if key >> 3 == wanted:
                found = data[at:at + size]
            at += size
        elif key & 7 == 0:
            varint()
        else:
            at += 4 if key & 7 == 5 else 8
    return found


def charsmap(sentencepiece_model):
    return protobuf_field(protobuf_field(sentencepiece_model.read_bytes(), 3), 2)


def train_sentencepiece(path):
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(line for line in corpus(20) if "\0" not in line),
        model_prefix=str(path), vocab_size=8000, model_type="unigram",
        normalization_rule_name="nmt_nfkc", character_coverage=0.9995, minloglevel=2)
    shutil.move(f"{path}.model", path)
    pathlib.Path(f"{path}.vocab").unlink()


def unigram(source, normalizer, pre_tokenizer):
    """What Hugging Face makes of a SentencePiece model of the XLM-RoBERTa family, in memory."""
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(source))
    vocab = [(token, 0.0) for token in XLMR_SPECIALS]
    vocab += [(pieces.id_to_piece(i), pieces.get_score(i)) for i in range(3, len(pieces))]
    vocab.append(("<mask>", 0.0))
    tokenizer = Tokenizer(models.Unigram(vocab, unk_id=3))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(charsmap(source)), *normalizer])
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.add_special_tokens(XLMR_SPECIALS + [AddedToken("<mask>", lstrip=True)])
    tokenizer.post_processor = processors.TemplateProcessing(
        "<s> $A </s>", "<s> $A </s> </s> $B </s>", [("<s>", 0), ("</s>", 2)])
    return tokenizer


def saved(tokenizer):
    return lambda path: tokenizer.save(str(path))


def from_converter(source):
    """As transformers converts it when there is no tokenizer.json."""
    return unigram(source, [normalizers.Strip(left=False, right=True),
                            normalizers.Replace(Regex(" {2,}"), "▁")], pre_tokenizers.Metaspace())


def roberta_post(tokenizer):
    return processors.RobertaProcessing(("</s>", tokenizer.token_to_id("</s>")),
                                        ("<s>", tokenizer.token_to_id("<s>")), trim_offsets=True)


def byte_level(pattern=None, **options):
    trainer = trainers.BpeTrainer(vocab_size=8000, special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                  show_progress=False)
    split = pre_tokenizers.ByteLevel(add_prefix_space=False, **options)
    if pattern:
        split = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    return trained(models.BPE(), trainer, normalizers.NFC() if pattern else None, split,
                   roberta_post)


def llama_bpe():
    trainer = trainers.BpeTrainer(vocab_size=6000, show_progress=False, special_tokens=[
        "<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256))])
    return trained(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True), trainer,
                   normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]),
                   pre_tokenizers.Split("\n", "isolated"))


def clip_bpe():
    trainer = trainers.BpeTrainer(vocab_size=4000, show_progress=False, end_of_word_suffix="</w>",
                                  special_tokens=["<|endoftext|>"], limit_alphabet=400)
    return trained(
        models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"), trainer,
        normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "),
                              normalizers.Lowercase()]),
        pre_tokenizers.Split(Regex(CLIP), "removed", invert=True))


def word_level():
    trainer = trainers.WordLevelTrainer(vocab_size=5000, special_tokens=["[UNK]"],
                                        show_progress=False)
    return trained(models.WordLevel(unk_token="[UNK]"), trainer, normalizers.NFKC(),
                   pre_tokenizers.Whitespace())


def multilingual_word_piece():
    trainer = trainers.WordPieceTrainer(vocab_size=12000, show_progress=False,
                                        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    return trained(models.WordPiece(unk_token="[UNK]"), trainer,
                   normalizers.BertNormalizer(lowercase=False),
                   pre_tokenizers.BertPreTokenizer(),
                   lambda t: processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2)))


def whole_models():
    """{name: path}; the paths of the first few are files that models really ship."""
    minilm = ROOT / ".cache/models/all-MiniLM-L6-v2/tokenizer.json"
    spm = kept("sentencepiece.bpe.model", train_sentencepiece)
    meta = pre_tokenizers.Metaspace()
    collapse = normalizers.Replace(Regex(" {2,}"), " ")
    words = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), meta])
    cased = kept("cased.json", multilingual_word_piece())
    return {
        "MiniLM": minilm,
        "mpnet": ROOT / "tests/golden/models/mpnet/tokenizer.json",
        "WordPiece cased": cased,
        "Unigram bge-m3": kept("bge-m3.json", saved(unigram(spm, [collapse], meta))),
        "Unigram xlm-r": kept("xlm-r.json", saved(unigram(spm, [collapse], words))),
        "Unigram converter": kept("converter.json", saved(from_converter(spm))),
        "BPE RoBERTa": kept("roberta.json", byte_level(trim_offsets=True)),
        "BPE GPT-4": kept("gpt4.json", byte_level(GPT4)),
        "BPE Qwen2": kept("qwen2.json", byte_level(QWEN2)),
        "BPE Llama": kept("llama.json", llama_bpe()),
        "BPE CLIP": kept("clip.json", clip_bpe()),
        "WordLevel": kept("word-level.json", word_level()),
    }


def models_without_tokenizer_json(paths):
    """{name: (our file, what must give the same: a tokenizer.json or a tokenizer)}. The scores of a
    SentencePiece model do not go through JSON, whose reader in Rust is off by one in the last bit
    now and then: ties fall otherwise."""
    def vocabulary(source):
        def make(path):
            vocab = json.loads(source.read_text())["model"]["vocab"]
            path.write_text("\n".join(sorted(vocab, key=vocab.get)) + "\n")
        return make
    spm = CACHE / "sentencepiece.bpe.model"
    return {
        "vocab.txt": (kept("vocab.txt", vocabulary(paths["MiniLM"])), paths["MiniLM"]),
        "vocab.txt cased": (kept("vocab.cased.txt", vocabulary(paths["WordPiece cased"])),
                            paths["WordPiece cased"]),
        "sentencepiece.bpe.model": (spm, from_converter(spm)),
    }


def cl100k():
    """As tiktoken defines it, which checks the hash of the ranks, but without its download."""
    def load(url, expected_hash):
        file = CACHE.parent / "cl100k" / url.rsplit("/")[-1]
        return tiktoken.load.load_tiktoken_bpe(str(file), expected_hash)
    os.environ["TIKTOKEN_CACHE_DIR"] = str(CACHE)  # it keeps a copy of what it reads
    tiktoken_ext.openai_public.load_tiktoken_bpe = load
    return tiktoken.Encoding(**tiktoken_ext.openai_public.cl100k_base())
