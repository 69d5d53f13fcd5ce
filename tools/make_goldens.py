#!/usr/bin/env python3
"""Makes tests/golden: tiny random models of every family, and expected vectors for them and for
all-MiniLM-L6-v2, with the reference implementation in f32.

  make_goldens.py [--minilm FOLDER] [--only NAME]

Needs torch 2.15.0, transformers 5.23.0, sentence-transformers 6.2.0, tokenizers 0.23.3, model2vec 0.10.0. What made
the files is written into tests/golden/versions.json. Each set NAME has
  NAME.jsonl  a line per text: text, prompt, tokens (how many ids), prompt_tokens
  NAME.ids    all ids, one text after the other, u16 little-endian
  NAME.f32    the vectors, f32 little-endian
and the tiny models lie in models/NAME. A model with heads (bge-m3) has besides
  NAME.sparse.jsonl      a line per text: {"token id": weight}
  NAME.multivector.f32   the vectors of all tokens but the first, one text after the other
"""
import argparse
import inspect
import json
import os
import pathlib
import random
import shutil
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"

import model2vec
import numpy as np
import sentence_transformers
import tokenizers
import torch
import transformers
from reference_models import JinaBertConfig, JinaBertModel
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import LayerNorm, Pooling, StaticEmbedding
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = HERE / "tests" / "golden"

SENTENCES = """
How do I undo the last commit without losing my changes?
The quick brown fox jumps over the lazy dog.
Le cœur a ses raisons que la raison ne connaît point.
Où se trouve la gare la plus proche, s'il vous plaît ?
Der Zug nach München fährt heute von Gleis zwölf ab.
Größere Straßen führen über die Brücke am Fluß.
¿Cuánto cuesta un billete de ida y vuelta a Sevilla?
El niño comió una manzana mientras llovía en la montaña.
A programação é uma arte que exige paciência e coração.
La pioggia cade leggera sui tetti rossi della città.
De kat zit op de mat en kijkt naar de vogels buiten.
Zażółć gęślą jaźń, a potem wypij herbatę.
Příliš žluťoučký kůň úpěl ďábelské ódy.
Árvíztűrő tükörfúrógép a konyhaasztalon.
Bugün hava çok güzel, yürüyüşe çıkalım mı? İstanbul ışıkları.
Съешь же ещё этих мягких французских булок, да выпей чаю.
Як справи? Сьогодні гарна погода для прогулянки.
Ο καιρός είναι καλός και η θάλασσα ήρεμη σήμερα.
שלום, איך אפשר להגיע לתחנת הרכבת מכאן?
مرحبا، كيف يمكنني الوصول إلى محطة القطار؟
هوا امروز خوب است و ما به پارک می‌رویم.
नमस्ते, आज मौसम बहुत अच्छा है।
আমি বাংলায় গান গাই আর বই পড়ি।
இன்று வானிலை மிகவும் நன்றாக உள்ளது.
วันนี้อากาศดีมากและเราจะไปเดินเล่นที่สวนสาธารณะ
Hôm nay trời đẹp, chúng ta đi dạo trong công viên nhé.
今天天气很好，我们去公园散步吧。
昨天的會議取消了，請查看新的時間表。
今日は天気がいいので、公園へ散歩に行きましょう。
オープンソースのソフトウェアをカタカナで書く。
오늘은 날씨가 좋으니 공원에 산책하러 갑시다.
Selamat pagi, apakah kamu sudah makan nasi goreng?
Habari ya asubuhi, tunakwenda sokoni kununua matunda.
Kumusta ka? Maganda ang panahon ngayong araw.
""".strip().split("\n")

