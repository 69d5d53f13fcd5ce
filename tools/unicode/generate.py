#!/usr/bin/env python3
"""Writes src/tokenize/unicode_tables.cc: what Hugging Face `tokenizers` knows of each code point.

The library mixes Unicode versions (categories of BertNormalizer 8.0, normal forms 9.0, regular
expressions 16.0, graphemes 17.0), so the tables are asked of the pinned library itself, one
code point at a time. Canonical classes and compositions never change once a character exists;
they come from Python's tables, cut to Unicode 9.0 by Perl's age property. Grapheme properties come
from the crate that the library uses.

Usage: generate.py OUT    (Python with tokenizers 0.23.3; perl and cargo on the path)
"""
import pathlib
import subprocess
import sys
import tempfile
import unicodedata

import tokenizers
from tokenizers import Regex
from tokenizers import normalizers as N
from tokenizers import pre_tokenizers as P

VERSION = "0.23.3"
LIMIT = 0x110000
ALL = [c for c in range(LIMIT) if not 0xD800 <= c <= 0xDFFF]
CATEGORIES = "Cn Cc Cf Co Cs Ll Lm Lo Lt Lu Mc Me Mn Nd Nl No Pc Pd Pe Pf Pi Po Ps Sc Sk Sm So Zl Zp Zs".split()
FLAGS = ["kWhiteSpace", "kBertPunctuation", "kBertRemoved", "kBertSpace", "kBertChinese", "kBertMark",
         "kMark", "kWord", "kNumeric", "kNmtRemoved", "kNmtSpace"]
CARGO = """[package]
name = "graphemes"
version = "0.1.0"
edition = "2021"
[dependencies]
unicode-segmentation = "1.12"
"""
RUST = r"""use unicode_segmentation::UnicodeSegmentation;
fn one(s: &str) -> bool { s.graphemes(true).count() == 1 }
fn main() {
    for c in (0..0x110000u32).filter_map(char::from_u32) {
        let control = !one(&format!("{}\u{0301}", c));
        let extends = one(&format!("a{}", c));
        let prepends = !extends && one(&format!("{}a", c));
        let kind = if control { 1 } else if extends { 2 } else if prepends { 3 } else { 0 };
        if kind != 0 { println!("{} {}", c as u32, kind); }
    }
}
"""


def pieces(pre_tokenizer, text):
    return [piece for piece, _ in pre_tokenizer.pre_tokenize_str(text)]


def flags_of(c):
    s = "a" + chr(c) + "b"
    value = 0

    def put(name, condition):
        nonlocal value
        if condition:
            value |= 1 << FLAGS.index(name)

    put("kWhiteSpace", pieces(WHITESPACE_SPLIT, s) == ["a", "b"])
    put("kBertPunctuation", len(pieces(BERT, s)) == 3)
    cleaned = CLEAN.normalize_str(s)
    put("kBertRemoved", cleaned == "ab")
    put("kBertSpace", cleaned == "a b" and c != 0x20)
    put("kBertChinese", CHINESE.normalize_str(s) == "a " + chr(c) + " b")
    put("kBertMark", ACCENTS.normalize_str(s) == "ab" and NFD.normalize_str(chr(c)) == chr(c))
    put("kMark", STRIP_ACCENTS.normalize_str(s) == "ab")
    put("kWord", pieces(WORDS, "a" + chr(c)) == ["a" + chr(c)])
    put("kNumeric", len(pieces(DIGITS, s)) == 3)
    nmt = NMT.normalize_str(s)
    put("kNmtRemoved", nmt == "ab")
    put("kNmtSpace", nmt == "a b" and c != 0x20)
    return value


WHITESPACE_SPLIT, BERT, WORDS = P.WhitespaceSplit(), P.BertPreTokenizer(), P.Whitespace()
DIGITS, NMT, NFD, STRIP_ACCENTS = P.Digits(individual_digits=True), N.Nmt(), N.NFD(), N.StripAccents()


def bert_normalizer(**on):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return N.BertNormalizer(**{**off, **on})


CLEAN, CHINESE, ACCENTS = (bert_normalizer(clean_text=True), bert_normalizer(handle_chinese_chars=True),
                           bert_normalizer(strip_accents=True))


def categories():
    text = "".join(map(chr, ALL))
    table = [0] * LIMIT
    for index, name in enumerate(CATEGORIES):
        if name in ("Cn", "Cs"):
            continue
        for piece, _ in P.Split(Regex(r"\p{%s}" % name), "removed", invert=True).pre_tokenize_str(text):
            for char in piece:
                table[ord(char)] = index
    return table


