"""What the patient list is filtered by, and the vault's answer to it."""

from dataclasses import dataclass

from app.store.patient_query import PatientRow
from app.store.vault import Vault


@dataclass(frozen=True, slots=True)
class PatientFilter:
    """Search words, sex (`FEMALE`, ...), decided or not, and the order (`name`, `activity`)."""

    text: str = ""
    sex: str | None = None
    decided: bool | None = None
    order: str = "name"

    def count(self, vault: Vault) -> int:
        """How many patients pass."""
        return vault.patient_count(text=self.text, sex=self.sex, decided=self.decided)

    def page(self, vault: Vault, *, limit: int, offset: int) -> list[PatientRow]:
        """One page of those that pass."""
        return vault.patients(
            text=self.text, sex=self.sex, decided=self.decided, order=self.order, limit=limit, offset=offset
        )

    @property
    def narrows(self) -> bool:
        """Whether anything is filtered out."""
        return bool(self.text) or self.sex is not None or self.decided is not None
