"""Weighs a patient while the notes are being read: at once by the findings alone, then as text comes in.

The most telling windows are read first, so that the order of diseases soon stands. The last answer is the
one that `DiagnosisService.weigh` gives, whatever was read first.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.workflows.diagnose import DiagnosisService
from app.workflows.note_reader import spoken
from app.workflows.suggest_findings import is_about_patient
from app.workflows.weighed import Presentation, Weighed
from ml.recognition.recogniser import OBSERVED, Recogniser
from ml.text.tokenizer import Window

FEW = 2  # windows: too short a wait to show anything before
FIRST_REFINEMENT = 8  # windows; the next come at 16, 32, ...
NEARLY = 0.99
_ASSESSMENT = re.compile(
    r"^[ \t]*(?:assessment|impression|(?:\w+ )?diagnos[ei]s|conclusions?|summary|problem list)\b",
    re.IGNORECASE | re.MULTILINE,
)
_WORTH_OF_ASSESSMENT = 5  # findings


@dataclass(frozen=True, slots=True)
class Weighing:
    """What is known with a `share` of the notes read, 0 to 1; None where nothing is new."""

    share: float
    weighed: Weighed | None = None


def weigh_while_reading(service: DiagnosisService, asked: Presentation) -> Iterator[Weighing]:
    """What is known by findings alone, then by what is read as well. Only the last has share 1.

    Notes that take but a moment, and those read before, give one answer.
    """
    service.refresh()
    reading = service.notes.reading(asked.texts)
    ahead = [] if reading is None else reading.ahead()
    if reading is None or len(ahead) <= FEW:
        yield Weighing(1, service.weigh(asked))
        return
    told = service.weigh_with(asked, None)
    yield Weighing(0, told if asked.findings else None)
    due, read_before = FIRST_REFINEMENT, len(reading.windows) - len(ahead)
    order = telling_first(reading.windows, ahead, spoken(asked.texts), service.recogniser)
    for read in reading.steps(order):
        share = min((read - read_before) / len(ahead), NEARLY)  # what follows the last window has no share
        if due <= read - read_before < len(ahead):
            due *= 2
            yield Weighing(share, service.with_text(told, service.notes.heard(reading)))
        else:
            yield Weighing(share)
    yield Weighing(1, service.with_text(told, service.notes.keep(asked.texts, reading)))


def telling_first(
    windows: Sequence[Window], ahead: Sequence[int], texts: Sequence[str], recogniser: Recogniser
) -> list[int]:
    """The windows `ahead`, those first that hold most findings of the patient, or her assessment."""
    places = [_telling_places(text, recogniser) for text in texts]

    def worth(number: int) -> int:
        window = windows[number]
        words = [place for place in window.offsets if place[1] > place[0]]
        held = places[window.text_index]
        first, last = (bisect_left(held, (at, "")) for at in (words[0][0], words[-1][1]))
        terms = {term for _, term in held[first:last]}
        return len(terms) + (_WORTH_OF_ASSESSMENT if "" in terms else 0)

    return sorted(ahead, key=lambda number: (-worth(number), number))


def _telling_places(text: str, recogniser: Recogniser) -> list[tuple[int, str]]:
    """Where findings that are there begin, with their terms; an assessment's heading has none."""
    mentions = recogniser.mentions_as_read(text)
    found = [(m.start, m.term_id) for m in mentions if m.state == OBSERVED and is_about_patient(m)]
    return sorted([*found, *((m.end(), "") for m in _ASSESSMENT.finditer(text))])
