#!/usr/bin/env python3
"""Compares Vecmill's token ids with those of Hugging Face tokenizers, and of tiktoken where the
model is OpenAI's: whole tokenizers, and each component alone, on code points, letters with marks,
real lines, random and adversarial strings.

  conformance.py TOKENIZE_IDS [--deep] [--seed N] [--only PART_OF_NAME]

Without --deep a part is taken, chosen by the seed. Prints how many texts were compared and fails
when one differs.
"""
import argparse
import collections
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import typing
from concurrent import futures

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # a process per core does more
import numpy as np
import tiktoken
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


def encoder(oracle):
    """A function from texts to the ids of each."""
    if isinstance(oracle, tiktoken.Encoding):
        return lambda texts: map(oracle.encode_ordinary, texts)
    tokenizer = oracle if isinstance(oracle, Tokenizer) else Tokenizer.from_file(str(oracle))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda texts: (encoding.ids for encoding in tokenizer.encode_batch_fast(texts))


def reference(encode, texts):
    answers = []
    for first in range(0, len(texts), 20_000):
        for ids in encode(texts[first:first + 20_000]):
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


class Comparison(typing.NamedTuple):
    label: str
    kind: str
    texts: list[str]
    path: os.PathLike
    oracle: object  # a Tokenizer, the path of the file that makes one, or an Encoding of tiktoken

    def run(self, program):
        """What to print, and how many texts differ."""
        got = ours(program, self.path, frames(self.texts))
        if isinstance(got, str):
            return [f"FAILED {self.label}: {got}"], len(self.texts)
        found = differences(self.texts, reference(encoder(self.oracle), self.texts), got)
        lines = [f"FAILED {self.label}: {ascii(text[:120])}\n  expected {want[:60]}\n  got      {have[:60]}"
                 for text, want, have in found[:SHOWN]]
        if found:
            lines.append(f"FAILED {self.label}: {len(found)} of {len(self.texts)} differ")
        return lines, len(found)


class Comparisons:
    """Runs comparisons, one in each of as many processes as there are cores."""

    def __init__(self, program):
        self.program, self.compared, self.failed = program, collections.Counter(), 0

    def run(self, comparisons):
        jobs = int(os.environ.get("VECMILL_TEST_JOBS", os.cpu_count()))
        # Forked processes have the texts already; only the number of a comparison is sent.
        with futures.ProcessPoolExecutor(jobs, multiprocessing.get_context("fork"), keep, (comparisons,)) as pool:
            for lines, failed in pool.map(run_kept, range(len(comparisons)), [self.program] * len(comparisons)):
                print(*lines, sep="\n", end="\n" if lines else "", flush=True)
                self.failed += failed
        for comparison in comparisons:
            self.compared[comparison.kind] += len(comparison.texts)


kept = []


def keep(comparisons):
    kept[:] = comparisons


def run_kept(at, program):
    return kept[at].run(program)


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

    comparisons = Comparisons(args.program)
    # VECMILL_TEST_EVERY is set under the sanitizers, which look for errors of memory.
    sanitized = int(os.environ.get("VECMILL_TEST_EVERY", "1")) > 1
    fewer = 24 if sanitized else 1
    share = 1 if args.deep else 0.01 / fewer
    paths = models_under_test.whole_models()
    alone = models_under_test.models_without_tokenizer_json(paths)
    sets = {name: text_sets.texts(name, share, args.seed) for name in text_sets.SETS}
    whole = [(name, path, path) for name, path in paths.items()]
    whole += [(name, *pair) for name, pair in alone.items()]
    whole.append(("cl100k", "cl100k", models_under_test.cl100k()))
    comparisons.run([Comparison(f"{name}, {set_name}", set_name, texts, path, oracle)
                     for name, path, oracle in whole if args.only in name
                     for set_name, texts in sets.items()])

    share = 0.1 if args.deep else 0.003 / fewer
    sets = {name: text_sets.texts(name, share, args.seed) for name in text_sets.SETS}
    textual = [text for name in text_sets.TEXTUAL for text in sets[name]]
    merged = textual + [text for name in sorted(sets.keys() - set(text_sets.TEXTUAL)) for text in sets[name]]
    if sanitized:  # lines and adversarial texts are as many in every share, and there are 226 components
        textual, merged = (random.Random(args.seed).sample(some, len(some) // 8) for some in (textual, merged))
    everywhere = text_sets.texts("between", 1, args.seed) if args.deep else []
    seen, parts = set(), []
    for kind, name, path in components.component_files():
        texts = textual if kind in ("post_processor", "added_tokens") else merged
        first_of_type = name.split("(")[0] not in seen
        seen.add(name.split("(")[0])
        if args.only in name:
            parts.append(Comparison(f"{kind} {name}", f"{kind} alone",
                                    texts + (everywhere if texts is merged and first_of_type else []), path, path))
    comparisons.run(parts)

    width = max(map(len, comparisons.compared), default=0)
    for kind, count in comparisons.compared.items():
        print(f"{kind:{width}} {count:12,}")
    print(f"conformance with tokenizers {PINNED}, tiktoken {tiktoken.__version__}: {sum(comparisons.compared.values()):,} texts "
          f"compared, {comparisons.failed:,} differ")
    return 1 if comparisons.failed or not comparisons.compared else 0


if __name__ == "__main__":
    sys.exit(main())
