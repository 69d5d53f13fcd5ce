"""The texts that tokenizers are compared on. Each set is a generator of strings; `share` (0..1]
says how much of it to take, chosen by `random`."""
import itertools
import pathlib
import random
import unicodedata

BLOCK = 256


def code_points(share, rng):
    """Whole blocks; those below U+3100, where the rules are dense, come more often."""
    for first in range(0, 0x110000, BLOCK):
        if 0xD800 <= first < 0xE000:
            continue
        if rng.random() < (share if first >= 0x3100 else min(1, 4 * share)):
            yield from range(first, first + BLOCK)


def alone(share, rng):
    return (chr(c) for c in code_points(share, rng))


def between(share, rng):
    return ("a" + chr(c) + "b" for c in code_points(share, rng))


def after(share, rng):
    return ("a" + chr(c) for c in code_points(share, rng))


def _letters(first, last):
    return [chr(c) for c in range(first, last) if unicodedata.category(chr(c))[0] == "L"]


MARKS = [chr(c) for c in (*range(0x300, 0x370), *range(0x483, 0x48A), *range(0x1AB0, 0x1AD0),
                          *range(0x1DC0, 0x1E00), *range(0x20D0, 0x20F1), *range(0xFE20, 0xFE30))]
LETTERS = (_letters(0x41, 0x250) + _letters(0x1E00, 0x1F00) + _letters(0xA720, 0xA800) +
           _letters(0xFF21, 0xFF5B) + _letters(0x370, 0x400) + _letters(0x1F00, 0x2000) +
           _letters(0x400, 0x530) + _letters(0x1C80, 0x1C89) + _letters(0xA640, 0xA6A0))
KANA = _letters(0x3041, 0x3100) + _letters(0xFF66, 0xFFA0)
KANA_MARKS = list("\u3099\u309a\u309b\u309c\uff9e\uff9f\u0301\u0323")


def letter_and_mark(share, rng):
    """Latin, Greek and Cyrillic with their marks, kana with theirs, and Hangul put together."""
    jamo = [[chr(c) for c in r] for r in (range(0x1100, 0x1160), range(0x1160, 0x11A8),
                                          range(0x11A8, 0x1200))]
    syllables = [chr(c) for c in range(0xAC00, 0xD7A4, 28)]
    pairs = itertools.chain(itertools.product(LETTERS, MARKS), itertools.product(KANA, KANA_MARKS),
                            itertools.product(jamo[0], jamo[1]), itertools.product(jamo[1], jamo[2]),
                            itertools.product(syllables, jamo[2]))
    return ("".join(pair) for pair in pairs if share >= 1 or rng.random() < share)


def real_lines(share, rng):
    """Manual pages in 24 languages, those with few lines as often as those with many."""
    wanted = max(50, int(12_000 * share))
    for file in sorted((pathlib.Path(__file__).parents[2] / ".cache/corpus").glob("*.txt")):
        lines = [line for line in file.read_text("utf-8", errors="replace").split("\n") if line]
        yield from rng.sample(lines, min(wanted, len(lines)))


POOLS = [
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", " ", "  \t\n\r\v\f",
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "àéîõüçñßøłđİıŉǆﬁﬃŀ", "\u0301\u0308\u0323\u20dd\u0489\u200d\ufe0f",
    "ΑΒΓΣςσάώᾳᾼ", "абвгдЖЙёІїґ", "שלוםאבג\u05b0\u05c1", "مرحباپچ\u064b\u0651\u0640",
    "नमस्तेक्षत्रिय", "ภาษาไทยกำน้ำ", "漢字中文日本語龥豈", "かがはばぱカガゔヷ\u3099ｶﾞ",
    "한국어각가힣\u1100\u1161\u11a8", "🙂👨\u200d👩\u200d👧🏽🇩🇪☎\ufe0f🏴\U000e0067", "\u00a0\u1680\u2003\u2028\u2029\u202f\u3000\u0085\u200b\ufeff",
    "\x00\x01\x1f\x7f\x80\x9f\u00ad\u2060\ue000\uffff\ufffd\U000e0001\U0010ffff", "①½²㎏℃Ⅳﷺ\u2126\u212a\u212b", "𝔘𝓃𝕚𝟗𐐀𐐨𞤀",
]


def random_strings(share, rng):
    """A few pools each, so that runs of one kind and borders between kinds both come up."""
    for _ in range(int(60_000 * share)):
        pools = rng.choices(POOLS, k=rng.randint(1, 4))
        yield "".join(rng.choice(rng.choice(pools)) for _ in range(rng.randint(0, 24)))
    for _ in range(int(20_000 * share)):
        yield "".join(chr(rng.choice((rng.randrange(0xD800), rng.randrange(0xE000, 0x110000))))
                      for _ in range(rng.randint(1, 12)))


TOKENS = ["[CLS]", "[SEP]", "[MASK]", "[UNK]", "[PAD]", "<s>", "</s>", "<pad>", "<unk>", "<mask>",
          "<UNK>", "＜s＞", "<|endoftext|>", "[mask]", "[ MASK]", "▁", "##ing", "Ġ", "</w>", "<0x41>",
          "added", "ad", "Added Token", "añadido"]


def tokens_in_text(share, rng):
    """Tokens with a meaning, typed by a user, between all kinds of neighbours."""
    between = ["", " ", "  ", "a", "é", "_", "1", "-", "\t", "\n", "\u3000", "\u0301", "語", "x y", " z "]
    for _ in range(int(40_000 * share)):
        parts = [rng.choice(between)]
        for _ in range(rng.randint(1, 5)):
            parts += [rng.choice(TOKENS), rng.choice(between)]
        yield "".join(parts)


def adversarial(share, rng):
    """Lengths around limits, runs, and the cases that implementations are known to differ on."""
    for unit in ("a", "é", "語", "𝔘", ".", " ", "\u0301", "가", "か\u3099", "ab ", "\r\n", "1", "'s", "🙂", "▁"):
        for count in (1, 2, 3, 7, 8, 9, 15, 16, 17, 23, 24, 25, 63, 64, 65, 99, 100, 101, 199, 200, 255, 256, 257, 1000):
            for frame in ("{}", " {}", "{} ", "x{}y", "x {} y"):
                yield frame.format(unit * count)
    yield from FIXED


FIXED = """a\fb|a\x85b|a\u200db|a\xa0b|\U0002b820|x\U0002b920y|x\U0002b820y|👩\u200d🚀\ufe0f|Kantō|lǜshi|が|각|İSTANBUL|ΟΔΟΣ|\u212a|\u212b
a\u2e52b|a\u166db|a\u061db|ﬁ\u0301|Ａ\u0301|か\u3099|a\r\nb|\r\n|hi |  hi|a  b   c|a\tb|a\u3000b|＜s＞|\ue000|\U000f0000x|don't we'LL 'ſ I'M
1234567|12 345|x=1;y=2|http://a.b/c?d=e&f|foo_bar|snake-case|CamelCase|３４５|Ⅷ|½|a\u0345b|ǅ|ß|ŉ|ﷺ|\u0958|क़|\u0f43|\u1e9b\u0323""".replace("\n", "|").split("|") + [""]

SETS = {f.__name__: f for f in (alone, between, after, letter_and_mark, real_lines, random_strings,
                                tokens_in_text, adversarial)}
TEXTUAL = ("real_lines", "random_strings", "tokens_in_text", "adversarial")


def texts(name, share, seed):
    return list(SETS[name](share, random.Random(f"{seed} {name}")))
