"""The diseases that are named most alike: what is known of them tells a little of one hardly described.

Made once by the text encoder (`anamnesis evaluate --build-namesakes F`), shipped behind a SHA-256, and found
again by id: a disease that the file lacks is its own namesake.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from knowledge_graph.graph.arrays import Floats, Ints
from knowledge_graph.graph.sealed_arrays import sealed, shipped_arrays

COUNT = 8
FILE = "namesakes.bin"


@dataclass(frozen=True, slots=True)
class Namesakes:
    """Numbers of the others of each disease (n_diseases, COUNT), and their shares, which sum to 1."""

    others: Ints
    shares: Floats


def shipped_namesakes() -> bytes:
    """The file that ships with the program."""
    return files("resources.ranking").joinpath(FILE).read_bytes()


def to_file(disease_ids: Sequence[str], namesakes: Namesakes) -> bytes:
    """Namesakes with the ids of the diseases, behind a SHA-256."""
    ids = json.dumps(list(disease_ids), separators=(",", ":")).encode()
    return sealed(
        {
            "others": namesakes.others.astype(np.uint16),
            "shares": np.round(namesakes.shares * 255).astype(np.uint8),
            "ids": np.frombuffer(ids, np.uint8),
        }
    )


def read_namesakes(data: bytes, disease_ids: Sequence[str]) -> Namesakes:
    """The file's namesakes in the order of these ids. An altered file is our fault: ValueError."""
    arrays = shipped_arrays(data, file=FILE, rebuild="evaluate --build-namesakes")
    place = {disease: i for i, disease in enumerate(json.loads(arrays["ids"].tobytes()))}
    known = np.array([i for i, disease in enumerate(disease_ids) if disease in place], np.intp)
    rows = np.array([place[disease_ids[i]] for i in known.tolist()], np.intp)
    number = np.full(len(place), -1, np.int32)
    number[rows] = known
    others = number[arrays["others"].astype(np.intp)[rows]]
    weights = arrays["shares"].astype(np.float32)[rows] * (others >= 0)
    sums = weights.sum(axis=1, keepdims=True)
    itself = np.arange(len(disease_ids), dtype=np.int32)
    found = np.repeat(itself[:, None], COUNT, axis=1)
    shares = np.full(found.shape, 1 / COUNT, np.float32)
    found[known] = np.where((others >= 0) & (sums > 0), others, itself[known][:, None])
    shares[known] = np.where(sums > 0, weights / np.maximum(sums, 1), 1 / COUNT)
    return Namesakes(found, shares)
