"""Which records of an item are filed: people before what is theirs, and no bare number over a fuller one."""

from dataclasses import replace

from app.clinical.chart import ClinicalRecord
from app.clinical.patient import Patient
from app.exchange.item import ImportedItem
from app.exchange.reference_table import ReferenceTable


class Admission:
    """Remembers who has been filed. What a file brings counts once the next file begins."""

    def __init__(self, table: ReferenceTable):
        self._table = table
        self._seen: set[str] = set()
        self._new: set[str] = set()
        self._scope = ""

    def begin(self, scope: str) -> None:
        """A file begins; the same one anew is read as if for the first time."""
        if scope != self._scope:
            self._seen |= self._new
        self._new, self._scope = set(), scope

    def forget(self) -> None:
        """The file was refused after all: nobody of it is filed."""
        self._new = set()

    def admitted(self, item: ImportedItem) -> ImportedItem:
        """The item with the records that are to be filed, in an order in which they can be."""
        return replace(item, records=tuple(self._with_people(self._allowed(item))))

    def _is_seen(self, patient_id: str) -> bool:
        return patient_id in self._seen or patient_id in self._new

    def _allowed(self, item: ImportedItem) -> list[ClinicalRecord]:
        """The item's records; a patient that is only a number does not overwrite a fuller one."""
        records: list[ClinicalRecord] = []
        for record in item.records:
            if isinstance(record, Patient):
                known = self._is_seen(record.id) or record.id in self._table.known
                self._new.add(record.id)
                if known and record.is_bare:
                    continue
            records.append(record)
        return records

    def _with_people(self, records: list[ClinicalRecord]) -> list[ClinicalRecord]:
        """The records behind any patient of theirs that another file (or a contained resource) holds."""
        table = self._table
        people: list[ClinicalRecord] = []
        for record in records:
            whose = "" if isinstance(record, Patient) else record.patient_id
            if whose and not self._is_seen(whose) and whose in table.people:
                self._new.add(whose)
                if not (whose in table.known and whose in table.partial):
                    people.append(table.people[whose])
        return [*people, *records]
