"""Says in plain language what an update file would hold, before anybody signs it."""

import math
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import UsageError
from app.store.backup import EPSILON_FLOOR, UNKNOWN
from app.store.signing_keys import site_private_key
from app.store.vault import Vault
from app.workflows.find_base import base_of_version, named_base
from app.workflows.list_models import load_version, model_store
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
    `spent_epsilon` is for the reviewer alone: what the vault's ledger says today.
    """

    version_id: str
    site: str
    round: int
    base: str
    weight: int
    privacy: PrivacyClaim
    tensors: tuple[TensorPart, ...]
    payload_sha256: str
    spent_epsilon: float
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
    def lines(self) -> tuple[str, ...]:
        """The review for people, line by line."""
        spent = f"In all, these patients have spent epsilon {self.spent_epsilon:.4g} by this vault's ledger."
        return (*_what_leaves(self), *_what_stays(), *_guarantee(self.privacy), spent)


def review_update(
    vault: Vault,
    *,
    version_id: str | None = None,
    base_id: str | None = None,
    encoder_dir: Path | None = None,
) -> UpdateReview:
    """What an update of a version (default: the current one) would hold. Refuses what may not leave."""
    content = _wanted(vault, version_id)
    claim = content.version.card.privacy
    check_claim(claim)
    _check_ledger(vault, claim)
    name = content.version.version_id
    base = named_base(vault, base_id, encoder_dir) if base_id else base_of_version(vault, name, encoder_dir)
    delta = _delta(content, base, encoder_dir)
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
        spent_epsilon=spent(vault.ledger()),
        payload=payload,
    )


def site_name(vault: Vault) -> str:
    """What the federation calls this site; until it is named, a piece of its public key."""
    named = vault.setting(SITE_SETTING)
    return named or "site-" + public_text(site_private_key(vault)).split(":")[1][:12]


def name_site(vault: Vault, name: str) -> None:
    """Choose the site's public name."""
    if not is_name(name):
        raise UsageError(
            "a site's name has 1 to 64 of a-z, 0-9, '.', '_' and '-', and begins with one of a-z, 0-9"
        )
    vault.set_setting(SITE_SETTING, name)


def declare_weight(vault: Vault, weight: int) -> None:
    """Choose the weight that the site claims: a public constant, never counted from the patients."""
    if not 1 <= weight <= LARGEST_WEIGHT:
        raise UsageError(f"a weight lies between 1 and {LARGEST_WEIGHT:,}")
    vault.set_setting(WEIGHT_SETTING, str(weight))


def _wanted(vault: Vault, version_id: str | None) -> VersionContent:
    store = model_store(vault)
    name = store.find(version_id) if version_id else store.pointer().current
    if name is None:
        raise UpdateRefused("the starting model is in use, which has learned from nobody here; train first")
    return load_version(vault, name)


def _delta(content: VersionContent, base: BaseVersion, encoder_dir: Path | None) -> Tensors:
    own = read_tensors(content.files[TENSORS_FILE])
    whole = merged_tensors(find_encoder(encoder_dir), own)
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


def _what_leaves(review: UpdateReview) -> list[str]:
    parts = [
        f"  - {part.name}: {math.prod(part.shape):,} numbers, shape {_shape(part)}, {_size(part.bytes)}"
        for part in review.tensors
    ]
    return [
        "This file tells the coordinator how training here has changed the shared model. Only the",
        "coordinator it is sealed for can open it. It holds:",
        *parts,
        f"    (the noised difference to the base {review.base[:12]}; {_size(len(review.payload))} in all)",
        f"  - the site's name: {review.site}",
        f"  - the round: {review.round}, and the full name of the base",
        f"  - a weight of {review.weight:,}: a number you declare in public, not counted from patients",
        "  - the privacy statement below, and the coordinator's public address",
        "  - two signatures: the site's and the privacy officer's",
    ]


def _what_stays() -> list[str]:
    return [
        "It does not hold: texts or words of notes, names, identifiers, counts of patients or diagnoses,",
        "how well the model does, dates or times, the optimizer's state, or anything not listed above.",
    ]


def _guarantee(claim: PrivacyClaim) -> list[str]:
    odds = math.exp(min(claim.epsilon, 50.0))
    return [
        f"Privacy: epsilon {claim.epsilon:.4g}, delta {claim.delta:.2g}. The unit is one whole {claim.unit},",
        "with all notes. Whoever reads the file can raise the odds that any one person was learned from by a",
        f"factor of at most {odds:,.3g} (but for a chance of {claim.delta:.2g}).",
        f"Mechanism: {claim.mechanism}, {claim.steps:,} steps, sample rate {claim.sample_rate:.4g},",
        f"noise multiplier {claim.noise_multiplier:.4g}, max_grad_norm {claim.max_grad_norm:.4g}.",
    ]


def _shape(part: TensorPart) -> str:
    return " x ".join(f"{length:,}" for length in part.shape)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(count / 1e3, 0.1):.1f} kB"
