#!/usr/bin/env python3
"""make_torch_fixtures.py: writes src/hub/testdata, the files that the reader of torch's weights is
tested with, and beside each the same tensors as safetensors. Needs torch and safetensors.
"""

import pathlib

import torch
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "src" / "hub" / "testdata"


def numbers(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    count = int(torch.tensor(shape).prod())
    return (torch.arange(count) - 3).to(dtype).reshape(shape)


class Small(torch.nn.Module):
    """A module, because only their state dicts carry the attribute `_metadata`."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.dense = torch.nn.Linear(3, 2)
        self.norm = torch.nn.LayerNorm(2)


def all_kinds() -> dict[str, torch.Tensor]:
    shared = numbers(4, 6)
    kinds = {
        "bool": torch.tensor([True, False, True]),
        "empty": torch.zeros(0, 4),
        "scalar": torch.tensor(1.5),
        "shared.row": shared[2],
        "shared.transposed": shared.t(),
        "shared.every_other": shared[1:, ::2],
        "tied": shared,
    }
    for dtype in ("float32", "float16", "bfloat16", "float64", "int64", "int32", "int16", "int8"):
        kinds[dtype] = numbers(2, 5, dtype=getattr(torch, dtype))
    kinds["uint8"] = torch.arange(7, dtype=torch.uint8)
    return kinds


def write(name: str, saved: object, tensors: dict[str, torch.Tensor]) -> None:
    torch.save(saved, FOLDER / name)
    plain = {key: tensor.detach().contiguous().clone() for key, tensor in tensors.items()}
    save_file(plain, FOLDER / (name + ".safetensors"))


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    kinds = all_kinds()
    write("kinds.pt", kinds, kinds)
    module = Small()
    write("module.pt", module.state_dict(), module.state_dict())
    parameters = dict(module.named_parameters())
    write("parameters.pt", parameters, parameters)
    checkpoint = {"epoch": 3, "rate": 0.5, "history": [(1, None), (2, True)]}
    write("checkpoint.pt", checkpoint | {"state_dict": parameters}, parameters)
    torch.save(kinds, FOLDER / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(module, FOLDER / "whole_module.pt")


if __name__ == "__main__":
    main()
