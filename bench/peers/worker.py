"""One peer in a process of its own: `worker.py NAME MODEL_FOLDER WORK_FOLDER`; the names stand in ENGINES.

Speaks the protocol of ours_main.cc: a line of JSON in, a line of JSON out.
  {"load": NAME, "path": FILE}           token ids of many texts (int32: n, lengths, ids)
  {"run": NAME, "batch": B, "repeat": R} -> {"seconds": s}, the median of R; length-sorted batches of
                                         B texts, all cores
  {"save": NAME, "batch": B, "path": F}  -> the vectors in input order, float32 [n, dims]
Padded batches are built when a set is loaded or a batch size first used: they are not in the time.
"""

import json
import os
import pathlib
import sys
import time

import numpy as np

CORES = len(os.sched_getaffinity(0))


def takes_first(folder: str) -> bool:
    """Whether a text's vector is that of its first token, and not the mean of all."""
    path = pathlib.Path(folder) / "1_Pooling/config.json"
    pooling = json.loads(path.read_text()) if path.exists() else {}
    return pooling.get("pooling_mode_cls_token") or pooling.get("pooling_mode") == "cls"


class Pooled:
    """Builds the torch module: the transformer, the pooling of the folder, normalisation."""

    @staticmethod
    def make(folder: str, attention: str, dtype: str = "float32"):
        from functools import partial

        import torch
        from transformers import AutoModel

        class Module(torch.nn.Module):
            def __init__(self):
                super().__init__()
                made = partial(AutoModel.from_pretrained, folder, dtype=getattr(torch, dtype))
                try:
                    self.model = made(attn_implementation=attention)
                except ValueError:  # MPNet has no other
                    self.model = made(attn_implementation="eager")
                self.first = takes_first(folder)

            def forward(self, input_ids, attention_mask):
                hidden = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state.float()
                if self.first:
                    return torch.nn.functional.normalize(hidden[:, 0], dim=1)
                weights = attention_mask.unsqueeze(-1).to(hidden.dtype)
                mean = (hidden * weights).sum(1) / weights.sum(1)
                return torch.nn.functional.normalize(mean, dim=1)

        return Module().eval()


class Torch:
    DTYPE = "float32"

    def __init__(self, folder: str, _work: pathlib.Path):
        import torch
        torch.set_num_threads(CORES)
        self.torch = torch
        self.module = Pooled.make(folder, "sdpa", self.DTYPE)

    def prepare(self, ids: np.ndarray, mask: np.ndarray):
        return self.torch.from_numpy(ids), self.torch.from_numpy(mask)

    def encode(self, inputs) -> np.ndarray:
        with self.torch.inference_mode():
            return self.module(*inputs).numpy()


class TorchBf16(Torch):
    DTYPE = "bfloat16"


class OnnxRuntime:
    """The graph exported from torch, then fused by onnxruntime's own transformer optimiser."""

    def __init__(self, folder: str, work: pathlib.Path):
        import onnxruntime
        path = self.graph(folder, work)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = CORES
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    @classmethod
    def graph(cls, folder: str, work: pathlib.Path) -> pathlib.Path:
        path = work / "model.optimized.onnx"
        if not path.exists():
            cls.export(folder, work, path)
        return path

    @staticmethod
    def export(folder: str, work: pathlib.Path, path: pathlib.Path) -> None:
        import torch
        from onnxruntime.transformers import optimizer
        module = Pooled.make(folder, "eager")
        config = module.model.config
        example = torch.ones(2, 8, dtype=torch.long)
        axes = {0: "batch", 1: "tokens"}
        torch.onnx.export(module, (example, example), str(work / "model.onnx"), opset_version=17, dynamo=False,
                          input_names=["input_ids", "attention_mask"], output_names=["vectors"],
                          dynamic_axes={"input_ids": axes, "attention_mask": axes})
        fused = optimizer.optimize_model(str(work / "model.onnx"), "bert", num_heads=config.num_attention_heads,
                                         hidden_size=config.hidden_size)
        # A file of more than 2 GB cannot hold its weights itself.
        fused.save_model_to_file(str(path), use_external_data_format=large(module))

    def prepare(self, ids: np.ndarray, mask: np.ndarray):
        types = {i.name: (np.int32 if "int32" in i.type else np.int64) for i in self.session.get_inputs()}
        return {"input_ids": ids.astype(types["input_ids"]), "attention_mask": mask.astype(types["attention_mask"])}

    def encode(self, inputs) -> np.ndarray:
        return self.session.run(None, inputs)[0]


def large(module) -> bool:
    return sum(p.numel() for p in module.parameters()) * 4 > 1 << 30


class OnnxRuntimeInt8(OnnxRuntime):
    """Its dynamic quantisation: weights by channel, activations by tensor."""

    @classmethod
    def graph(cls, folder: str, work: pathlib.Path) -> pathlib.Path:
        import onnx
        from onnxruntime.quantization import QuantType, quantize_dynamic
        path = work / "model.int8.onnx"
        if not path.exists():
            # Seven bits for weights where sums of two products would overflow 16.
            vnni = "vnni" in pathlib.Path("/proc/cpuinfo").read_text()
            quantize_dynamic(OnnxRuntime.graph(folder, work), path, per_channel=True, reduce_range=not vnni,
                             weight_type=QuantType.QInt8,
                             extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})
        return path


