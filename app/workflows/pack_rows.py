"""Teaches the starting model the conditions of the program's own pack: rows beside those of HPO's diseases.

Whole notes of synthetic patients, half of them clinicians', half in the patients' own words; as many of
HPO's diseases, so that a common condition learns where it ends. HPO's rows stay as they are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.workflows.everyday_notes import EverydayNotes
from app.workflows.synthetic_notes import HELD_OUT_STYLES
from knowledge_graph.cohort.note_style import read_note_styles
from knowledge_graph.cohort.note_writing import choose_style, in_running_text, write_note
from knowledge_graph.cohort.sampling import sample_patients
from knowledge_graph.cohort.wording import graph_term_names
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId
from ml.evaluation.ranking_quality import top_k, true_ranks
from ml.text.tokenizer import TextTokenizer
from ml.training.added_rows import ReadNotes, described_rows, fit_added_rows
from ml.training.classifier import Classifier, encode_texts
from ml.training.starting_head import Head

Told = tuple[list[str], list[int]]  # texts, and the true rows


@dataclass(frozen=True, slots=True)
class PackPlan:
    """Notes for each condition of the pack, and of HPO's diseases in all; how many measure the result."""

    seed: int = 0
    notes_per_condition: int = 60
    other_notes: int = 4000
    held_out_notes: int = 200


class PackNotes:
    """Everything is drawn from `seed`. Rows are numbered as the graph's diseases: HPO's, then the pack's."""

    def __init__(self, graph: CompiledGraph, *, seed: int):
        self._graph, self._seed = graph, seed
        self._names, self._everyday = graph_term_names(graph), EverydayNotes(graph)
        self._styles = {style.name: style for style in read_note_styles()}
        self._usual = [s for s in self._styles.values() if s.name not in HELD_OUT_STYLES]
        self.pack = [d for d in graph.disease_ids if d.split(":")[0] in graph.pack_spaces]
        self.others = graph.disease_ids[: len(graph.disease_ids) - len(self.pack)]

    def training(self, plan: PackPlan) -> Told:
        """Notes of the pack's conditions and of HPO's diseases, every other in a patient's words."""
        told = _nothing()
        counts = {tuple(self.pack): plan.notes_per_condition * len(self.pack), self.others: plan.other_notes}
        for purpose, (diseases, count) in enumerate(counts.items()):
            for texts, rows in (
                self._clinical(diseases, count // 2, purpose),
                self._patients(diseases, count // 2, purpose + 2),
            ):
                told[0].extend(texts)
                told[1].extend(rows)
        return told

    def descriptions(self) -> list[str]:
        """For each condition of the pack its name and those of its findings."""
        rows, texts = self._graph.associations, []
        for disease in map(self._graph.disease_number, self.pack):
            own = rows.rows_of(disease)
            shown = np.unique(rows.term[own][~rows.excluded[own]]).tolist()
            findings = ", ".join(in_running_text(self._graph.term_names[term]) for term in shown)
            texts.append(f"{self._graph.disease_names[disease]}. {findings}.")
        return texts

    def held_out(self, count: int) -> dict[str, Told]:
        """Notes of the pack's conditions in styles that nothing is fitted on."""
        measured = {s: self._clinical(self.pack, count, 4, style=s) for s in HELD_OUT_STYLES}
        return measured | {"patient's message": self._patients(self.pack, count, 5, held_out=True)}

    def _clinical(self, diseases: Sequence[DiseaseId], count: int, purpose: int, *, style: str = "") -> Told:
        rng, told = self._rng(purpose), _nothing()
        for patient in sample_patients(self._graph, count=count, rng=rng, diseases=diseases):
            chosen = self._styles[style] if style else choose_style(self._usual, rng)
            told[0].append(write_note(patient, self._names, rng=rng, style=chosen).text)
            told[1].append(self._graph.disease_number(patient.disease_id))
        return told

    def _patients(
        self, diseases: Sequence[DiseaseId], count: int, purpose: int, *, held_out: bool = False
    ) -> Told:
        """Up to `count`: who has nothing to tell tells nothing."""
        rng, told = self._rng(purpose), _nothing()
        for patient in sample_patients(self._graph, count=count, rng=rng, diseases=diseases):
            if text := self._everyday.write(patient, rng, held_out=held_out):
                told[0].append(text)
                told[1].append(self._graph.disease_number(patient.disease_id))
        return told

    def _rng(self, purpose: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, 100 + purpose])


def _nothing() -> Told:
    return [], []


def add_pack_rows(
    frozen: Head, reader: Classifier, tokenizer: TextTokenizer, notes: PackNotes, plan: PackPlan
) -> Iterator[str | Head]:
    """Yield lines of progress and, last, a head whose further rows are the pack's."""
    texts, truth = notes.training(plan)
    yield f"reading {len(texts):,} notes for the pack's {len(notes.pack)} conditions"
    read = ReadNotes(encode_texts(reader, tokenizer, texts), np.array(truth, dtype=np.int64))
    yield "fitting the pack's rows"
    described = encode_texts(reader, tokenizer, notes.descriptions())
    first = described_rows(frozen, described, read.features[read.truth < len(frozen.bias)])
    added = fit_added_rows(frozen, first, read)
    yield Head(np.concatenate([frozen.weight, added.weight]), np.concatenate([frozen.bias, added.bias]))


def measure_pack_rows(
    head: Head, reader: Classifier, tokenizer: TextTokenizer, notes: PackNotes, *, count: int
) -> dict[str, float]:
    """Top-1 and top-10 of the pack's conditions among all diseases, in styles held out."""
    measured: dict[str, float] = {}
    for style, (texts, truth) in notes.held_out(count).items():
        ranks = true_ranks(head.logits(encode_texts(reader, tokenizer, texts)), np.array(truth))
        measured |= {f"{style}, the pack's among all, top-{k}": top_k(ranks, k) for k in (1, 10)}
    return measured
