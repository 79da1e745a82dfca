"""Makes a kept model version, or the starting model, the current one: one audited deed."""

from app.store.model_pointer import VaultPointer
from app.store.vault import Vault
from app.workflows.list_models import model_store
from ml.registry.starting_model import starting_version


def use_model(
    vault: Vault, version_id: str | None, *, at: str, reason: str, action: str = "model.use"
) -> None:
    """Move the pointer (None: to the starting model); the event names the version."""
    name = version_id or starting_version().version.version_id
    model_store(vault, VaultPointer(vault, action, name)).set_current(version_id, at=at, reason=reason)
