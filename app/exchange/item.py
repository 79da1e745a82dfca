"""What became of one item of a foreign file: nouns, or a reason why not. Never content."""

from dataclasses import dataclass

from app.clinical.chart import ClinicalRecord

NOT_CLINICAL = "not a clinical record of this program"
NO_PATIENT = "it does not say whose it is"
UNNAMED = "its patient was not sent; filed under an unnamed patient"


@dataclass(frozen=True, slots=True)
class ImportedItem:
    """One resource or row. `place` says where in the file; `remarks` name what could not be read.

    `unread` names fields that hold something this program has no use for.
    """

    kind: str
    place: str
    records: tuple[ClinicalRecord, ...] = ()
    skipped: str = ""
    remarks: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Bounds for foreign files, in bytes and counts."""

    largest_document: int = 64 << 20
    largest_unpacked: int = 8 << 30
    most_members: int = 200_000
    largest_ratio: int = 200
