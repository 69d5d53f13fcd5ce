"""The other arithmetics beside f32 over real lines in two dozen languages."""

import random

import numpy as np
import pytest

from conftest import DEEP, ROOT, SEED

CORPUS = ROOT / ".cache/corpus"


def lines_of(path, count):
    """`count` different lines of a language, long enough to say something."""
    lines = {line.strip() for line in path.read_text(encoding="utf-8", errors="ignore").splitlines()}
    long = sorted(line for line in lines if len(line) >= 20 and not line.startswith((".", "'")))
    return random.Random(f"{SEED} {path.name}").sample(long, min(count, len(long)))


# Mean and smallest cosine to f32, and the share of each text's ten nearest that stay.
CLOSE = {"bf16": (0.9999, 0.9999, 0.97), "int8": (0.998, 0.99, 0.96), "int8-compact": (0.998, 0.99, 0.96)}


@pytest.fixture(scope="module")
def texts():
    files = sorted(CORPUS.glob("*.txt"))
    found = [line for path in files for line in lines_of(path, 60 if DEEP else 2)]
    assert len(files) >= 20 and len(found) >= (1000 if DEEP else 40)
    return found


@pytest.mark.packs_int8
@pytest.mark.parametrize("dtype", CLOSE)
def test_vectors_and_neighbours_stay_close_to_f32(vecmill, model, texts, dtype):
    vecmill.write("a.txt", "\n".join(texts) + "\n")
    vectors = {}
    for one in ("f32", dtype):
        answer = vecmill("embed", "a.txt", "--model", model, "--dtype", one, "--out", f"{one}.npy")
        assert answer.code == 0, answer
        vectors[one] = np.load(vecmill.folder / f"{one}.npy").astype(np.float64)
    cosines = (vectors["f32"] * vectors[dtype]).sum(axis=1)
    mean, smallest, neighbours = CLOSE[dtype]
    print(f"{len(cosines)} texts in {dtype}: mean {cosines.mean():.6f}, smallest {cosines.min():.6f}")
    assert cosines.mean() >= mean and cosines.min() >= smallest, texts[int(cosines.argmin())]
    near = {name: np.argsort(-(rows @ rows.T), axis=1)[:, 1:11] for name, rows in vectors.items()}
    kept = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(near["f32"], near[dtype])])
    print(f"of each text's ten nearest {100 * kept:.2f} % stay")
    assert kept >= neighbours
