"""Finds the base that a federation shares: the starting model, or a base that was applied here."""

from dataclasses import dataclass

import msgspec

from app.store.vault import Vault
from app.workflows.list_models import load_version, model_store
from ml.errors import UpdateRefused
from ml.federated.base_file import BaseFile
from ml.federated.base_version import BaseVersion, base_of
from ml.federated.payload import sha256
from ml.inference.version_loading import merged_tensors
from ml.registry.model_version import LABELS_FILE
from ml.registry.starting_model import starting_version
from ml.text.encoder_files import EncoderFiles, find_encoder

BASES_SETTING = "update.bases"
COORDINATOR_SETTING = "update.coordinator_key"


@dataclass(frozen=True, slots=True)
class InstalledBase:
    """A shared base as it lies in this vault: its local version, and what it is to the federation."""

    version_id: str
    base_id: str
    round: int
    epsilon: float = 0.0
    delta: float = 0.0


def installed_bases(vault: Vault) -> tuple[InstalledBase, ...]:
    """Applied bases, oldest first; the starting model is always there and not listed."""
    kept = vault.setting(BASES_SETTING)
    return msgspec.json.decode(kept, type=tuple[InstalledBase, ...]) if kept else ()


def remember_base(vault: Vault, base: InstalledBase, *, coordinator_key: str | None = None) -> None:
    """Note a base that was applied, and whom to trust from the first on: one audited deed."""
    kept: dict[str, str | None] = {
        BASES_SETTING: msgspec.json.encode((*installed_bases(vault), base)).decode()
    }
    if coordinator_key is not None and trusted_coordinator(vault) is None:
        kept[COORDINATOR_SETTING] = coordinator_key.strip()
    detail = f"base {base.base_id[:16]}, round {base.round}"
    vault.set_settings(kept, action="update-applied", record_id=base.version_id, detail=detail)


def trusted_coordinator(vault: Vault) -> str | None:
    """The key that a base must be signed with; None until the first base was installed."""
    return vault.setting(COORDINATOR_SETTING)


def starting_base() -> BaseVersion:
    """The starting model as round 0: what a federation begins with."""
    return base_of(starting_version(), find_encoder())


def base_of_version(vault: Vault, version_id: str) -> BaseVersion:
    """The shared base from which a version was trained, by the chain of base versions."""
    known = {base.version_id: base for base in installed_bases(vault)}
    start, kept = starting_version().version.version_id, set(model_store(vault).version_ids())
    while version_id != start:
        if version_id in known:
            return _loaded(vault, known[version_id])
        if version_id not in kept:
            raise UpdateRefused(
                "this version began with another release's starting model, which the others no longer share; "
                "train again"
            )
        version_id = model_store(vault).describe(version_id).card.base_version
    return starting_base()


def named_base(vault: Vault, prefix: str) -> BaseVersion:
    """The shared base whose local name, or shared name, begins so."""
    start = starting_version().version.version_id
    if prefix == "starting" or (prefix and start.startswith(prefix)):
        return starting_base()
    found = [b for b in installed_bases(vault) if prefix and _is_called(b, prefix)]
    if len(found) != 1:
        raise UpdateRefused(
            f"{len(found)} shared bases begin with {prefix!r}; apply the coordinator's base first"
        )
    return _loaded(vault, found[0])


def base_from_file(file: BaseFile, encoder: EncoderFiles) -> BaseVersion:
    """The base that a verified file holds. Refuses one for other diseases or another encoder."""
    labels = sha256(starting_version().files[LABELS_FILE])
    if (file.statement.labels, file.statement.encoder) != (labels, encoder.weights_sha256):
        raise UpdateRefused(
            "this base is for another list of diseases or another encoder; use the same release as the others"
        )
    return BaseVersion(
        base_id=file.base_id,
        round=file.statement.round,
        labels_sha256=labels,
        encoder_sha256=encoder.weights_sha256,
        own=file.tensors,
        whole=merged_tensors(encoder, file.tensors),
        epsilon=file.statement.epsilon,
        delta=file.statement.delta,
    )


def _is_called(base: InstalledBase, prefix: str) -> bool:
    return base.version_id.startswith(prefix) or base.base_id.startswith(prefix)


def _loaded(vault: Vault, base: InstalledBase) -> BaseVersion:
    return base_of(
        load_version(vault, base.version_id),
        find_encoder(),
        round_number=base.round,
        epsilon=base.epsilon,
        delta=base.delta,
    )
