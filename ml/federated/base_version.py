"""BaseVersion: what every site of a federation starts a round from, named by its content.

A site's own ModelVersion holds its ONNX graphs and its date, so two sites never share its name. A
base is therefore named by what they do share: tensors, disease ids and encoder.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import rfc8785

from ml.errors import UpdateRefused
from ml.federated.payload import Tensors, sha256, write_payload
from ml.inference.version_loading import merged_tensors
from ml.registry.model_version import LABELS_FILE, TENSORS_FILE, VersionContent
from ml.registry.tensor_file import read_tensors
from ml.text.encoder_files import EncoderFiles


@dataclass(frozen=True, slots=True)
class BaseVersion:
    """`own` are the tensors that the base stores; `whole` are all, the encoder's included.

    `round` 0 is the starting model; `epsilon` and `delta` are what its making has spent.
    """

    base_id: str
    round: int
    labels_sha256: str
    encoder_sha256: str
    own: Tensors = field(repr=False)
    whole: Tensors = field(repr=False)
    epsilon: float = 0.0
    delta: float = 0.0


def base_of(
    content: VersionContent,
    encoder: EncoderFiles,
    *,
    round_number: int = 0,
    epsilon: float = 0.0,
    delta: float = 0.0,
) -> BaseVersion:
    """The base that a model version is."""
    own = read_tensors(content.files[TENSORS_FILE])
    labels, weights = sha256(content.files[LABELS_FILE]), encoder.weights_sha256
    return BaseVersion(
        base_id=base_name(sha256(write_payload(own)), labels_sha256=labels, encoder_sha256=weights),
        round=round_number,
        labels_sha256=labels,
        encoder_sha256=weights,
        own=own,
        whole=merged_tensors(encoder, own),
        epsilon=epsilon,
        delta=delta,
    )


def base_name(payload_sha256: str, *, labels_sha256: str, encoder_sha256: str) -> str:
    """The base's id: the hash of the three hashes."""
    parts = {"tensors": payload_sha256, "labels": labels_sha256, "encoder": encoder_sha256}
    return sha256(rfc8785.dumps(parts))


def changed_from(base: BaseVersion, new: Mapping[str, np.ndarray[Any, Any]]) -> Tensors:
    """new - base, for the tensors in which a value changed, sorted by name."""
    check_shapes(base, new)
    pairs = {name: (new[name], base.whole[name]) for name in sorted(new)}
    return {n: (a - b).astype(np.float32) for n, (a, b) in pairs.items() if not np.array_equal(a, b)}


def moved_by(base: BaseVersion, delta: Mapping[str, np.ndarray[Any, Any]]) -> Tensors:
    """The base's tensors with a delta added, sorted by name."""
    check_shapes(base, delta)
    moved = base.own | {
        name: (base.whole[name] + change).astype(np.float32) for name, change in delta.items()
    }
    return {name: moved[name] for name in sorted(moved)}


def check_shapes(base: BaseVersion, tensors: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Refuse a tensor that the base does not have, or has in another shape."""
    for name, tensor in tensors.items():
        if name not in base.whole or base.whole[name].shape != tensor.shape:
            raise UpdateRefused("a tensor's name or shape is not the base's; train from the base it names")