class CTranslate2Int8:
    """Gives the last layer; mean and norm are numpy's and outside what it is good at, so in the time."""

    def __init__(self, folder: str, work: pathlib.Path):
        import ctranslate2
        path = work / "model.ctranslate2"
        if not path.exists():
            ctranslate2.converters.TransformersConverter(folder).convert(str(path), quantization="int8")
        self.encoder = ctranslate2.Encoder(str(path), device="cpu", compute_type="int8", intra_threads=CORES)
        self.storage = ctranslate2.StorageView
        self.first = takes_first(folder)

    def prepare(self, ids: np.ndarray, mask: np.ndarray):
        lengths = mask.sum(1).astype(np.int32)
        return (self.storage.from_array(ids.astype(np.int32)), self.storage.from_array(lengths),
                (mask / lengths[:, None]).astype(np.float32)[:, None, :])

    def encode(self, inputs) -> np.ndarray:
        ids, lengths, weights = inputs
        hidden = np.asarray(self.encoder.forward_batch(ids, lengths).last_hidden_state)
        mean = hidden[:, 0] if self.first else (weights @ hidden)[:, 0]
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)


class OpenVino:
    PRECISION = "f32"  # its default on processors with AMX or AVX512-BF16 would be bf16

    def __init__(self, folder: str, work: pathlib.Path):
        import openvino
        settings = {"INFERENCE_PRECISION_HINT": self.PRECISION, "INFERENCE_NUM_THREADS": CORES,
                    "PERFORMANCE_HINT": "LATENCY"}
        model = self.model(folder, work)
        self.request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()

    @classmethod
    def model(cls, folder: str, _work: pathlib.Path):
        import openvino
        import torch
        example = torch.ones(2, 8, dtype=torch.long)
        return openvino.convert_model(Pooled.make(folder, "sdpa"),
                                      example_input={"input_ids": example, "attention_mask": example},
                                      input=[("input_ids", [-1, -1]), ("attention_mask", [-1, -1])])

    def prepare(self, ids: np.ndarray, mask: np.ndarray):
        return [ids, mask]

    def encode(self, inputs) -> np.ndarray:
        return self.request.infer(inputs, share_inputs=True)[0]


class OpenVinoBf16(OpenVino):
    PRECISION = "bf16"


class OpenVinoInt8(OpenVinoBf16):
    """NNCF's quantisation after training, as for transformers, calibrated on prose like what is measured; what
    stays in floats is bf16."""

    @classmethod
    def model(cls, folder: str, work: pathlib.Path):
        import nncf
        import openvino
        path = work / "model.openvino-int8.xml"
        if not path.exists():
            made = nncf.quantize(OpenVino.model(folder, work), nncf.Dataset(calibration_texts(folder)),
                                 preset=nncf.QuantizationPreset.MIXED, model_type=nncf.ModelType.TRANSFORMER,
                                 subset_size=300)
            openvino.save_model(made, path, compress_to_fp16=False)
        return openvino.Core().read_model(path)


def calibration_texts(folder: str) -> list[dict[str, np.ndarray]]:
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    prose = pathlib.Path("/usr/share/common-licenses/GPL-3").read_text(encoding="utf-8").split()
    pieces = [" ".join(prose[i * 16:i * 16 + 8 + i % 120]) for i in range(300)]
    found = [np.array([encoding.ids]) for encoding in tokenizer.encode_batch(pieces)]
    return [{"input_ids": ids, "attention_mask": np.ones_like(ids)} for ids in found]


ENGINES = {"torch": Torch, "torch-bf16": TorchBf16, "onnxruntime": OnnxRuntime, "openvino": OpenVino,
           "openvino-bf16": OpenVinoBf16, "openvino-int8": OpenVinoInt8, "onnxruntime-int8": OnnxRuntimeInt8,
           "ctranslate2-int8": CTranslate2Int8}


def read_set(path: str) -> list[np.ndarray]:
    data = np.fromfile(path, dtype=np.int32)
    lengths = data[1:1 + data[0]]
    return np.split(data[1 + data[0]:], np.cumsum(lengths)[:-1])


def batches(engine, texts: list[np.ndarray], size: int):
    """Longest first, so that texts of one batch are of like length."""
    order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
    made = []
    for start in range(0, len(order), size):
        rows = order[start:start + size]
        width = len(texts[rows[0]])
        ids = np.zeros((len(rows), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, index in enumerate(rows):
            ids[row, :len(texts[index])] = texts[index]
            mask[row, :len(texts[index])] = 1
        made.append((rows, engine.prepare(ids, mask)))
    return made


def main() -> None:
    kind, folder, work = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    reply_to = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints must not end up among the replies
    engine = ENGINES[kind](folder, work)
    sets: dict[str, list[np.ndarray]] = {}
    prepared: dict[tuple[str, int], list] = {}

    def handle(request: dict) -> dict:
        if "load" in request:
            sets[request["load"]] = read_set(request["path"])
            return {}
        name = request.get("run") or request["save"]
        key = (name, request["batch"])
        if key not in prepared:
            prepared[key] = batches(engine, sets[name], request["batch"])
        taken = []
        for _ in range(request.get("repeat", 1)):
            started = time.perf_counter()
            out = [(rows, np.array(engine.encode(inputs))) for rows, inputs in prepared[key]]
            taken.append(time.perf_counter() - started)
        if "save" in request:
            vectors = np.concatenate([part for _, part in out])
            order = np.concatenate([rows for rows, _ in out])
            back = np.empty_like(vectors)
            back[order] = vectors
            back.astype(np.float32).tofile(request["path"])
        return {"seconds": float(np.median(taken))}

    print(json.dumps({"ready": kind}), file=reply_to, flush=True)
    for line in sys.stdin:
        print(json.dumps(handle(json.loads(line))), file=reply_to, flush=True)


if __name__ == "__main__":
    main()
