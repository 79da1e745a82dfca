"""A head's job on an encoder without layers: wide states of random words, so that canaries lie far apart."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from ml.inference.version_loading import merged_tensors
from ml.registry.tensor_file import read_tensors, write_tensors
from ml.text.encoder_files import EncoderFiles, find_encoder
from ml.text.tokenizer import TextTokenizer
from ml.training.classifier import build_classifier, encode_texts
from ml.training.messages import TrainingJob
from tests.ml.tiny_model import CONFIG, tokenizer_json

HIDDEN, WORDS, LENGTH, PUBLIC = 2048, 4000, 8, 48
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
LABELS, DECLARED = ("OMIM:1", "OMIM:2", "OMIM:3"), (0, 1)
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


def random_texts(count: int, seed: int) -> list[str]:
    """Words that say nothing."""
    words = np.random.default_rng(seed).integers(WORDS, size=(count, LENGTH))
    return [" ".join(f"w{number}" for number in text) for text in words.tolist()]


def wide_job(folder: Path, *, steps: int, sample_rate: float, expected_batch: float) -> TrainingJob:
    """With everything that a run from the window has: descent that keeps noise small, and looks."""
    _write_encoder(folder)
    head = {
        "head.weight": np.random.default_rng(1).normal(size=(len(LABELS), HIDDEN)).astype(np.float32) * 0.05,
        "head.bias": np.zeros(len(LABELS), np.float32),
    }
    return TrainingJob(
        scope="head",
        tensors=write_tensors(head),
        labels=LABELS,
        declared=DECLARED,
        target_epsilon=1.0,
        delta=1e-5,
        sample_rate=sample_rate,
        steps=steps,
        block_steps=5,
        max_grad_norm=1.0,
        learning_rate=4.0,
        expected_batch=expected_batch,
        encoder_dir=str(folder),
        threads=1,
        optimizer="sgd",
        most_noise=0.7,
        public_texts=tuple(random_texts(PUBLIC, 2)),
    )


def features_of(job: TrainingJob, texts: list[str]) -> Floats:
    """What the head reads of each text."""
    encoder = find_encoder(Path(job.encoder_dir))
    classifier = build_classifier(
        merged_tensors(encoder, read_tensors(job.tensors)), job.labels, encoder.config
    )
    found: Floats = encode_texts(classifier, TextTokenizer(encoder.tokenizer_json), texts)
    return found


def _write_encoder(folder: Path) -> EncoderFiles:
    from transformers import BertConfig, BertModel

    words = (*SPECIAL, *(f"w{number}" for number in range(WORDS)))
    config = CONFIG | {
        "vocab_size": len(words),
        "hidden_size": HIDDEN,
        "num_hidden_layers": 0,
        "intermediate_size": 8,
        "max_position_embeddings": 32,
    }
    model, rng = BertModel(BertConfig(**config), add_pooling_layer=False), np.random.default_rng(0)
    state = {
        name: (rng.normal(size=tuple(v.shape)) * (1.0 if "word" in name else 0.01)).astype(np.float32)
        + np.float32("LayerNorm.weight" in name)
        for name, v in model.state_dict().items()
        if "position_ids" not in name
    }
    (folder / "model.safetensors").write_bytes(save(state))
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_bytes(tokenizer_json(words))
    return find_encoder(folder)
