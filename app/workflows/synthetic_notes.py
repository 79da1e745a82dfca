"""Synthetic notes of every disease, in the forms that building the starting model needs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from knowledge_graph.cohort.note_style import NoteStyle, read_note_styles
from knowledge_graph.cohort.note_writing import WrittenNote, choose_style, in_running_text, write_note
from knowledge_graph.cohort.patient import SampledPatient
from knowledge_graph.cohort.sampling import sample_patients
from knowledge_graph.cohort.wording import graph_term_names
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from ml.training.marked_text import MarkedText

HELD_OUT_STYLES = ("telegram", "discharge summary")
HELD_OUT_DISEASES = 50  # among which notes of these styles are told apart
_LEAST_TERMS = 5
_PROSE_NOTES = 300
_MOST_NAMES = 5

IntArray = np.ndarray[Any, np.dtype[np.int64]]


class SyntheticNotes:
    """Everything is drawn from `seed`; held-out notes use styles that nothing else uses."""

    def __init__(self, graph: CompiledGraph, *, seed: int):
        self._graph = graph
        self._seed = seed
        self._names = graph_term_names(graph)
        styles = read_note_styles()
        self._styles = [style for style in styles if style.name not in HELD_OUT_STYLES]
        self._unseen = {style.name: style for style in styles if style.name in HELD_OUT_STYLES}
        profiles = self.profile_terms()
        self._known = np.array([d for d, terms in enumerate(profiles) if len(terms)])
        self._rich = np.array([d for d, terms in enumerate(profiles) if len(terms) >= _LEAST_TERMS])
        self._lay_out_phrases()

    def marked(self, count: int) -> list[MarkedText]:
        """Notes with the spans of what was observed, for the gate."""
        rng = self._rng(1)
        return [_marked(note) for note, _ in self._notes(self._rich, count, rng)]

    def phrase_rows(self, patients_per_disease: int) -> tuple[list[IntArray], IntArray]:
        """For each patient the numbers of phrases that tell her findings, and her disease."""
        rng = self._rng(2)
        patients = list(self._patients(self._known, patients_per_disease * len(self._known), rng))
        return [self._tell(p, rng) for p in patients], self._truth(patients)

    def profile_rows(self) -> list[IntArray]:
        """For each disease of the graph the phrases of its name and its terms' names."""
        rows = []
        for disease, terms in enumerate(self.profile_terms()):
            named = [self._spans_of[t][0] for t in terms.tolist()]
            rows.append(np.array([self._first_disease + disease, *named], dtype=np.int64))
        return rows

    def profile_terms(self) -> list[IntArray]:
        """For each disease of the graph the terms that its patients may show."""
        rows = self._graph.associations
        spans = [rows.rows_of(d) for d in range(len(self._graph.disease_ids))]
        return [np.unique(rows.term[s][~rows.excluded[s]]).astype(np.int64) for s in spans]

    def written(self, notes_per_disease: int) -> tuple[list[str], IntArray]:
        """Whole notes of all diseases in the styles of training."""
        count = notes_per_disease * len(self._known)
        pairs = list(self._notes(self._known, count, self._rng(3)))
        return [note.text for note, _ in pairs], self._truth([patient for _, patient in pairs])

    def held_out(
        self, style: str, count: int, *, among: IntArray | None = None
    ) -> tuple[list[str], IntArray]:
        """Notes in a style that training never saw."""
        rng = self._rng(4)
        patients = list(self._patients(self._rich if among is None else among, count, rng))
        texts = [write_note(p, self._names, rng=rng, style=self._unseen[style]).text for p in patients]
        return texts, self._truth(patients)

    def some_diseases(self, count: int) -> IntArray:
        """A fixed random choice of diseases with enough terms, ascending."""
        return np.sort(self._rng(5).choice(self._rich, count, replace=False)).astype(np.int64)

    def _lay_out_phrases(self) -> None:
        """Number the phrases: names of terms, denied terms, names of diseases, prose."""
        self.phrases: list[str] = []
        self._spans_of: dict[int, tuple[int, int]] = {}
        self._denied: dict[int, int] = {}
        for term in range(len(self._graph.term_ids)):
            names = [in_running_text(n) for n in self._names(self._graph.term_ids[term])[:_MOST_NAMES]]
            self._spans_of[term] = (len(self.phrases), len(self.phrases) + len(names))
            self.phrases += names
            self._denied[term] = len(self.phrases)
            self.phrases.append(f"no {names[0]}")
        self._first_disease = len(self.phrases)
        self.phrases += self._graph.disease_names
        first_prose = len(self.phrases)
        self.phrases += self._prose()
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

    def _patients(self, diseases: IntArray, count: int, rng: np.random.Generator) -> Iterator[SampledPatient]:
        ids = [self._graph.disease_ids[d] for d in diseases.tolist()]
        return sample_patients(self._graph, count=count, rng=rng, diseases=ids)

    def _notes(
        self, diseases: IntArray, count: int, rng: np.random.Generator
    ) -> Iterator[tuple[WrittenNote, SampledPatient]]:
        for patient in self._patients(diseases, count, rng):
            yield write_note(patient, self._names, rng=rng, style=self._style(rng)), patient

    def _prose(self) -> list[str]:
        """What notes say when there is nothing to say, line by line."""
        rng = self._rng(6)
        silent = [
            replace(p, findings=(), family_terms=(), considered_terms=())
            for p in self._patients(self._known, _PROSE_NOTES, rng)
        ]
        texts = [write_note(p, self._names, rng=rng, style=self._style(rng)).text for p in silent]
        return sorted({line.strip() for text in texts for line in text.splitlines() if line.strip()})

    def _style(self, rng: np.random.Generator) -> NoteStyle:
        return choose_style(self._styles, rng)

    def _truth(self, patients: Sequence[SampledPatient]) -> IntArray:
        return np.array([self._graph.disease_number(p.disease_id) for p in patients], dtype=np.int64)

    def _rng(self, purpose: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, purpose])


def _marked(note: WrittenNote) -> MarkedText:
    observed = [s for s in note.spans if s.state is FindingState.OBSERVED]
    return MarkedText(note.text, tuple((s.start, s.end) for s in observed))