EDGES = [
    "", " ", "\t", "\n", "   \n\t  ", "\u00a0", "\u3000", "\u200b", "a", "A", "é", "ß", "1", ".", "?", "中", "あ", "한",
    "😀", "👩‍👩‍👧‍👦", "🇩🇪🇫🇷", "👍🏽 great", "I ❤️ this 🎉🎉🎉", "text 😀 in 🚀 between", "\u202eright to left override\u202c",
    "\u0000", "a\u0000b", "a\u0001b\u0002c", "\u007f", "bell\u0007 and escape \u001b[31mred\u001b[0m", "\ufeffbyte order mark",
    "\u0301", "e\u0301", "ﬁ ligature ﬂow", "①②③ ½ ¼", "Ａ full width Ｚ", "x\u00adsoft\u00adhyphen", "\ufffd", "\u2028line\u2029paragraph",
    "[CLS] [SEP] [PAD] [MASK] [UNK]", "<s> </s> <pad> <mask> <unk>", "a <pad> b <pad> c", "a [PAD] b", "[MASK]",
    "https://example.org/path?query=1&x=%20#frag", "user@example.org", "C:\\Windows\\System32\\drivers\\etc\\hosts",
    "def f(x):\n    return x ** 2  # square\n", "<html><body class=\"x\">text</body></html>", "{\"key\": [1, 2.5e-3, null]}",
    "3.14159265358979", "2026-11-21T08:00:00Z", "+49 (0) 89 1234567", "!!!???...", "-----", "________", "\"'`´‘’“”«»",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "a" * 100, "a" * 101, "b" * 1000, "." * 600, "ab " * 700, "word " * 255,
    "word " * 254, "word " * 253, "é" * 300, "中" * 400, "supercalifragilisticexpialidocious", "antidisestablishmentarianism " * 40,
    "Ünïcödé àçčéñts", "mixed שלום and مرحبا and 你好 and Привет", "tab\tseparated\tvalues", "trailing space ", " leading space",
    "UPPER CASE TEXT", "CamelCaseIdentifierName snake_case_name kebab-case-name", "don't can't won't it's", "a\r\nb\rc\nd",
]


def real_lines(count):
    """Lines of the documentation that the pinned reference library carries (Apache-2.0)."""
    lines = []
    for path in sorted(pathlib.Path(sentence_transformers.__file__).parent.rglob("*.py")):
        for line in path.read_text("utf8").splitlines():
            line = line.strip()
            if len(line) > 24 and line.count(" ") > 3 and not line.startswith(("from ", "import ", "#")):
                lines.append(line)
    lines = sorted(set(lines))
    return random.Random(20).sample(lines, count)


def minilm_texts():
    rng = random.Random(6)
    texts = EDGES + SENTENCES
    texts += [" ".join(rng.sample(SENTENCES, rng.randint(2, 5))) for _ in range(60)]
    lines = real_lines(800)
    texts += lines[:700]
    texts += ["\n".join(rng.sample(lines, rng.randint(2, 12))) for _ in range(60)]
    texts += [" ".join(rng.sample(lines, 90)) for _ in range(4)]  # far over-long
    for _ in range(1010 - len(texts)):
        points = [rng.choice([rng.randint(1, 0x7F), rng.randint(0x80, 0x2FFF), rng.randint(0xE000, 0x1FFFF)])
                  for _ in range(rng.randint(1, 40))]
        texts.append("".join(map(chr, points)))
    return texts


def tiny_texts():
    long = " ".join(SENTENCES)
    return EDGES[:36] + SENTENCES + ["a <pad> b <pad> c", "[PAD] a [PAD]", long[:600], long * 3]


def m3_texts():
    return EDGES[:36] + SENTENCES[:14] + ["<s> </s> <pad> <mask> <unk>", "the mill the mill The mill", "a <pad> b <pad> c",
                                          " ".join(SENTENCES[:8]), " ".join(SENTENCES * 3)]


SPECIALS = {"bert": ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], "s": ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]}


