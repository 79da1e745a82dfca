"""Two sites and a coordinator with fixed keys, a base of two small tensors, and updates against it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ml.federated.base_version import BaseVersion, base_name
from ml.federated.coordinator import Coordinator
from ml.federated.envelope import sign_statement
from ml.federated.keys import new_identity, public_text, signer_of
from ml.federated.package import UPDATE_MAGIC, pack, seal_for
from ml.federated.payload import Tensors, sha256, write_payload
from ml.federated.statement import UpdateStatement, write_statement
from ml.federated.update_file import SiteKeys, VerifiedUpdate
from ml.privacy.ledger import MECHANISM
from ml.registry.training_result import PrivacyClaim

IDENTITY, RECIPIENT = new_identity()
SITE, OFFICER, STRANGER, DESK = (bytes([n]) * 32 for n in (1, 2, 3, 4))
KEYS = SiteKeys(public_text(SITE), public_text(OFFICER))
LABELS, ENCODER = "a" * 64, "b" * 64
CLAIM = PrivacyClaim(
    epsilon=2.5,
    delta=1e-5,
    mechanism=MECHANISM,
    sample_rate=0.5,
    noise_multiplier=8.0,
    max_grad_norm=1.0,
    steps=10,
)


def coordinator() -> Coordinator:
    """The coordinator with fixed keys."""
    return Coordinator(RECIPIENT, public_text(DESK), IDENTITY, DESK)


def base(seed: int = 0) -> BaseVersion:
    """head.bias (3) and head.weight (3, 2), and an encoder tensor that the base does not store itself."""
    rng = np.random.default_rng(seed)
    own = tensors(rng.normal(size=3), rng.normal(size=(3, 2)))
    named = base_name(sha256(write_payload(own)), labels_sha256=LABELS, encoder_sha256=ENCODER)
    whole = own | {"encoder.a": np.ones(4, np.float32)}
    return BaseVersion(named, 0, LABELS, ENCODER, own, whole)


def tensors(bias: Any, weight: Any) -> Tensors:
    """Named as in the classifier."""
    return {"head.bias": np.asarray(bias, np.float32), "head.weight": np.asarray(weight, np.float32)}


def some_delta(seed: int = 1, scale: float = 0.1) -> Tensors:
    """A random change."""
    rng = np.random.default_rng(seed)
    return tensors(scale * rng.normal(size=3), scale * rng.normal(size=(3, 2)))


def statement(**changes: Any) -> UpdateStatement:
    """A sound statement, with what should differ."""
    sound = UpdateStatement("north", 1, base().base_id, RECIPIENT, 1, CLAIM)
    return replace(sound, **changes)


@dataclass
class Forger:
    """Packs anything at all, as somebody with the keys could: nothing is checked."""

    private_keys: tuple[bytes, ...] = (SITE, OFFICER)
    sealed_for: str = ""

    def update(self, said: UpdateStatement | bytes, payload: bytes, *, named_sha256: str = "") -> bytes:
        """A file of a statement (or its raw bytes) and a payload."""
        if isinstance(said, UpdateStatement):
            said = write_statement(said, named_sha256 or sha256(payload))
        return self.seal(sign_statement(said, [signer_of(key) for key in self.private_keys]), payload)

    def seal(self, envelope: bytes, payload: bytes) -> bytes:
        """Pack and encrypt."""
        return seal_for(self.sealed_for or RECIPIENT, pack(UPDATE_MAGIC, envelope, payload))


def verified(site: str, delta: Mapping[str, np.ndarray[Any, Any]], *, weight: int = 1) -> VerifiedUpdate:
    """An update as verification gives it; its digest follows from the site's name."""
    return VerifiedUpdate(statement(site=site, weight=weight), sha256(site.encode()), dict(delta))
