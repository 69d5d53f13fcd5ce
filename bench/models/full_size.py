"""A folder with random weights of a real model's size, grown from a tiny model of the tests: for speed and memory.

    python bench/models/full_size.py bge-m3|mpnet FOLDER [LAYERS]
"""

import json
import pathlib
import shutil
import struct
import sys

import numpy as np

TINY = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/models"
MODELS = {  # the tiny model, and what its sizes become
    "bge-m3": ("xlm-roberta-m3", {"hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16,
                                  "num_hidden_layers": 24, "vocab_size": 250002, "max_position_embeddings": 8194}),
    "mpnet": ("mpnet", {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12,
                        "num_hidden_layers": 12, "vocab_size": 30527, "max_position_embeddings": 514}),
}
SIZES = ("hidden_size", "intermediate_size", "vocab_size", "max_position_embeddings")


def shapes_of(path):
    with path.open("rb") as file:
        length, = struct.unpack("<Q", file.read(8))
        return {name: entry["shape"] for name, entry in json.loads(file.read(length)).items() if "shape" in entry}


def grow(tiny, config, sizes):
    """The tensors of `tiny`, larger and as many as there are layers then. A size of its own stays."""
    larger = {config[name]: sizes[name] for name in SIZES}
    for name, shape in shapes_of(tiny).items():
        layers = sizes["num_hidden_layers"] if ".layer.0." in name else 1
        if ".layer." in name and ".layer.0." not in name:
            continue
        grown = [larger.get(size, size) for size in shape]
        if "relative_attention_bias" in name:  # [buckets, heads], and as many buckets as the tiny one is wide
            grown = [shape[0], sizes["num_attention_heads"]]
        for layer in range(layers):
            yield name.replace(".layer.0.", f".layer.{layer}."), grown


def write(path, tensors):
    """Each tensor is drawn and written by itself, for together they may not fit into memory."""
    header, at = {}, 0
    for name, shape in tensors:
        end = at + 4 * int(np.prod(shape))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    random = np.random.default_rng(1)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in tensors:
            values = random.standard_normal(shape, dtype=np.float32) * np.float32(0.02)
            file.write((values + (1 if "LayerNorm.weight" in name else 0)).astype(np.float32).tobytes())


def main():
    tiny_name, sizes = MODELS[sys.argv[1]]
    if len(sys.argv) > 3:
        sizes["num_hidden_layers"] = int(sys.argv[3])
    tiny, folder = TINY / tiny_name, pathlib.Path(sys.argv[2])
    shutil.copytree(tiny, folder, ignore=shutil.ignore_patterns("*_Dense", "*.safetensors", "*.pt"))
    config = json.loads((tiny / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | sizes, indent=1))
    modules = [m for m in json.loads((tiny / "modules.json").read_text()) if not m["type"].endswith("Dense")]
    (folder / "modules.json").write_text(json.dumps(modules, indent=1))
    for path in tiny.glob("*/config.json"):
        if (folder / path.parent.name).exists():
            pooling = json.loads(path.read_text())
            pooling = {k: sizes["hidden_size"] if v == config["hidden_size"] else v for k, v in pooling.items()}
            (folder / path.parent.name / "config.json").write_text(json.dumps(pooling))
    limits = json.loads((tiny / "sentence_bert_config.json").read_text())
    limits["max_seq_length"] = sizes["max_position_embeddings"] - 2
    (folder / "sentence_bert_config.json").write_text(json.dumps(limits))
    write(folder / "model.safetensors", list(grow(tiny / "model.safetensors", config, sizes)))
    width = sizes["hidden_size"]
    for head, outputs in (("sparse_linear", 1), ("colbert_linear", width)):
        if (tiny / f"{head}.safetensors").exists():
            write(folder / f"{head}.safetensors", [("weight", [outputs, width]), ("bias", [outputs])])


if __name__ == "__main__":
    main()