def make_tokenizer(kind, vocab_size, max_length):
    specials = SPECIALS["bert" if kind == "wordpiece" else "s"]
    if kind in ("wordpiece", "wordpiece-s"):
        unk = "[UNK]" if kind == "wordpiece" else "<unk>"
        tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token=unk))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece()
        trainer = trainers.WordPieceTrainer(vocab_size=vocab_size, special_tokens=specials, show_progress=False)
    elif kind == "byte-bpe":
        tokenizer = tokenizers.Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=specials, show_progress=False,
                                      initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    else:
        tokenizer = tokenizers.Tokenizer(models.Unigram())
        tokenizer.normalizer = normalizers.NFKC()
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        tokenizer.decoder = decoders.Metaspace()
        trainer = trainers.UnigramTrainer(vocab_size=vocab_size, special_tokens=specials, unk_token="<unk>",
                                          show_progress=False)
    latin = [line for line in SENTENCES * 3 + real_lines(300) if max(line) < "\u0250"]
    tokenizer.train_from_iterator(latin, trainer)
    bert = kind == "wordpiece"
    first, last, pad = ("[CLS]", "[SEP]", "[PAD]") if bert else ("<s>", "</s>", "<pad>")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", pair=f"{first} $A {last} $B {last}",
        special_tokens=[(first, tokenizer.token_to_id(first)), (last, tokenizer.token_to_id(last))])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=max_length, pad_token=pad, cls_token=first, sep_token=last,
        unk_token="[UNK]" if bert else "<unk>", mask_token="[MASK]" if bert else "<mask>",
        model_input_names=["input_ids", "attention_mask"])


