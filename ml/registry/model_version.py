"""ModelVersion: one model, named by the hash of its content, and its card.

The name is the SHA-256 of a canonical JSON manifest (RFC 8785) that lists the SHA-256 of every
file of the version. Whoever holds the name can tell whether a byte was changed.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NewType

import msgspec
import rfc8785

from ml.errors import ModelFileError
from ml.frames import UNDECODABLE
from ml.registry.training_result import LearnedFusion, PrivacyClaim

VersionId = NewType("VersionId", str)

TENSORS_FILE = "tensors.safetensors"
LABELS_FILE = "labels.json"
GRAPH_FILES = {"fp32": "graph.fp32.bin", "fp16": "graph.fp16.bin", "int8": "graph.int8.bin"}
CARD_FILE = "card.json"
MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True, slots=True)
class Parity:
    """How far ONNX Runtime is from torch, and its int8 and fp16 from its fp32, on windows of public texts.

    Differences are of logits, absolute; torch reads a few windows of every length, fp16 a third of the
    `probes`, int8 all. Measured on the processor, which computes fp16 in fp32 and rounds between operators. A
    version without an fp16 graph has 0 there.
    """

    probes: int = 0
    fp32_max_abs_diff: float = 0.0
    int8_max_abs_diff: float = 0.0
    fp32_same_top1: float = 1.0
    int8_same_top1: float = 1.0
    fp16_max_abs_diff: float = 0.0
    fp16_same_top1: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a person should know of a version before using it.

    `fusion` is what its patients told of the weights beside the graph; None where the shipped ones stand.
    """

    title: str
    base_version: str
    scope: str
    encoder: str
    encoder_sha256: str
    label_count: int
    privacy: PrivacyClaim = field(default_factory=PrivacyClaim)
    data_description: str = ""
    created_at: str = ""
    parity: Parity = field(default_factory=Parity)
    onnx_sha256: dict[str, str] = field(default_factory=dict)
    onnx_bytes: dict[str, int] = field(default_factory=dict)
    measured: dict[str, float] = field(default_factory=dict)
    fusion: LearnedFusion | None = None


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version's name, the hash of each of its files, and its card."""

    version_id: VersionId
    files: dict[str, str]
    card: ModelCard


@dataclass(frozen=True, slots=True)
class VersionContent:
    """A version with its files' bytes, all checked against the manifest."""

    version: ModelVersion
    files: dict[str, bytes]

    @property
    def labels(self) -> tuple[str, ...]:
        """Disease ids in the order of the head's rows."""
        return tuple(json.loads(self.files[LABELS_FILE]))

    @property
    def graphs(self) -> dict[str, bytes]:
        """The graph files by precision; an older version has no fp16."""
        return {precision: self.files[name] for precision, name in GRAPH_FILES.items() if name in self.files}


def pack_version(files: Mapping[str, bytes], card: ModelCard) -> VersionContent:
    """Name a new version by its content; adds the card and the manifest to its files."""
    whole = dict(files) | {CARD_FILE: rfc8785.dumps(msgspec.to_builtins(card))}
    hashes = {name: hashlib.sha256(whole[name]).hexdigest() for name in sorted(whole)}
    whole[MANIFEST_FILE] = rfc8785.dumps({"files": hashes})
    return unpack_version(whole)


def unpack_version(files: Mapping[str, bytes], version_id: str | None = None) -> VersionContent:
    """Check every byte of a version; refuses a missing, extra or altered file."""
    version = described(files.get(MANIFEST_FILE, b""), files.get(CARD_FILE, b""), version_id)
    name = version.version_id[:12]
    if set(version.files) | {MANIFEST_FILE} != set(files):
        raise ModelFileError(f"the model version {name} lacks or adds files; roll back to another")
    for file_name, sha256 in version.files.items():
        if hashlib.sha256(files[file_name]).hexdigest() != sha256:
            raise ModelFileError(f"{file_name} of model version {name} was altered; roll back to another")
    return VersionContent(version, dict(files))


def described(manifest: bytes, card: bytes, version_id: str | None = None) -> ModelVersion:
    """A version from its manifest and card alone, both checked."""
    name = hashlib.sha256(manifest).hexdigest()
    if version_id is not None and name != version_id:
        raise ModelFileError(f"the model version {version_id[:12]} was altered; roll back to another")
    hashes = _listed_hashes(manifest, name)
    if hashlib.sha256(card).hexdigest() != hashes.get(CARD_FILE):
        raise ModelFileError(f"the card of model version {name[:12]} was altered; roll back to another")
    try:
        return ModelVersion(VersionId(name), hashes, msgspec.json.decode(card, type=ModelCard))
    except UNDECODABLE:
        raise ModelFileError(
            f"the card of model version {name[:12]} is not understood; it may be of a newer program"
        ) from None


def _listed_hashes(manifest: bytes, name: str) -> dict[str, str]:
    try:
        hashes = msgspec.json.decode(manifest, type=dict[str, dict[str, str]])["files"]
        canonical = rfc8785.dumps({"files": hashes})
    except (*UNDECODABLE, KeyError):
        raise ModelFileError(f"the model version {name[:12]} has no manifest; roll back to another") from None
    if canonical != manifest:
        raise ModelFileError(f"the manifest of model version {name[:12]} is not canonical; do not use it")
    return hashes
