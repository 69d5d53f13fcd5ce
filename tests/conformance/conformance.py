#!/usr/bin/env python3
"""Compares Vecmill's token ids with those of Hugging Face tokenizers: whole tokenizers, and each
component alone, on code points, letters with marks, real lines, random and adversarial strings.

  conformance.py TOKENIZE_IDS [--deep] [--seed N] [--only PART_OF_NAME]

Without --deep a part is taken, chosen by the seed. Prints how many texts were compared and fails
when one differs.
"""
import argparse
import collections
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
import numpy as np
import tokenizers
from tokenizers import Tokenizer

import components
import models_under_test
import text_sets

ERROR = 0xFFFFFFFF
PINNED = "0.23.3"
SHOWN = 5


def frames(texts):
    encoded = [text.encode() for text in texts]
    return b"".join(len(text).to_bytes(4, "little") + text for text in encoded)


def ours(program, path, data):
    """All answers, one after the other: count, ids."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        done = subprocess.run([program, path], stdin=file, capture_output=True)
    if done.returncode:
        return done.stderr.decode().strip() or f"ended with {done.returncode}"
    return np.frombuffer(done.stdout, np.uint32)


def reference(tokenizer, texts):
    answers = []
    for first in range(0, len(texts), 20_000):
        for encoding in tokenizer.encode_batch_fast(texts[first:first + 20_000]):
            ids = encoding.ids
            answers.append(len(ids))
            answers.extend(ids)
    return np.array(answers, np.uint32)


def differences(texts, expected, got):
    """(text, expected ids, our ids) where they differ."""
    if np.array_equal(expected, got):
        return []
    found, at, our_at = [], 0, 0
    for text in texts:
        want = expected[at + 1:at + 1 + expected[at]]
        at += 1 + len(want)
        count = 0 if got[our_at] == ERROR else got[our_at]
        have = got[our_at + 1:our_at + 1 + count]
        our_at += 1 + len(have)
        if not np.array_equal(want, have):
            found.append((text, want.tolist(), have.tolist()))
    return found


class Comparison:
    def __init__(self, program):
        self.program, self.compared, self.failed = program, collections.Counter(), 0

    def run(self, label, kind, texts, path, oracle=None):
        oracle = oracle or path
        tokenizer = oracle if isinstance(oracle, Tokenizer) else Tokenizer.from_file(str(oracle))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        got = ours(self.program, path, frames(texts))
        self.compared[kind] += len(texts)
        if isinstance(got, str):
            self.failed += len(texts)
            print(f"FAILED {label}: {got}")
            return
        found = differences(texts, reference(tokenizer, texts), got)
        self.failed += len(found)
        for text, want, have in found[:SHOWN]:
            print(f"FAILED {label}: {ascii(text[:120])}\n  expected {want[:60]}\n  got      {have[:60]}")
        if found:
            print(f"FAILED {label}: {len(found)} of {len(texts)} differ", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--deep", action="store_true",
                        default=bool(os.environ.get("VECMILL_TEST_DEEP")))
    parser.add_argument("--seed", default=os.environ.get("VECMILL_TEST_SEED", "1"))
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    if tokenizers.__version__ != PINNED:
        sys.exit(f"tokenizers is {tokenizers.__version__}; this compares with {PINNED}")

    comparison = Comparison(args.program)
    # VECMILL_TEST_EVERY is set under the sanitizers, which look for errors of memory.
    fewer = 12 if int(os.environ.get("VECMILL_TEST_EVERY", "1")) > 1 else 1
    share = 1 if args.deep else 0.01 / fewer
    paths = models_under_test.whole_models()
    alone = models_under_test.models_without_tokenizer_json(paths)
    sets = {name: text_sets.texts(name, share, args.seed) for name in text_sets.SETS}
    whole = [(name, path, None) for name, path in paths.items()]
    whole += [(name, *pair) for name, pair in alone.items()]
    for name, path, oracle in whole:
        for set_name, texts in sets.items():
            if args.only in name:
                comparison.run(f"{name}, {set_name}", set_name, texts, path, oracle)

    share = 0.1 if args.deep else 0.003 / fewer
    sets = {name: text_sets.texts(name, share, args.seed) for name in text_sets.SETS}
    textual = [text for name in text_sets.TEXTUAL for text in sets[name]]
    merged = textual + [text for name in sorted(sets.keys() - set(text_sets.TEXTUAL)) for text in sets[name]]
    everywhere = text_sets.texts("between", 1, args.seed) if args.deep else []
    seen = set()
    for kind, name, path in components.component_files():
        texts = textual if kind in ("post_processor", "added_tokens") else merged
        first_of_type = name.split("(")[0] not in seen
        seen.add(name.split("(")[0])
        if args.only in name:
            comparison.run(f"{kind} {name}", f"{kind} alone",
                           texts + (everywhere if texts is merged and first_of_type else []), path)

    width = max(map(len, comparison.compared), default=0)
    for kind, count in comparison.compared.items():
        print(f"{kind:{width}} {count:12,}")
    print(f"conformance with tokenizers {PINNED}: {sum(comparison.compared.values()):,} texts "
          f"compared, {comparison.failed:,} differ")
    return 1 if comparison.failed or not comparison.compared else 0


if __name__ == "__main__":
    sys.exit(main())
