"""The model versions of a vault: the starting one and all published, and which is current."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.errors import ModelUnavailable
from app.store.model_pointer import VaultPointer
from ml.registry.model_card import card_markdown
from ml.registry.model_store import ModelStore
from ml.registry.model_version import ModelVersion, VersionContent
from ml.registry.result_store import ResultStore
from ml.registry.starting_model import starting_version

if TYPE_CHECKING:
    from app.store.vault import Vault


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One version as a list shows it."""

    version: ModelVersion
    current: bool
    starting: bool


def model_store(vault: "Vault", place: VaultPointer | None = None) -> ModelStore:
    """The vault's published versions; its database says which is current (`use_model` changes it)."""
    return ModelStore(vault.models_dir, vault.seal, vault.unseal, place or VaultPointer(vault))


def result_store(vault: "Vault") -> ResultStore:
    """The vault's training results that wait to be published."""
    return ResultStore(vault.models_dir / "results", vault.seal, vault.unseal)


def list_models(vault: "Vault") -> tuple[ModelRow, ...]:
    """The starting model first, then published versions by date."""
    store = model_store(vault)
    current = store.pointer().current
    start = starting_version().version
    kept = [store.describe(version_id) for version_id in store.version_ids()]
    published = sorted(kept, key=lambda v: (v.card.created_at, v.version_id))
    first = ModelRow(start, current=current is None, starting=True)
    return (first, *(ModelRow(v, v.version_id == current, starting=False) for v in published))


def load_version(vault: "Vault", version_id: str) -> VersionContent:
    """A version by its whole name: the starting one, or a published one."""
    start = starting_version()
    return start if version_id == start.version.version_id else model_store(vault).load(version_id)


def current_version(vault: "Vault") -> VersionContent:
    """The version a diagnosis uses: the current one, or the starting model."""
    current = model_store(vault).pointer().current
    return starting_version() if current is None else model_store(vault).load(current)


def named_card(rows: tuple[ModelRow, ...], prefix: str) -> str:
    """The card, in Markdown, of the one listed version whose name begins so."""
    return card_markdown(named_version(rows, prefix))


def named_version(rows: tuple[ModelRow, ...], prefix: str) -> ModelVersion:
    """The one listed version whose name begins so, or the `starting` one."""
    found = [
        r.version
        for r in rows
        if r.version.version_id.startswith(prefix) or (r.starting and prefix == "starting")
    ]
    if len(found) != 1:
        raise ModelUnavailable(f"{len(found)} model versions begin with {prefix!r}; see `anamnesis models`")
    return found[0]
