"""Synthetic notes of every disease, in the forms that building the starting model needs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from knowledge_graph.cohort.note_writer import WrittenNote, names_in, note_styles, write_note
from knowledge_graph.cohort.patient_sampler import PatientSampler, SampledPatient
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from ml.training.token_gate import MarkedText

HELD_OUT_STYLES = ("telegram", "parent_report")
_LEAST_TERMS = 5
_PLACEHOLDERS = {"{age}": "6-year-old", "{Age}": "6-year-old", "{person}": "girl", "{distractor}": "asthma"}

IntArray = np.ndarray[Any, np.dtype[np.int64]]


class SyntheticNotes:
    """Everything is drawn from `seed`; held-out notes use styles that nothing else uses."""

    def __init__(self, graph: CompiledGraph, *, seed: int):
        self._graph = graph
        self._seed = seed
        self._sampler = PatientSampler(graph)
        self._names = names_in(graph)
        styles = note_styles()
        self._styles = {name: style for name, style in styles.items() if name not in HELD_OUT_STYLES}
        self._unseen = {name: styles[name] for name in HELD_OUT_STYLES}
        self._known = np.array([graph.disease_number(d) for d in self._sampler.diseases_with(1)])
        self._rich = np.array([graph.disease_number(d) for d in self._sampler.diseases_with(_LEAST_TERMS)])
        self._lay_out_phrases()

    def marked(self, count: int) -> list[MarkedText]:
        """Notes with the spans of what was observed, for the gate."""
        rng = self._rng(1)
        return [_marked(self._write(int(d), rng)) for d in rng.choice(self._rich, count)]

    def phrase_rows(self, patients_per_disease: int) -> tuple[list[IntArray], IntArray]:
        """For each patient the numbers of phrases that tell her findings, and her disease."""
        rng = self._rng(2)
        diseases = np.tile(self._known, patients_per_disease)
        rows = [self._tell(self._draw(d, rng), rng) for d in diseases.tolist()]
        return rows, diseases

    def profile_rows(self) -> list[IntArray]:
        """For each disease of the graph the phrases of its name and its terms' names."""
        rows = []
        for disease in range(len(self._graph.disease_ids)):
            terms = self._graph.associations.term[self._graph.associations.rows_of(disease)]
            named = [self._spans_of[t][0] for t in np.unique(terms).tolist() if t in self._spans_of]
            rows.append(np.array([self._first_disease + disease, *named], dtype=np.int64))
        return rows

    def written(self, notes_per_disease: int) -> tuple[list[str], IntArray]:
        """Whole notes of every disease in the styles of training."""
        rng = self._rng(3)
        diseases = np.tile(self._known, notes_per_disease)
        return [self._write(d, rng).text for d in diseases.tolist()], diseases.astype(np.int64)

    def held_out(
        self, style: str, count: int, *, among: IntArray | None = None
    ) -> tuple[list[str], IntArray]:
        """Notes in a style that training never saw."""
        rng = self._rng(4)
        diseases = rng.choice(self._rich if among is None else among, count)
        texts = [
            write_note(self._draw(d, rng), self._names, rng=rng, style=self._unseen[style]).text
            for d in diseases.tolist()
        ]
        return texts, diseases.astype(np.int64)

    def some_diseases(self, count: int) -> IntArray:
        """A fixed random choice of diseases with enough terms, ascending."""
        return np.sort(self._rng(5).choice(self._rich, count, replace=False)).astype(np.int64)

    def _lay_out_phrases(self) -> None:
        """Number the phrases: names of terms, denied terms, names of diseases, prose."""
        self.phrases: list[str] = []
        self._spans_of: dict[int, tuple[int, int]] = {}
        self._denied: dict[int, int] = {}
        terms = np.unique(self._graph.associations.term)
        above = {p for t in terms.tolist() for p in self._graph.parents[t].tolist()}
        for term in sorted(above | set(terms.tolist())):
            first = len(self.phrases)
            self.phrases += [n.lower() for n in self._names(self._graph.term_ids[term])[:5]]
            self._spans_of[term] = (first, len(self.phrases))
            self._denied[term] = len(self.phrases)
            self.phrases.append("no " + self._graph.term_names[term].lower())
        self._first_disease = len(self.phrases)
        self.phrases += self._graph.disease_names
        first_prose = len(self.phrases)
        self.phrases += _prose(list(self._styles.values()))
        self.prose_range = (first_prose, len(self.phrases))

    def _tell(self, patient: SampledPatient, rng: np.random.Generator) -> IntArray:
        told = []
        for finding in patient.findings:
            term = self._graph.term_number(finding.term_id)
            if finding.state is FindingState.OBSERVED:
                told.append(int(rng.integers(*self._spans_of[term])))
            else:
                told.append(self._denied[term])
        return np.array(told, dtype=np.int64)

    def _draw(self, disease: int, rng: np.random.Generator) -> SampledPatient:
        return self._sampler.draw(self._graph.disease_ids[disease], rng)

    def _write(self, disease: int, rng: np.random.Generator) -> WrittenNote:
        style = list(self._styles.values())[int(rng.integers(len(self._styles)))]
        return write_note(self._draw(disease, rng), self._names, rng=rng, style=style)

    def _rng(self, purpose: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, purpose])


def _marked(note: WrittenNote) -> MarkedText:
    observed = [f for f in note.findings if f.state is FindingState.OBSERVED]
    return MarkedText(note.text, tuple((f.start, f.end) for f in observed))


def _prose(styles: Sequence[dict[str, Any]]) -> list[str]:
    sentences = []
    for style in styles:
        for kind in ("opening", "family", "closing", "observed"):
            sentences += [_without_placeholders(s) for s in style[kind]]
    return sentences


def _without_placeholders(sentence: str) -> str:
    for placeholder, word in _PLACEHOLDERS.items():
        sentence = sentence.replace(placeholder, word)
    return sentence.replace("{finding}", "it").replace("{Finding}", "It")
