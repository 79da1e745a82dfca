"""Writes a synthetic clinical note about a sampled patient, and says exactly where each finding stands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import numpy as np

from knowledge_graph.cohort.note_style import TERM_SLOTS, NotePart, NoteStyle, Template
from knowledge_graph.cohort.patient import SampledPatient
from knowledge_graph.cohort.patient_words import PatientWords
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.terms.term import TermId

TermNames = Callable[[TermId], Sequence[str]]
_SYNONYM_CHANCE = 0.45
_TYPO_CHANCE = 0.02  # for each sentence


class FindingSpan(NamedTuple):
    """Code points `start` to `end` (exclusive) of the note stand for a term."""

    start: int
    end: int
    term_id: TermId
    state: FindingState


@dataclass(frozen=True, slots=True)
class WrittenNote:
    """A note; `spans` are the patient's findings, the others a relative's and mere suspicions."""

    text: str
    spans: tuple[FindingSpan, ...]
    style: str
    family_spans: tuple[FindingSpan, ...] = ()
    considered_spans: tuple[FindingSpan, ...] = ()


def write_note(
    patient: SampledPatient, term_names: TermNames, *, rng: np.random.Generator, style: NoteStyle
) -> WrittenNote:
    """A note in a style. `term_names` gives a term's name first, then its synonyms."""
    return _Writer(patient, term_names, Random(int(rng.integers(2**63))), style).note()


def choose_style(styles: Sequence[NoteStyle], rng: np.random.Generator) -> NoteStyle:
    """One of the styles, by weight."""
    bounds = np.cumsum([style.weight for style in styles])
    return styles[int(np.searchsorted(bounds, rng.random() * bounds[-1], side="right"))]


def in_running_text(name: str) -> str:
    """A term's name inside a sentence: no capital, unless it is an abbreviation or a person's name."""
    first, _, rest = name.partition(" ")
    plain = first.replace("-", "")
    if plain[1:].islower() and not first.endswith("'s") and not rest.startswith(_AFTER_PERSONS):
        return name[:1].lower() + name[1:]
    return name


_AFTER_PERSONS = (
    "syndrome",
    "sign",
    "phenomenon",
    "anomaly",
    "malformation",
    "disease",
    "body",
    "bodies",
    "line",
    "nodule",
)


class _Writer:
    def __init__(self, patient: SampledPatient, names: TermNames, dice: Random, style: NoteStyle) -> None:
        self._names = names
        self._dice = dice
        self._style = style
        self._words = PatientWords(patient, style.words, dice)
        self._used: set[Template] = set()
        self._pieces: list[str] = []
        self._length = 0
        observed = [f.term_id for f in patient.findings if f.state is FindingState.OBSERVED]
        excluded = [f.term_id for f in patient.findings if f.state is FindingState.EXCLUDED]
        self._waiting: dict[str, list[TermId]] = {
            "observed": observed,
            "excluded": excluded,
            "family": list(patient.family_terms),
            "considered": list(patient.considered_terms),
        }
        self._spans: dict[str, list[FindingSpan]] = {name: [] for name in self._waiting}

    def note(self) -> WrittenNote:
        for part in self._style.parts:
            self._write_part(part)
        return WrittenNote(
            text="".join(self._pieces),
            spans=tuple(sorted(self._spans["observed"] + self._spans["excluded"])),
            style=self._style.name,
            family_spans=tuple(self._spans["family"]),
            considered_spans=tuple(self._spans["considered"]),
        )

    def _write_part(self, part: NotePart) -> None:
        if part.name not in self._waiting:
            self._write(self._dice.choice(part.sentences), part.name)
        elif self._waiting[part.name]:
            self._write(self._dice.choice(part.headings), part.name)
            self._write(self._fitting(part), part.name)
            while self._waiting[part.name]:
                self._add(part.glue)
                self._write(self._fitting(part), part.name)
        else:
            return
        self._add(part.end)

    def _fitting(self, part: NotePart) -> Template:
        """A sentence with no more places than there are terms left; none twice while others are left."""
        left = len(self._waiting[part.name])
        fitting = [t for t in part.sentences if sum(slot in TERM_SLOTS for slot in t[1::2]) <= left]
        fresh = [t for t in fitting if t not in self._used]
        template = self._dice.choice(fresh or fitting)
        self._used.add(template)
        return template

    def _write(self, template: Template, part: str) -> None:
        typo = self._dice.random() < _TYPO_CHANCE
        for place, piece in enumerate(template):
            if place % 2 == 0:
                self._add(_mistyped(piece, self._dice) if typo else piece)
                typo = False
            elif piece in TERM_SLOTS:
                self._write_terms(piece, part)
            else:
                self._add(self._words.fill(piece))

    def _write_terms(self, slot: str, part: str) -> None:
        waiting = self._waiting[part]
        many = slot.lower().startswith("findings")
        count = min(self._dice.choice((1, 1, 2, 2, 3, 4)), len(waiting)) if many else 1
        for place in range(count):
            if place:
                self._add(", " if place < count - 1 else " or " if slot.endswith("_or") else " and ")
            self._write_term(waiting.pop(0), part, capital=slot[0] == "F" and place == 0)

    def _write_term(self, term_id: TermId, part: str, *, capital: bool) -> None:
        wording = in_running_text(self._wording(term_id))
        wording = wording[:1].upper() + wording[1:] if capital else wording
        state = FindingState.EXCLUDED if part == "excluded" else FindingState.OBSERVED
        start = self._length
        self._add(wording)
        self._spans[part].append(FindingSpan(start, self._length, term_id, state))

    def _wording(self, term_id: TermId) -> str:
        names = self._names(term_id)
        if len(names) > 1 and self._dice.random() < _SYNONYM_CHANCE:
            return self._dice.choice(names[1:])
        return names[0]

    def _add(self, text: str) -> None:
        self._pieces.append(text)
        self._length += len(text)


def _mistyped(text: str, dice: Random) -> str:
    """Two neighbouring letters swapped, where there are such."""
    places = [i for i in range(1, len(text) - 2) if text[i : i + 2].isalpha()]
    if not places:
        return text
    i = dice.choice(places)
    return text[:i] + text[i + 1] + text[i] + text[i + 2 :]
