"""PartCheck: what the self-test says of one part of this installation."""

from dataclasses import dataclass
from enum import StrEnum


class PartStatus(StrEnum):
    """A part that is not installed is nobody's fault; one that is there and does not work is."""

    OK = "ok"
    BROKEN = "not ok"
    ABSENT = "not installed"


@dataclass(frozen=True, slots=True)
class PartCheck:
    """One part; `detail` is one line: what was seen and, where it does not work, the remedy."""

    name: str
    status: PartStatus
    detail: str
