"""bf16 beside f32 over real lines in two dozen languages."""

import random

import numpy as np

from conftest import DEEP, ROOT, SEED

CORPUS = ROOT / ".cache/corpus"


def lines_of(path, count):
    """`count` different lines of a language, long enough to say something."""
    lines = {line.strip() for line in path.read_text(encoding="utf-8", errors="ignore").splitlines()}
    long = sorted(line for line in lines if len(line) >= 20 and not line.startswith((".", "'")))
    return random.Random(f"{SEED} {path.name}").sample(long, min(count, len(long)))


def test_bf16_is_as_exact_as_auto_demands(vecmill, model):
    files = sorted(CORPUS.glob("*.txt"))
    texts = [line for path in files for line in lines_of(path, 60 if DEEP else 2)]
    assert len(files) >= 20 and len(texts) >= (1000 if DEEP else 40)
    vecmill.write("a.txt", "\n".join(texts) + "\n")
    vectors = {}
    for dtype in ("f32", "bf16"):
        answer = vecmill("embed", "a.txt", "--model", model, "--dtype", dtype, "--out", f"{dtype}.npy")
        assert answer.code == 0, answer
        vectors[dtype] = np.load(vecmill.folder / f"{dtype}.npy").astype(np.float64)
    cosines = (vectors["f32"] * vectors["bf16"]).sum(axis=1)
    print(f"{len(cosines)} texts in {len(files)} languages: mean {cosines.mean():.6f}, smallest {cosines.min():.6f}")
    assert cosines.min() >= 0.9999, texts[int(cosines.argmin())]
    near = {name: np.argsort(-(rows @ rows.T), axis=1)[:, 1:11] for name, rows in vectors.items()}
    kept = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(near["f32"], near["bf16"])])
    print(f"of each text's ten nearest {100 * kept:.2f} % stay")
    assert kept >= 0.97
