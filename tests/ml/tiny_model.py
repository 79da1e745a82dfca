"""A tiny BERT, its tokenizer and a head, random but fixed: the classifier in miniature."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from ml.text.encoder_files import EncoderFiles, Tensors, find_encoder

LABELS = ("OMIM:1", "OMIM:2", "OMIM:3", "OMIM:4", "OMIM:5")
HIDDEN = 16
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "seizure", "fever", "no", "weak", "arm", "leg", ".", "short")
CONFIG = {
    "model_type": "bert",
    "vocab_size": len(WORDS),
    "hidden_size": HIDDEN,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 300,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "hidden_act": "gelu",
}


def tokenizer_json(words: Sequence[str] = WORDS) -> bytes:
    """Word-level, with [CLS] and [SEP]."""
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer.to_str().encode()


def head_tensors(seed: int = 1) -> Tensors:
    """A random head."""
    rng = np.random.default_rng(seed)
    return {
        "head.weight": rng.normal(size=(len(LABELS), HIDDEN)).astype(np.float32),
        "head.bias": rng.normal(size=len(LABELS)).astype(np.float32),
    }


def write_tiny_encoder(folder: Path, words: Sequence[str] = WORDS) -> EncoderFiles:
    """An encoder directory, as a site would name one, and what is found in it."""
    from transformers import BertConfig, BertModel

    config = CONFIG | {"vocab_size": len(words)}
    model = BertModel(BertConfig(**config), add_pooling_layer=False)
    rng = np.random.default_rng(0)
    state = {
        name: (rng.normal(size=tuple(value.shape)) * 0.3 + ("LayerNorm.weight" in name)).astype(np.float32)
        for name, value in model.state_dict().items()
        if "position_ids" not in name
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(save(state))
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_bytes(tokenizer_json(words))
    return find_encoder(folder)
