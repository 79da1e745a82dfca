"""A hospital in miniature: a vault with a privacy officer, a debited ledger and one trained version."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from app.store.header import Role
from app.store.key_derivation import KdfParameters
from app.store.people import add_user
from app.store.signing_keys import officer_public_keys, site_private_key
from app.store.vault import Vault
from app.workflows.list_models import model_store
from app.workflows.review_update import name_site
from ml.federated.keys import PREFIX, public_text
from ml.federated.update_file import SiteKeys
from ml.privacy.ledger import LedgerEntry
from ml.registry.model_version import TENSORS_FILE, ModelVersion, VersionContent, pack_version
from ml.registry.starting_model import starting_version
from ml.registry.tensor_file import Tensors, read_tensors, write_tensors
from ml.registry.training_result import PrivacyClaim
from tests.ml.federated.small_federation import CLAIM

FAST = KdfParameters.fast_for_tests()
PASSPHRASE, OFFICER = "correct horse", "battery staple"


def new_site(path: Path, name: str) -> Vault:
    """An open vault of a named site, with a privacy officer."""
    vault, _ = Vault.create(path, user="ada", passphrase=PASSPHRASE, kdf=FAST)
    add_user(vault, user="olga", passphrase=OFFICER, role=Role.PRIVACY_OFFICER, kdf=FAST)
    name_site(vault, name)
    return vault


def keys_of(vault: Vault) -> SiteKeys:
    """What the site tells the coordinator."""
    return SiteKeys(public_text(site_private_key(vault)), PREFIX + officer_public_keys(vault)["olga"])


def debit(vault: Vault, claim: PrivacyClaim = CLAIM) -> None:
    """Put into the ledger what a claim says."""
    vault.append_ledger(
        LedgerEntry(
            run_id="run-1",
            patient_set="all patients of this vault",
            mechanism=claim.mechanism,
            sample_rate=claim.sample_rate,
            noise_multiplier=claim.noise_multiplier,
            max_grad_norm=claim.max_grad_norm,
            steps=claim.steps,
            delta=claim.delta,
            epsilon_after=claim.epsilon,
            at="2025-01-01T00:00:00+00:00",
        )
    )


def train_pretended(
    vault: Vault,
    *,
    bias: float,
    claim: PrivacyClaim = CLAIM,
    base: VersionContent | None = None,
    extra: Tensors | None = None,
) -> ModelVersion:
    """A version whose head's bias moved by `bias` at every 100th disease; no run, no export. It is in use."""
    start = base or starting_version()
    tensors = read_tensors(start.files[TENSORS_FILE]) | (extra or {})
    tensors["head.bias"] = tensors["head.bias"] + np.float32(bias) * (np.arange(len(start.labels)) % 100 == 0)
    card = replace(
        start.version.card, base_version=start.version.version_id, privacy=claim, created_at=f"bias {bias}"
    )
    files = {n: d for n, d in start.files.items() if n not in ("card.json", "manifest.json")}
    content = pack_version(files | {TENSORS_FILE: write_tensors(tensors)}, card)
    store = model_store(vault)
    store.add(content)
    store.set_current(content.version.version_id, at="2025-01-01", reason="publish")
    return content.version
