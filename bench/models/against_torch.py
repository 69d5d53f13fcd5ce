"""How far the vectors of a bge-m3 folder are from transformers' in f32: dense, sparse and multi-vector, at any length.

    PYTHON bench/models/against_torch.py VECMILL FOLDER [--tokens 13,512,8192] [--dtype f32]

PYTHON has bench/peers/requirements.txt. Largest difference of a component, and smallest cosine of a vector.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import AutoModel

HEADS = ("sparse_linear", "colbert_linear")


def prose():
    files = sorted(path for path in pathlib.Path("/usr/share/common-licenses").iterdir() if not path.is_symlink())
    return " ".join(" ".join(path.read_text(encoding="utf-8", errors="replace").split()) for path in files)


def ours(vecmill, folder, text, tokens, dtype):
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        (work / "text.txt").write_text(text + "\n", encoding="utf-8")
        command = [vecmill, "embed", "text.txt", "--model", folder, "--out", "out.jsonl", "--outputs",
                   "dense,sparse,multivector", "--max-seq-length", str(tokens), "--dtype", dtype]
        subprocess.run([*command, "--quiet", "--no-cache"], cwd=work, check=True, stdout=subprocess.DEVNULL)
        row = json.loads((work / "out.jsonl").read_text())
    dense = np.array(row["dense"], np.float32)
    sparse = dict(zip(map(str, row["sparse"]["indices"]), row["sparse"]["values"]))
    return dense, sparse, np.array(row["multivector"], np.float32).reshape(-1, len(dense))


def theirs(folder, model, text, tokens):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(tokens)
    ids = tokenizer.encode(text).ids
    heads = {name: {key: value.float() for key, value in load_file(folder / f"{name}.safetensors").items()}
             for name in HEADS}
    with torch.no_grad():
        hidden = model(input_ids=torch.tensor(ids)[None]).last_hidden_state[0]
        weights = torch.relu(torch.nn.functional.linear(hidden, **heads["sparse_linear"]))[:, 0]
        multi = torch.nn.functional.linear(hidden[1:], **heads["colbert_linear"])
        multi = torch.nn.functional.normalize(multi, dim=-1).numpy()
        dense = torch.nn.functional.normalize(hidden[0], dim=-1).numpy()
    unused = {tokenizer.token_to_id(token) for token in ("<s>", "</s>", "<pad>", "<unk>")}
    sparse = {}
    for weight, token in zip(weights.tolist(), ids):
        if token not in unused and weight > 0:
            sparse[str(token)] = max(weight, sparse.get(str(token), 0))
    return len(ids), dense, sparse, multi


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vecmill", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tokens", default="13,512,8192")
    parser.add_argument("--dtype", default="f32")
    options = parser.parse_args()
    folder, text = options.folder.resolve(), prose()
    model = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa").eval()
    for tokens in map(int, options.tokens.split(",")):
        count, dense, sparse, multi = theirs(folder, model, text, tokens)
        found = ours(options.vecmill.resolve(), folder, text, tokens, options.dtype)
        # A weight that is nothing on one side only differs by what the other side has.
        apart = max((abs(sparse.get(key, 0) - found[1].get(key, 0)) for key in sparse.keys() | found[1].keys()),
                    default=0)
        largest = max(sparse.values(), default=0)
        print(f"{count} tokens, {options.dtype}: dense {np.abs(dense - found[0]).max():.2g} "
              f"(cosine {dense @ found[0]:.9f}), sparse {apart:.2g} of {largest:.2g} ({len(sparse)} weights), "
              f"multi-vector {np.abs(multi - found[2]).max():.2g} "
              f"(smallest cosine {(multi * found[2]).sum(1).min():.9f})")


if __name__ == "__main__":
    main()
