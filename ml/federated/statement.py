"""What is signed: in-toto Statements v1 in canonical JSON (RFC 8785), and nothing that is not listed here.

A statement's subject is the SHA-256 of the payload beside it. A statement that does not come back
byte for byte when it is written again is refused: no other order, no second spelling of a number, no
field more or less.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import rfc8785

from ml.errors import UpdateRefused
from ml.registry.training_result import PrivacyClaim

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
LARGEST_WEIGHT = 10_000_000
LARGEST_ROUND = 1_000_000
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class UpdateStatement:
    """What a site and its privacy officer sign. `weight` is a public constant, never counted from data.

    `base` names the base version by its content, `recipient` the coordinator for whom it is meant.
    """

    site: str
    round: int
    base: str
    recipient: str
    weight: int
    privacy: PrivacyClaim


@dataclass(frozen=True, slots=True)
class BaseStatement:
    """What a coordinator signs: how a new base came from `base`, and the statements it was made of.

    `epsilon` and `delta` bound what any patient of any site has spent by it; `labels` and `encoder`
    are digests of what the tensors belong to.
    """

    base: str
    round: int
    method: str
    updates: tuple[str, ...]
    epsilon: float
    delta: float
    labels: str
    encoder: str


Signed = TypeVar("Signed", UpdateStatement, BaseStatement)

_KINDS: dict[type, tuple[str, str]] = {
    UpdateStatement: ("urn:anamnesis:federated-update:v1", "delta.safetensors"),
    BaseStatement: ("urn:anamnesis:federated-base:v1", "tensors.safetensors"),
}


def write_statement(predicate: UpdateStatement | BaseStatement, payload_sha256: str) -> bytes:
    """Canonical bytes of the statement."""
    kind, name = _KINDS[type(predicate)]
    whole = {
        "_type": STATEMENT_TYPE,
        "subject": [{"digest": {"sha256": payload_sha256}, "name": name}],
        "predicateType": kind,
        "predicate": msgspec.to_builtins(predicate),
    }
    data: bytes = rfc8785.dumps(whole)
    return data


def read_statement(data: bytes, kind: type[Signed]) -> tuple[Signed, str]:
    """The predicate and the payload's SHA-256; refuses what is not exactly as `write_statement` writes."""
    try:
        raw = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        subject = msgspec.json.decode(raw["subject"], type=list[_Subject])[0]
        predicate = msgspec.json.decode(raw["predicate"], type=kind)
        same = write_statement(predicate, subject.digest["sha256"]) == data
    except (msgspec.MsgspecError, ValueError, KeyError, IndexError, RecursionError):
        same = False
    if not same:
        raise UpdateRefused(
            "the statement is not in its one canonical form, or holds other fields; ask for a new file"
        )
    _check_names(predicate)
    return predicate, subject.digest["sha256"]


def statement_digest(statement: bytes) -> str:
    """The name under which a statement is remembered."""
    return hashlib.sha256(statement).hexdigest()


def is_name(text: str) -> bool:
    """Whether a site may be called so: 1 to 64 of a-z 0-9 . _ -, the first a letter or digit."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class _Subject:
    digest: dict[str, str]
    name: str


def _check_names(predicate: UpdateStatement | BaseStatement) -> None:
    if isinstance(predicate, UpdateStatement):
        digests: Sequence[str] = [predicate.base]
        sound = is_name(predicate.site) and 1 <= predicate.weight <= LARGEST_WEIGHT
    else:
        digests = [predicate.base, predicate.labels, predicate.encoder, *predicate.updates]
        sound = is_name(predicate.method) and list(predicate.updates) == sorted(set(predicate.updates))
        sound = sound and predicate.epsilon >= 0 and 0 <= predicate.delta < 1
    if not sound or not 1 <= predicate.round <= LARGEST_ROUND or not all(map(_DIGEST.fullmatch, digests)):
        raise UpdateRefused("the statement holds a value out of its range; ask for a new file")
