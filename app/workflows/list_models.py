"""The model versions of a vault: the starting one and all published, and which is current."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.errors import ModelUnavailable
from ml.registry.model_card import card_markdown
from ml.registry.model_store import ModelStore
from ml.registry.model_version import ModelVersion, VersionContent
from ml.registry.result_store import ResultStore
from ml.registry.starting_model import starting_version


class SealedFolder(Protocol):
    """What a vault offers for model files: a folder, and sealing under its key."""

    @property
    def models_dir(self) -> Path:
        """Where model files lie."""

    def seal(self, purpose: str, data: bytes) -> bytes:
        """Encrypt under the vault's key."""

    def unseal(self, purpose: str, data: bytes) -> bytes:
        """Decrypt; refuses altered bytes."""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One version as a list shows it."""

    version: ModelVersion
    current: bool
    starting: bool


def model_store(vault: SealedFolder) -> ModelStore:
    """The vault's published versions."""
    return ModelStore(vault.models_dir, vault.seal, vault.unseal)


def result_store(vault: SealedFolder) -> ResultStore:
    """The vault's training results that wait to be published."""
    return ResultStore(vault.models_dir / "results", vault.seal, vault.unseal)


def list_models(vault: SealedFolder) -> tuple[ModelRow, ...]:
    """The starting model first, then published versions by date."""
    store = model_store(vault)
    current = store.pointer().current
    start = starting_version().version
    kept = [store.describe(version_id) for version_id in store.version_ids()]
    published = sorted(kept, key=lambda v: (v.card.created_at, v.version_id))
    first = ModelRow(start, current=current is None, starting=True)
    return (first, *(ModelRow(v, v.version_id == current, starting=False) for v in published))


def load_version(vault: SealedFolder, version_id: str) -> VersionContent:
    """A version by its whole name: the starting one, or a published one."""
    start = starting_version()
    return start if version_id == start.version.version_id else model_store(vault).load(version_id)


def current_version(vault: SealedFolder) -> VersionContent:
    """The version a diagnosis uses: the current one, or the starting model."""
    current = model_store(vault).pointer().current
    return starting_version() if current is None else model_store(vault).load(current)


def named_card(rows: tuple[ModelRow, ...], prefix: str) -> str:
    """The card, in Markdown, of the one listed version whose name begins so."""
    found = [row.version for row in rows if row.version.version_id.startswith(prefix)]
    if len(found) != 1:
        raise ModelUnavailable(f"{len(found)} model versions begin with {prefix!r}; see `anamnesis models`")
    return card_markdown(found[0])
