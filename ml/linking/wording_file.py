"""A wording encoder as bytes: int8 rows in a safetensors file behind a SHA-256."""

import hashlib
import json
from functools import cache
from importlib.resources import files

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ml.errors import ModelFileError
from ml.linking.wording_encoder import WordingEncoder
from ml.registry.tensor_file import quantise_rows

FILE = "wordings.bin"
_DIGEST = 32


def encoder_to_bytes(encoder: WordingEncoder) -> bytes:
    """The encoder, its rows rounded to int8; the same encoder always gives the same bytes."""
    rows, scale = quantise_rows(encoder.weights)
    pieces = json.dumps(sorted(encoder.vocabulary, key=encoder.vocabulary.__getitem__), ensure_ascii=False)
    vocabulary = np.frombuffer(pieces.encode("utf-8"), np.uint8)
    body: bytes = save({"pieces": vocabulary, "rows": rows, "scale": scale})
    return hashlib.sha256(body).digest() + body


def encoder_from_bytes(data: bytes) -> WordingEncoder:
    """Read it back. Raises ModelFileError where the bytes are altered or of another layout."""
    body = memoryview(data)[_DIGEST:]
    if hashlib.sha256(body).digest() != data[:_DIGEST]:
        raise ModelFileError(f"{FILE} was altered; install the program again or run build-model --linking")
    try:
        stored = load(bytes(body))
        pieces = json.loads(stored["pieces"].tobytes())
        weights = stored["rows"].astype(np.float32) * stored["scale"][:, None]
        if len(pieces) != len(weights):
            raise ValueError("pieces and rows differ in number")
    except (SafetensorError, KeyError, ValueError, IndexError) as error:
        raise ModelFileError(f"{FILE} cannot be read; run build-model --linking: {error}") from None
    return WordingEncoder({piece: number for number, piece in enumerate(pieces)}, weights)


@cache
def shipped_encoder() -> WordingEncoder:
    """The encoder that ships with the program; read once."""
    return encoder_from_bytes(files("resources.linking").joinpath(FILE).read_bytes())
