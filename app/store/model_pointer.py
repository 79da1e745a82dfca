"""Which model version is current, kept in the database, where an older one can't be put back unseen.

As a sealed file beside the database it could be exchanged for an earlier one, and the vault would use a
model that was left for a reason. In the database it is one audited, anchored transaction.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.store.durable_file import sync_folder

if TYPE_CHECKING:
    from app.store.vault import Vault

POINTER_SETTING = "models.pointer"
_FORMER_FILE, _FORMER_PURPOSE = "pointer", "model-pointer"


@dataclass(frozen=True, slots=True)
class VaultPointer:
    """The pointer of one vault, as bytes; `action` and `version_id` are what the event of a move says."""

    vault: "Vault"
    action: str = "setting-changed"
    version_id: str = ""

    def read(self) -> bytes | None:
        """What was kept last. A file from before the database kept it is taken over, once."""
        kept = self.vault.setting(POINTER_SETTING)
        if kept is not None:
            return kept.encode("utf-8")
        former = self.vault.models_dir / _FORMER_FILE
        if not former.is_file():
            return None
        data = self.vault.unseal(_FORMER_PURPOSE, former.read_bytes())
        if not self.vault.read_only:
            self.write(data)
        return data

    def write(self, data: bytes) -> None:
        """Keep it; returns when it is on disk. A former file goes: it counts no more."""
        detail = "" if self.version_id else None
        self.vault.set_setting(
            POINTER_SETTING,
            data.decode("utf-8"),
            action=self.action,
            record_id=self.version_id,
            detail=detail,
        )
        former = self.vault.models_dir / _FORMER_FILE
        if former.exists():
            former.unlink()
            sync_folder(self.vault.models_dir)
