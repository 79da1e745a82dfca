"""Writes synthetic clinical notes about sampled patients, and says where each finding stands.

Styles are data (`resources/note_styles/styles.toml`). Spans count Unicode code points, end
exclusive. A relative's findings are written too, without a span: they are not the patient's.
"""

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np

from knowledge_graph.cohort.patient_sampler import SampledPatient
from knowledge_graph.findings.finding import FindingState, Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import TermId

NamesOf = Callable[[TermId], Sequence[str]]
_DISTRACTORS = ("migraine", "asthma", "type 2 diabetes", "hypertension", "breast cancer", "epilepsy", "gout")


@dataclass(frozen=True, slots=True)
class WrittenFinding:
    """Where a finding stands in the text."""

    start: int
    end: int
    term_id: TermId
    state: FindingState


@dataclass(frozen=True, slots=True)
class WrittenNote:
    """A synthetic note and the truth about it."""

    title: str
    text: str
    findings: tuple[WrittenFinding, ...]


def note_styles() -> dict[str, dict[str, Any]]:
    """All styles by name."""
    return tomllib.loads(files("resources.note_styles").joinpath("styles.toml").read_text("utf-8"))


def names_in(graph: CompiledGraph) -> NamesOf:
    """Names of a term as a note would use them: the name first, then short synonyms."""

    def names(term_id: TermId) -> Sequence[str]:
        number = graph.term_number(term_id)
        short = [s for s in graph.term_synonyms[number] if 3 < len(s) < 60]
        return (graph.term_names[number], *short)

    return names


def write_note(
    patient: SampledPatient, names: NamesOf, *, rng: np.random.Generator, style: dict[str, Any]
) -> WrittenNote:
    """One note in one style."""
    pen = _Pen(style["joiner"])
    who = {"age": _age(patient.age_days), "person": _person(patient, rng)}
    pen.write(_filled(_pick(style["opening"], rng), who))
    order = list(patient.findings)
    rng.shuffle(order)
    for finding in order:
        pattern = _pick(style["observed" if finding.state is FindingState.OBSERVED else "excluded"], rng)
        pen.write_finding(pattern, _name(names(finding.term_id), rng), finding.term_id, finding.state)
    if rng.random() < 0.5:
        pen.write(_filled(_pick(style["family"], rng), {"distractor": _pick(_DISTRACTORS, rng)}))
    pen.write(_pick(style["closing"], rng))
    return WrittenNote(style["title"], pen.text, tuple(pen.findings))


class _Pen:
    """Puts sentences one after the other and keeps count of code points."""

    def __init__(self, joiner: str):
        self.text = ""
        self.findings: list[WrittenFinding] = []
        self._joiner = joiner

    def write(self, sentence: str) -> None:
        self.text += (self._joiner if self.text else "") + sentence

    def write_finding(self, pattern: str, name: str, term_id: TermId, state: FindingState) -> None:
        capital = "{Finding}" in pattern
        before, after = pattern.split("{Finding}" if capital else "{finding}", 1)
        shown = name[:1].upper() + name[1:] if capital else name
        self.write(before)
        start = len(self.text)
        self.text += shown + after
        self.findings.append(WrittenFinding(start, start + len(shown), term_id, state))


def _pick(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def _name(names: Sequence[str], rng: np.random.Generator) -> str:
    """The preferred name half the time; lower case unless it looks like an abbreviation."""
    name = names[0] if len(names) == 1 or rng.random() < 0.5 else names[1 + int(rng.integers(len(names) - 1))]
    first = name.split()[0]
    return name if any(c.isupper() for c in first[1:]) else name[:1].lower() + name[1:]


def _filled(pattern: str, values: dict[str, str]) -> str:
    for key, value in values.items():
        pattern = pattern.replace("{" + key + "}", value)
        pattern = pattern.replace("{" + key.capitalize() + "}", value[:1].upper() + value[1:])
    return pattern


def _age(days: int) -> str:
    if days < 60:
        return f"{days}-day-old"
    return f"{days // 30}-month-old" if days < 730 else f"{int(days / 365.25)}-year-old"


def _person(patient: SampledPatient, rng: np.random.Generator) -> str:
    if patient.age_days > 16 * 365:
        return "woman" if patient.sex is Sex.FEMALE else "man"
    return "girl" if patient.sex is Sex.FEMALE else "boy"
