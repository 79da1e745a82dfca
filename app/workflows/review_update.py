"""Says in plain language what an update file would hold, before anybody signs it."""

from dataclasses import dataclass, field

import numpy as np

from app.errors import UsageError
from app.store.backup import EPSILON_FLOOR, UNKNOWN
from app.store.rights import Right
from app.store.signing_keys import site_private_key
from app.store.vault import Vault
from app.workflows.describe_update import describe_update, folded
from app.workflows.find_base import base_of_version, installed_bases, named_base
from app.workflows.list_models import load_version, model_store
from app.workflows.plan_training import CAP_SETTING
from ml.errors import UpdateRefused
from ml.federated.base_version import BaseVersion, changed_from
from ml.federated.keys import public_text
from ml.federated.payload import Tensors, sha256, write_payload
from ml.federated.privacy_statement import check_claim
from ml.federated.statement import LARGEST_WEIGHT, is_name
from ml.inference.version_loading import merged_tensors
from ml.privacy.ledger import spent
from ml.registry.model_version import TENSORS_FILE, VersionContent
from ml.registry.tensor_file import read_tensors
from ml.registry.training_result import PrivacyClaim
from ml.text.encoder_files import find_encoder

SITE_SETTING = "update.site"
WEIGHT_SETTING = "update.weight"
_ROUNDING = 1e-9
_HEAD = ("head.bias", "head.weight")


@dataclass(frozen=True, slots=True)
class TensorPart:
    """One tensor of the payload, as a reviewer sees it."""

    name: str
    shape: tuple[int, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class UpdateReview:
    """Everything that the file would hold. What is signed later are exactly these bytes.

    `base` is the shared name of the base, `version_id` the local version; `weight` is a public constant.
    `diseases` are those whose rows of the head changed: whoever reads the file sees which they are.
    `spent_epsilon` and `cap` are for the reviewer alone: what the vault says today.
    """

    version_id: str
    site: str
    round: int
    base: str
    weight: int
    privacy: PrivacyClaim
    tensors: tuple[TensorPart, ...]
    payload_sha256: str
    diseases: tuple[str, ...]
    spent_epsilon: float
    cap: float | None
    payload: bytes = field(repr=False)

    @property
    def epsilon(self) -> float:
        """What the patients have spent."""
        return self.privacy.epsilon

    @property
    def delta(self) -> float:
        """The privacy statement's delta."""
        return self.privacy.delta

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The review for people, a thought a line, however long."""
        return describe_update(self)

    @property
    def lines(self) -> tuple[str, ...]:
        """The same for a terminal."""
        return folded(self.paragraphs)


def review_update(vault: Vault, *, version_id: str | None = None, base_id: str | None = None) -> UpdateReview:
    """What an update of a version (default: the current one) would hold. Refuses what may not leave."""
    content = _wanted(vault, version_id)
    claim = content.version.card.privacy
    check_claim(claim)
    _check_ledger(vault, claim)
    name = content.version.version_id
    base = named_base(vault, base_id) if base_id else base_of_version(vault, name)
    delta = _delta(content, base)
    if not delta:
        raise UpdateRefused("this version is the same as its base; train before you export")
    payload = write_payload(delta)
    return UpdateReview(
        version_id=name,
        site=site_name(vault),
        round=base.round + 1,
        base=base.base_id,
        weight=int(vault.setting(WEIGHT_SETTING) or 1),
        privacy=claim,
        tensors=tuple(TensorPart(n, tuple(t.shape), t.nbytes) for n, t in delta.items()),
        payload_sha256=sha256(payload),
        diseases=_diseases(delta, content.labels),
        spent_epsilon=spent(vault.ledger()),
        cap=float(kept) if (kept := vault.setting(CAP_SETTING)) else None,
        payload=payload,
    )


def site_name(vault: Vault) -> str:
    """What the federation calls this site; until it is named, a piece of its public key."""
    named = vault.setting(SITE_SETTING)
    return named or "site-" + public_text(site_private_key(vault)).split(":")[1][:12]


def name_site(vault: Vault, name: str) -> None:
    """Choose the site's public name. Raises PolicyError, UsageError."""
    vault.require(Right.PLAN)
    if not is_name(name):
        raise UsageError(
            "a site's name has 1 to 64 of a-z, 0-9, '.', '_' and '-', and begins with one of a-z, 0-9"
        )
    vault.set_setting(SITE_SETTING, name, action="site-named", detail=name)


def declare_weight(vault: Vault, weight: int) -> None:
    """Choose the weight that the site claims: a public constant, never counted from the patients.

    Raises PolicyError, UsageError.
    """
    vault.require(Right.PLAN)
    if not 1 <= weight <= LARGEST_WEIGHT:
        raise UsageError(f"a weight lies between 1 and {LARGEST_WEIGHT:,}")
    vault.set_setting(WEIGHT_SETTING, str(weight), action="site-weight-declared", detail=str(weight))


def _wanted(vault: Vault, version_id: str | None) -> VersionContent:
    store = model_store(vault)
    name = store.find(version_id) if version_id else store.pointer().current
    if name is None:
        raise UpdateRefused("the starting model is in use, which has learned from nobody here; train first")
    if name in {base.version_id for base in installed_bases(vault)}:
        raise UpdateRefused(
            "this version is the federation's own base, in which nothing is new from here; train from it, or "
            "name a version trained here with --version (see `anamnesis models`)"
        )
    return load_version(vault, name)


def _diseases(delta: Tensors, labels: tuple[str, ...]) -> tuple[str, ...]:
    """The diseases whose row of the head or its bias differs from the base."""
    heads = [tensor.reshape(len(labels), -1) for name, tensor in delta.items() if name in _HEAD]
    changed = [head.any(axis=1) for head in heads]
    return tuple(labels[row] for row in np.flatnonzero(np.any(changed, axis=0))) if changed else ()


def _delta(content: VersionContent, base: BaseVersion) -> Tensors:
    own = read_tensors(content.files[TENSORS_FILE])
    if not set(own) <= set(base.whole):
        raise UpdateRefused(
            "this version has adapters or a prefix, layers that the shared base lacks, so it stays at this "
            "site; for an update train another scope (head, top, bitfit, lora, adalora, full) from the base"
        )
    whole = merged_tensors(find_encoder(), own)
    return changed_from(base, {name: whole[name] for name in sorted({*own, *base.own})})


def _check_ledger(vault: Vault, claim: PrivacyClaim) -> None:
    """A claim must be backed by debits: what the ledger does not hold was not accounted for."""
    if vault.setting(EPSILON_FLOOR) == UNKNOWN:
        raise UpdateRefused(
            "this vault was restored without the one it replaces, so what left before is not known; "
            "declare it first: `anamnesis privacy --declare-spent EPSILON`"
        )
    wanted = (claim.mechanism, claim.sample_rate, claim.noise_multiplier, claim.max_grad_norm, claim.delta)
    ledger = vault.ledger()
    steps = sum(
        e.steps
        for e in ledger
        if (e.mechanism, e.sample_rate, e.noise_multiplier, e.max_grad_norm, e.delta) == wanted
    )
    backed = spent(ledger) >= claim.epsilon - _ROUNDING and steps >= claim.steps
    if not backed:
        raise UpdateRefused(
            "the privacy ledger does not hold the debits that this version claims; train here"
        )