def randomize(module, seed):
    """Weights large enough that attention, norms and activations all matter."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(module.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name.lower() and name.endswith("weight"):
                parameter.copy_(1 + 0.1 * noise)
            elif name.endswith("bias") and parameter.ndim == 1:
                parameter.copy_(0.1 * noise)
            else:
                parameter.copy_((0.5 if "embeddings" in name or "bias" in name else 0.25) * noise)


SEEDS = {name: 100 + i for i, name in enumerate([
    "bert", "bert-bare", "camembert", "distilbert", "mpnet", "roberta", "xlm-roberta", "electra", "modernbert", "nomic-bert", "gte",
    "jina-bert"])} | {"xlm-roberta-m3": 107}  # new names get numbers of their own
COMMON = dict(hidden_size=32, num_attention_heads=4, intermediate_size=64, num_hidden_layers=2)
# name: config class, its arguments, tokenizer, vocabulary, max length, tail of modules, prompts, layout
TINY = {
    "bert": (transformers.BertConfig, dict(COMMON, max_position_embeddings=80), "wordpiece", 320, 64,
             lambda: [Pooling(32, pooling_mode=("cls", "max")), Dense(64, 24), Normalize()], {}, "gamma old"),
    "bert-bare": (transformers.BertConfig, dict(COMMON, max_position_embeddings=64, hidden_act="silu"), "wordpiece", 280,
                  64, None, {}, "bare"),
    "roberta": (transformers.RobertaConfig, dict(COMMON, max_position_embeddings=130, type_vocab_size=1, hidden_act="gelu_new",
                                                 layer_norm_eps=1e-5), "byte-bpe", 340, 128,
                lambda: [Pooling(32, pooling_mode="mean"), Normalize()], {"query": "query: ", "document": "passage: "}, ""),
    "xlm-roberta": (transformers.XLMRobertaConfig, dict(COMMON, max_position_embeddings=98, type_vocab_size=1, layer_norm_eps=1e-5),
                    "unigram", 360, 96,
                    lambda: [Pooling(32, pooling_mode="mean", include_prompt=False), Normalize()],
                    {"query": "Represent this sentence: ", "document": ""}, "sharded"),
    "camembert": (transformers.CamembertConfig, dict(COMMON, max_position_embeddings=66, type_vocab_size=1, hidden_act="relu",
                                                     layer_norm_eps=1e-5), "unigram", 300, 64,
                  lambda: [Pooling(32, pooling_mode=("weightedmean", "lasttoken"), include_prompt=False), LayerNorm(64)],
                  {"query": "find it: "}, "f16"),
    "mpnet": (transformers.MPNetConfig, dict(COMMON, max_position_embeddings=302, layer_norm_eps=1e-5), "wordpiece-s", 300, 300,
              lambda: [Pooling(32, pooling_mode="mean_sqrt_len_tokens"),
                       Dense(32, 32, activation_function=torch.nn.GELU(), use_residual=True),
                       Dense(32, 16, bias=False, activation_function=torch.nn.Identity(), use_residual=True), Normalize()], {}, ""),
    "distilbert": (transformers.DistilBertConfig, dict(dim=32, n_heads=4, hidden_dim=64, n_layers=2, max_position_embeddings=64),
                   "wordpiece", 290, 64, lambda: [Pooling(32, pooling_mode=("max", "mean")), Normalize()], {}, "bf16"),
    # bge-m3 in small.
    "xlm-roberta-m3": (transformers.XLMRobertaConfig, dict(COMMON, max_position_embeddings=1026, type_vocab_size=1,
                                                           layer_norm_eps=1e-5), "unigram", 360, 1024,
                       lambda: [Pooling(32, pooling_mode="cls"), Normalize()], {}, "f16 heads"),
    "electra": (transformers.ElectraConfig, dict(COMMON, embedding_size=24, max_position_embeddings=140), "wordpiece", 310, 140,
                lambda: [Pooling(32, pooling_mode="mean"), Normalize()], {}, ""),
    "modernbert": (transformers.ModernBertConfig,
                   dict(COMMON, num_hidden_layers=4, intermediate_size=48, max_position_embeddings=400, local_attention=64),
                   "byte-bpe", 330, 400, lambda: [Pooling(32, pooling_mode="mean"), Normalize()], {}, ""),
    "nomic-bert": (transformers.NomicBertConfig, dict(COMMON, intermediate_size=256, max_position_embeddings=300), "wordpiece", 312,
                   300, lambda: [Pooling(32, pooling_mode="mean"), Normalize()],
                   {"query": "search_query: ", "document": "search_document: "}, "f16"),
    "gte": (transformers.GteConfig,
            dict(COMMON, max_position_embeddings=300, rope_parameters={"rope_type": "default", "rope_theta": 500.0}), "unigram", 350,
            300, lambda: [Pooling(32, pooling_mode="cls"), Normalize()], {}, ""),
    "jina-bert": (JinaBertConfig, dict(COMMON, hidden_size=36, num_attention_heads=6, max_position_embeddings=300), "wordpiece", 306,
                  300, lambda: [Pooling(36, pooling_mode="mean"), Normalize()], {}, ""),
}
transformers.AutoConfig.register(JinaBertConfig.model_type, JinaBertConfig)
transformers.AutoModel.register(JinaBertConfig, JinaBertModel)

NTK_FACTOR = 2.0


def scale_rotary(model):
    """NTKScalingRotaryEmbedding of modeling.py in Alibaba-NLP/new-impl; transformers has no such type."""
    dim = model.config.hidden_size // model.config.num_attention_heads
    base = model.config.rope_parameters["rope_theta"] * NTK_FACTOR
    frequencies = 1.0 / base ** (torch.arange(0, dim, 2, dtype=torch.float32) / dim)
    model.rotary_emb.inv_freq = frequencies / NTK_FACTOR ** (2 / dim)


# The config.json of the checkpoints, whose code lies beside them, says the same under other names.
PUBLISHED = {
    "nomic-bert": lambda c: {
        "activation_function": "swiglu", "architectures": ["NomicBertModel"],
        "auto_map": {"AutoModel": "nomic-ai/nomic-bert-2048--modeling_hf_nomic_bert.NomicBertModel"},
        "causal": False, "layer_norm_epsilon": c["layer_norm_eps"], "mlp_fc1_bias": False, "mlp_fc2_bias": False,
        "model_type": "nomic_bert", "n_embd": c["hidden_size"], "n_head": c["num_attention_heads"],
        "n_inner": c["intermediate_size"], "n_layer": c["num_hidden_layers"], "n_positions": c["max_position_embeddings"],
        "prenorm": False, "qkv_proj_bias": False, "rotary_emb_base": 1000, "rotary_emb_fraction": 1.0,
        "rotary_emb_interleaved": False, "rotary_emb_scale_base": None, "rotary_scaling_factor": None,
        "type_vocab_size": 2, "use_rms_norm": False, "vocab_size": c["vocab_size"]},
    "gte": lambda c: {key: c[key] for key in c if key != "rope_parameters"} | {
        "architectures": ["NewModel"], "auto_map": {"AutoModel": "Alibaba-NLP/new-impl--modeling.NewModel"},
        "model_type": "new", "layer_norm_type": "layer_norm", "logn_attention_scale": False, "pack_qkv": True,
        "position_embedding_type": "rope", "rope_theta": 500.0, "rope_scaling": {"factor": NTK_FACTOR, "type": "ntk"}},
    "jina-bert": lambda c: c | {
        "architectures": ["JinaBertForMaskedLM"], "model_type": "bert", "position_embedding_type": "alibi",
        "auto_map": {"AutoModel": "jinaai/jina-bert-implementation--modeling_bert.JinaBertModel"},
        "feed_forward_type": "geglu", "emb_pooler": "mean"},
}


def publish(name, folder):
    path = folder / "config.json"
    config = PUBLISHED[name](json.loads(path.read_text()))
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def rewrite_weights(folder, layout, config):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    if "gamma" in layout:  # as checkpoints from before 2020 name them, below a prefix
        tensors = {"bert." + name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): t
                   for name, t in tensors.items()}
    for word, dtype in (("bf16", torch.bfloat16), ("f16", torch.float16)):
        if word in layout.split():
            tensors = {name: t.to(dtype) for name, t in tensors.items()}
    if "sharded" in layout:
        path.unlink()
        names = sorted(tensors)
        shards = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
        for shard, part in shards.items():
            save_file({name: tensors[name].contiguous() for name in part}, folder / shard, {"format": "pt"})
        index = {"metadata": {"total_size": sum(t.nbytes for t in tensors.values())},
                 "weight_map": {name: shard for shard, part in shards.items() for name in part}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))
    else:
        save_file(tensors, path, {"format": "pt"})
    if "old" in layout:  # modules.json and 1_Pooling/config.json as before 5.4
        modules = json.loads((folder / "modules.json").read_text())
        for module in modules:
            module["type"] = "sentence_transformers.models." + module["type"].split(".")[-1]
        (folder / "modules.json").write_text(json.dumps(modules, indent=2))
        pooling = {"word_embedding_dimension": 32, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False,
                   "pooling_mode_max_tokens": True, "pooling_mode_mean_sqrt_len_tokens": False}
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling, indent=2))
        (folder / "sentence_bert_config.json").write_text('{\n  "max_seq_length": 48,\n  "do_lower_case": false\n}')


def make_model(name):
    config_class, arguments, kind, vocab, max_length, tail, prompts, layout = TINY[name]
    tokenizer = make_tokenizer(kind, vocab, max_length)
    if "heads" in layout:
        tokenizer.eos_token = "</s>"  # as XLM-RoBERTa's own tokenizer has it
    config = config_class(vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id,
                          bos_token_id=tokenizer.cls_token_id, eos_token_id=tokenizer.sep_token_id, **arguments)
    model = transformers.AutoModel.from_config(config)
    folder = GOLDEN / "models" / name
    shutil.rmtree(folder, ignore_errors=True)
    seed = SEEDS[name]
    randomize(model, seed)
    with tempfile.TemporaryDirectory() as base:
        model.save_pretrained(base)
        tokenizer.save_pretrained(base)
        if tail is None:
            shutil.copytree(base, folder)
        else:
            chain = tail()
            for i, module in enumerate(chain):
                randomize(module, seed + 50 + i)
            SentenceTransformer(modules=[Transformer(base), *chain], prompts=prompts).save(str(folder), create_model_card=False)
    rewrite_weights(folder, layout, config)
    if "heads" in layout:
        make_heads(folder, seed)
    return folder


def make_heads(folder, seed):
    """As in BAAI/bge-m3: state dicts in f16, saved by torch; beside them what import makes of them."""
    for name, size, offset in (("sparse_linear", 1, 90), ("colbert_linear", 24, 91)):
        linear = torch.nn.Linear(32, size)
        randomize(linear, seed + offset)
        if size == 1:
            linear.bias.data += 1  # so that most tokens have a weight, and some have none
        state = {key: tensor.half() for key, tensor in linear.state_dict().items()}
        torch.save(state, folder / f"{name}.pt")
        save_file(state, folder / f"{name}.safetensors", {"format": "pt"})


def write_heads(name, folder):
    """By the formulas of FlagEmbedding 1.3 (FlagOpen/FlagEmbedding): `_sparse_embedding` and `_colbert_embedding` of
    EncoderOnlyEmbedderM3ModelForInference in finetune/embedder/encoder_only/m3/modeling.py; `_process_token_weights` and
    `_process_colbert_vecs` of M3Embedder in inference/embedder/encoder_only/m3.py."""
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    heads = {name: {key: tensor.float() for key, tensor in torch.load(folder / f"{name}.pt", weights_only=True).items()}
             for name in ("sparse_linear", "colbert_linear")}
    unused = {tokenizer.convert_tokens_to_ids(tokenizer.special_tokens_map[token])
              for token in ("cls_token", "eos_token", "pad_token", "unk_token")}
    all_ids = np.fromfile(GOLDEN / f"{name}.ids", "<u2").astype(np.int64)
    dense = np.fromfile(GOLDEN / f"{name}.f32", "<f4").reshape(-1, 32)
    lines, vectors, at = [], [], 0
    for number, line in enumerate((GOLDEN / f"{name}.jsonl").read_text("utf8").splitlines()):
        tokens = json.loads(line)["tokens"]
        ids = all_ids[at:at + tokens]
        at += tokens
        with torch.no_grad():
            hidden = model(input_ids=torch.tensor(ids)[None]).last_hidden_state[0]
            weights = torch.relu(torch.nn.functional.linear(hidden, **heads["sparse_linear"]))[:, 0]
            colbert = torch.nn.functional.linear(hidden[1:], **heads["colbert_linear"])
            vectors.append(torch.nn.functional.normalize(colbert, dim=-1).numpy())
            cls = torch.nn.functional.normalize(hidden[0], dim=-1).numpy()
        assert np.abs(cls - dense[number]).max() < 1e-6, number  # sentence-transformers agrees
        result = {}
        for weight, token in zip(weights.tolist(), ids.tolist()):
            if token not in unused and weight > result.get(token, 0):
                result[token] = weight
        lines.append(json.dumps({str(token): result[token] for token in sorted(result)}))
    (GOLDEN / f"{name}.sparse.jsonl").write_text("\n".join(lines) + "\n")
    np.concatenate(vectors).astype("<f4").tofile(GOLDEN / f"{name}.multivector.f32")
    print(f"{name}: {sum(len(json.loads(line)) for line in lines)} weights, {sum(map(len, vectors))} token vectors")


def static_folder(name):
    folder = GOLDEN / "models" / name
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def make_static(seed, rows):
    rng = np.random.default_rng(seed)
    tokenizer = make_tokenizer("wordpiece", 320, 512)._tokenizer
    rows = tokenizer.get_vocab_size() if rows is None else rows
    return tokenizer, rng, rng.standard_normal((rows, 24)).astype(np.float32)


def write_static():
    """A StaticEmbedding module in a folder of its own, as older versions save it, and a prompt."""
    folder = static_folder("static-embedding")
    tokenizer, _, rows = make_static(201, None)
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=rows), Normalize()],
                                prompts={"query": "query: "})
    model.save(str(folder), create_model_card=False)
    (folder / "0_StaticEmbedding").mkdir()
    for file in ("model.safetensors", "tokenizer.json"):
        (folder / file).rename(folder / "0_StaticEmbedding" / file)
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["path"] = "0_StaticEmbedding"
    (folder / "modules.json").write_text(json.dumps(modules, indent=2))
    model = SentenceTransformer(str(folder), device="cpu")
    examples = []
    for number, text in enumerate(tiny_texts()):
        prompt = ["query: ", ""][number % 2]
        ids = model[0].preprocess([text], prompt=prompt)["input_ids"].tolist()
        examples.append((text, prompt, ids, 0, model.encode([text], prompt=prompt or None)[0]))
    write_files("static-embedding", examples)


def write_model2vec():
    """A quantised vocabulary (mapping, weights), and a plain folder without modules.json."""
    for name, seed, stored in (("model2vec", 202, None), ("model2vec-quantized", 203, 90)):
        folder = static_folder(name)
        tokenizer, rng, rows = make_static(seed, stored)
        extra = {}
        if stored is not None:
            tokens = tokenizer.get_vocab_size()
            extra = {"token_mapping": rng.integers(0, stored, tokens),
                     "weights": rng.uniform(0.2, 2, tokens).astype(np.float32)}
        model = model2vec.StaticModel(rows, tokenizer, {"model_type": "model2vec"}, normalize=True, max_length=96, **extra)
        model.save_pretrained(folder)
        (folder / "README.md").unlink()
        if stored is None:
            (folder / "modules.json").unlink()
        model = model2vec.StaticModel.from_pretrained(folder)
        examples = []
        for text in tiny_texts():
            ids = model.tokenizer.encode(text, add_special_tokens=False).ids
            cut = text[: model.max_length * model.median_token_length]
            assert ids == model.tokenizer.encode(cut, add_special_tokens=False).ids, "characters are cut before tokens"
            examples.append((text, "", ids, 0, model.encode([text])[0]))
        write_files(name, examples)


STATIC = {"static-embedding": write_static, "model2vec": write_model2vec}


def write_files(name, examples):
    """Of each: text, prompt, ids, how many of them are the prompt's, vector."""
    lines = [json.dumps({"text": text, "prompt": prompt, "tokens": len(ids), "prompt_tokens": length}, ensure_ascii=False)
             for text, prompt, ids, length, _ in examples]
    all_ids = [token for example in examples for token in example[2]]
    vectors = np.stack([example[4] for example in examples]).astype("<f4")
    assert np.isfinite(vectors).all(), name
    (GOLDEN / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf8")
    np.array(all_ids, dtype="<u2").tofile(GOLDEN / f"{name}.ids")
    vectors.tofile(GOLDEN / f"{name}.f32")
    print(f"{name}: {len(examples)} texts, {len(all_ids)} tokens, {vectors.shape[1]} components")


def write_set(name, folder, texts):
    model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})
    if name == "gte":
        scale_rotary(model[0].auto_model)
    prompts = [p for p in dict.fromkeys([*model.prompts.values(), ""])]
    examples = []
    for number, text in enumerate(texts):
        prompt = prompts[number % len(prompts)]
        ids = model[0].preprocess([prompt + text])["input_ids"][0].tolist()
        length = model[0]._get_prompt_length(prompt) if prompt else 0
        vector = model.encode([text], prompt=prompt or None, batch_size=1)[0]
        examples.append((text, prompt, ids, length, vector))
    write_files(name, examples)


def main():
    parser = argparse.ArgumentParser(description=inspect.cleandoc(__doc__), formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minilm", type=pathlib.Path, default=HERE / ".cache/models/all-MiniLM-L6-v2")
    parser.add_argument("--only")
    arguments = parser.parse_args()
    torch.manual_seed(1)
    for name in TINY:
        if arguments.only in (None, name):
            folder = make_model(name)
            write_set(name, folder, m3_texts() if "heads" in TINY[name][-1] else tiny_texts())
            if "heads" in TINY[name][-1]:
                write_heads(name, folder)
            if name in PUBLISHED:
                publish(name, folder)
    for name, write in STATIC.items():
        if arguments.only in (None, name):
            write()
    if arguments.only in (None, "all-MiniLM-L6-v2"):
        write_set("all-MiniLM-L6-v2", arguments.minilm, minilm_texts())
    versions = {m.__name__: m.__version__ for m in (torch, transformers, sentence_transformers, tokenizers, np, model2vec)}
    (GOLDEN / "versions.json").write_text(json.dumps(versions, indent=1) + "\n")


if __name__ == "__main__":
    main()
