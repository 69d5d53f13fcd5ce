"""Every component of tokenizers alone, in a tokenizer whose ids show the text and the pieces:
{name: path}. The model is a BPE without merges, in which each character is its UTF-8 bytes, and
those after a piece's first character come after the bytes of "##"."""
import base64
import itertools
import json

from models_under_test import CACHE, QWEN2, charsmap

BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
SHOWING = {
    "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
    "pre_tokenizer": None, "post_processor": None, "decoder": None,
    "model": {"type": "BPE", "dropout": None, "unk_token": None, "fuse_unk": False,
              "continuing_subword_prefix": "##", "end_of_word_suffix": None, "byte_fallback": True,
              "ignore_merges": False, "merges": [],
              "vocab": {f"<0x{byte:02X}>": byte for byte in range(256)}},
}


def bert_normalizers():
    keys = ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase")
    for values in itertools.product([True, False], [True, False], [True, False, None], [True, False]):
        yield {"type": "BertNormalizer", **dict(zip(keys, values))}


def normalizers():
    precompiled = {"type": "Precompiled", "precompiled_charsmap":
                   base64.b64encode(charsmap(CACHE / "sentencepiece.bpe.model")).decode()}
    yield from bert_normalizers()
    for name in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel"):
        yield {"type": name}
    for left, right in itertools.product([True, False], repeat=2):
        yield {"type": "Strip", "strip_left": left, "strip_right": right}
    for pattern, content in ((("String", "a"), "bc"), (("String", " "), ""), (("Regex", " {2,}"), " "),
                             (("Regex", r"\s+"), "▁"), (("Regex", r"\p{L}\p{M}*"), "x"),
                             (("Regex", r"[^\p{L}\s]|b$"), "--"), (("Regex", "^"), "<"),
                             (("Regex", r"(?i)A(?=b)|\d{2,3}?"), "")):
        yield {"type": "Replace", "pattern": dict([pattern]), "content": content}
    yield {"type": "Prepend", "prepend": "▁"}
    yield precompiled
    yield sequence("normalizers", {"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"})
    yield sequence("normalizers", {"type": "NFD"}, {"type": "Lowercase"}, {"type": "NFC"},
                   {"type": "Prepend", "prepend": " "},
                   {"type": "Strip", "strip_left": False, "strip_right": True})
    yield sequence("normalizers", precompiled, {"type": "Strip", "strip_left": True, "strip_right": True},
                   {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"})


def sequence(key, *parts):
    return {"type": "Sequence", key: list(parts)}


def pre_tokenizers():
    for name in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit", "UnicodeScripts"):
        yield {"type": name}
    for prefix, regex in itertools.product([True, False], repeat=2):
        yield {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True,
               "use_regex": regex}
    for delimiter in ("-", "语", " "):
        yield {"type": "CharDelimiterSplit", "delimiter": delimiter}
    for individual in (True, False):
        yield {"type": "Digits", "individual_digits": individual}
    for length in (1, 5):
        yield {"type": "FixedLength", "length": length}
    for scheme, split in itertools.product(["always", "first", "never"], [True, False]):
        yield {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}
    for behavior in BEHAVIORS:
        yield {"type": "Punctuation", "behavior": behavior}
        for pattern in ({"String": "a"}, {"Regex": r"\s+"}, {"Regex": r"\p{Lu}|\w\b"},
                        {"Regex": r"[^\s\p{L}\p{N}]+"}):
            for invert in (False, True):
                yield {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}
    yield {"type": "Split", "pattern": {"Regex": QWEN2}, "behavior": "Isolated", "invert": False}
    yield sequence("pretokenizers", {"type": "WhitespaceSplit"}, {
        "type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True})
    yield sequence("pretokenizers", {"type": "Digits", "individual_digits": True},
                   {"type": "Punctuation", "behavior": "Isolated"},
                   {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True})


def post_processors():
    cls, sep = ["<s>", 0x3C], ["</s>", 0x3D]
    yield {"type": "BertProcessing", "sep": sep, "cls": cls}
    for trim in (True, False):
        yield {"type": "RobertaProcessing", "sep": sep, "cls": cls, "trim_offsets": trim,
               "add_prefix_space": not trim}
    byte_level = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    yield byte_level
    template = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "B", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 1}},
                   {"SpecialToken": {"id": "E", "type_id": 0}}, {"SpecialToken": {"id": "B", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"B": {"id": "B", "ids": [7, 8], "tokens": ["b", "c"]},
                           "E": {"id": "E", "ids": [9], "tokens": ["e"]}}}
    yield template
    yield sequence("processors", byte_level, template)


def added_tokens():
    """Settings, each for several tokens at once: one that begins another, one with a space."""
    contents = ["ad", "added", "Added Token", "<mask>", "é", "＜s＞", " x", "語", "▁"]
    flags = ("single_word", "lstrip", "rstrip", "normalized")
    for values in itertools.product([False, True], repeat=4):
        yield [{"id": 1000 + i, "content": c, "special": i % 2 == 0, **dict(zip(flags, values))}
               for i, c in enumerate(contents)]
    yield [{"id": 1000 + i, "content": c, "special": False, "single_word": i % 2 == 1,
            "lstrip": i % 3 == 1, "rstrip": i % 3 == 2, "normalized": i % 4 < 2}
           for i, c in enumerate(contents)]


def describe(value):
    if isinstance(value, list):
        return "+".join(describe(v) for v in value)
    if isinstance(value, dict):
        inner = ",".join(describe(v) for k, v in value.items() if k != "type")
        return f"{value.get('type', '')}({inner})"
    return str(value)[:24]


def single_components():
    """Yields (kind, name, the whole specification)."""
    for kind, parts in (("normalizer", normalizers()), ("pre_tokenizer", pre_tokenizers()),
                        ("post_processor", post_processors())):
        for part in parts:
            yield kind, describe(part), {**SHOWING, kind: part}
    space = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}
    for i, tokens in enumerate(added_tokens()):
        for normalizer in (None, {"type": "Lowercase"}, {"type": "Prepend", "prepend": "▁"}):
            for split in (None, space):
                name = f"settings {i}, {describe(normalizer)}, {'Metaspace' if split else 'None'}"
                yield "added_tokens", name, {**SHOWING, "added_tokens": tokens,
                                             "normalizer": normalizer, "pre_tokenizer": split}


def component_files():
    """[(kind, name, path)]"""
    folder = CACHE / "components"
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for kind, name, spec in single_components():
        path = folder / f"{len(files):03}.json"
        path.write_text(json.dumps(spec))
        files.append((kind, name, path))
    return files