def scripts():
    """Classes of code points between which UnicodeScripts never splits; 0 never splits at all."""
    split = P.UnicodeScripts()
    together = lambda a, b: len(split.pre_tokenize_str(chr(a) + chr(b))) == 1
    table, representatives = [0] * LIMIT, []
    previous = None
    for c in ALL:
        if previous is not None and together(previous, c) and together(c, ord("A")) == together(previous, ord("A")) \
                and together(c, ord("1")) == together(previous, ord("1")):
            table[c] = table[previous]
        elif together(c, ord("A")) and together(c, ord("1")):
            table[c] = 0
        else:
            match = [i for i, r in enumerate(representatives) if together(c, r)]
            if not match:
                representatives.append(c)
                match = [len(representatives) - 1]
            table[c] = match[0] + 1
        previous = c
    return table


def graphemes():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "src").mkdir()
        (root / "Cargo.toml").write_text(CARGO)
        (root / "src/main.rs").write_text(RUST)
        out = subprocess.run(["cargo", "run", "-q", "--release"], cwd=root, check=True, capture_output=True)
    table = [0] * LIMIT
    for line in out.stdout.decode().splitlines():
        c, kind = map(int, line.split())
        table[c] = kind
    return table


def unicode_9():
    out = subprocess.run(["perl", "-e", r'for (0..0x10FFFF) { next if $_ >= 0xD800 && $_ <= 0xDFFF; print "$_\n" if chr($_) =~ /\p{Present_In: 9.0}/ }'],
                         check=True, capture_output=True)
    return set(map(int, out.stdout.split()))


def combining_classes(old):
    return [unicodedata.combining(chr(c)) if c in old else 0 for c in range(LIMIT)]


def compositions(old):
    nfc, pairs = N.NFC(), []
    for c in ALL:
        parts = unicodedata.decomposition(chr(c)).split()
        if c in old and len(parts) == 2 and not parts[0].startswith("<"):
            a, b = (int(p, 16) for p in parts)
            if nfc.normalize_str(chr(c)) == chr(c):
                pairs.append((a, b, c))
    return sorted(pairs)


def mapping(normalizer):
    """[(index per code point)], [strings]: 0 means that the character stays."""
    strings, known, table = [], {}, [0] * LIMIT
    for c in ALL:
        if 0xAC00 <= c <= 0xD7A3 and normalizer is not LOWER:
            continue  # Hangul is computed
        to = normalizer.normalize_str(chr(c))
        if to != chr(c):
            table[c] = known.setdefault(to, len(known) + 1)
            if len(known) > len(strings):
                strings.append(to)
    return table, strings


LOWER = N.Lowercase()


def two_stages(table):
    blocks, first = {}, []
    for start in range(0, LIMIT, 128):
        block = tuple(table[start:start + 128])
        first.append(blocks.setdefault(block, len(blocks)))
    return first, [value for block in blocks for value in block]


def numbers(values):
    lines, line = [], ""
    for text in (str(v) + "," for v in values):
        if len(line) + len(text) > 99:
            lines.append(line)
            line = ""
        line += text
    return "\n".join(lines + [line])


def array(kind, name, values):
    return f"const {kind} {name}[{len(values)}] = {{\n{numbers(values)}}};\n"


def emit_table(name, table, kind):
    first, second = two_stages(table)
    return array("std::uint16_t", name + "First", first) + array(kind, name + "Second", second)


def emit_mapping(name, table_and_strings):
    table, strings = table_and_strings
    pool, offsets = [], [0]
    for text in strings:
        pool += [ord(char) for char in text]
        offsets.append(len(pool))
    return (emit_table(name, table, "std::uint16_t") + array("std::uint16_t", name + "Offsets", offsets)
            + array("char32_t", name + "Pool", pool))


def main():
    assert tokenizers.__version__ == VERSION, tokenizers.__version__
    old = unicode_9()
    flags = [0] * LIMIT
    for c in ALL:
        flags[c] = flags_of(c)
    pairs = compositions(old)
    out = ["// Made by tools/unicode/generate.py from tokenizers %s. Do not edit.\n" % VERSION,
           '#include "vecmill/tokenize/unicode_tables.h"\n\nnamespace vecmill::tokenize::tables {\n',
           emit_table("kFlags", flags, "std::uint16_t"),
           emit_table("kCategory", categories(), "std::uint8_t"),
           emit_table("kScript", scripts(), "std::uint8_t"),
           emit_table("kGrapheme", graphemes(), "std::uint8_t"),
           emit_table("kCombining", combining_classes(old), "std::uint8_t"),
           emit_mapping("kLower", mapping(LOWER)),
           emit_mapping("kNfd", mapping(NFD)),
           emit_mapping("kNfkd", mapping(N.NFKD())),
           f"const std::size_t kCompositionCount = {len(pairs)};\n",
           "const Composition kCompositions[] = {\n" + "\n".join("{%d,%d,%d}," % p for p in pairs) + "};\n",
           "}  // namespace vecmill::tokenize::tables\n"]
    pathlib.Path(sys.argv[1]).write_text("\n".join(out))


main()
