"""Reference models in plain torch for families whose published code is not part of transformers.

JinaBert follows modeling_bert.py of jinaai/jina-bert-implementation (jina-embeddings-v2-*): BERT
without positions, symmetric ALiBi on the scores, a gated feed-forward network.
"""
import math

import torch
from torch import nn
from transformers import BertConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput


class JinaBertConfig(BertConfig):
    model_type = "jina_bert_reference"


def slopes(heads):
    def power_of_two(n):
        start = 2 ** (-(2 ** -(math.log2(n) - 3)))
        return [start * start**i for i in range(n)]

    if math.log2(heads).is_integer():
        return power_of_two(heads)
    below = 2 ** math.floor(math.log2(heads))
    return power_of_two(below) + slopes(2 * below)[0::2][: heads - below]


def named(**modules):
    return nn.ModuleDict(modules)


class JinaBertLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        size, width = config.hidden_size, config.intermediate_size
        self.heads, self.width = config.num_attention_heads, width
        self.attention = named(
            self=named(query=nn.Linear(size, size), key=nn.Linear(size, size), value=nn.Linear(size, size)),
            output=named(dense=nn.Linear(size, size), LayerNorm=nn.LayerNorm(size, config.layer_norm_eps)))
        self.mlp = named(gated_layers=nn.Linear(size, 2 * width, bias=False), wo=nn.Linear(width, size),
                         layernorm=nn.LayerNorm(size, config.layer_norm_eps))

    def forward(self, x, bias):
        batch, tokens, size = x.shape

        def heads(linear):
            return linear(x).view(batch, tokens, self.heads, -1).transpose(1, 2)

        inner, output = self.attention["self"], self.attention["output"]
        query, key, value = (heads(inner[name]) for name in ("query", "key", "value"))
        scores = query @ key.transpose(-1, -2) / math.sqrt(size // self.heads) + bias
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, tokens, size)
        x = output["LayerNorm"](output["dense"](mixed) + x)
        both = self.mlp["gated_layers"](x)
        middle = nn.functional.gelu(both[..., : self.width]) * both[..., self.width:]
        return self.mlp["layernorm"](self.mlp["wo"](middle) + x)


class JinaBertModel(PreTrainedModel):
    config_class = JinaBertConfig

    def __init__(self, config):
        super().__init__(config)
        size = config.hidden_size
        self.embeddings = named(word_embeddings=nn.Embedding(config.vocab_size, size),
                                token_type_embeddings=nn.Embedding(config.type_vocab_size, size),
                                LayerNorm=nn.LayerNorm(size, config.layer_norm_eps))
        self.encoder = named(layer=nn.ModuleList([JinaBertLayer(config) for _ in range(config.num_hidden_layers)]))
        self.post_init()

    def forward(self, input_ids, attention_mask=None, **_):
        assert attention_mask is None or attention_mask.all(), "one text at a time"
        x = self.embeddings["word_embeddings"](input_ids) + self.embeddings["token_type_embeddings"].weight[0]
        x = self.embeddings["LayerNorm"](x)
        places = torch.arange(input_ids.shape[1])
        distance = (places[None] - places[:, None]).abs()
        bias = -distance * torch.tensor(slopes(self.config.num_attention_heads))[:, None, None]
        for layer in self.encoder["layer"]:
            x = layer(x, bias)
        return BaseModelOutput(last_hidden_state=x)
