"""Synthetic patients tell of themselves: what they can know, in everyday words."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.workflows.term_wordings import everyday_wordings
from knowledge_graph.cohort.note_style import read_patient_styles
from knowledge_graph.cohort.note_writing import write_note
from knowledge_graph.cohort.patient import SampledPatient
from knowledge_graph.cohort.wording import graph_term_names
from knowledge_graph.findings.finding import Finding, observed_count
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.questions.cost_table import CostClass, shipped_costs
from knowledge_graph.terms.term import TermId

OWN, PARENTS, HELD_OUT_PATIENT_STYLE = "own words", "parent's words", "message"
_CHILD_DAYS = 12 * 365


class EverydayNotes:
    """Writes in a patient's words. A term can be told where laypeople have a word for it, or are asked."""

    def __init__(self, graph: CompiledGraph):
        self._styles = {style.name: style for style in read_patient_styles()}
        self._names = graph_term_names(graph)
        self._everyday = everyday_wordings(graph)
        costs = shipped_costs(graph).of_terms(graph)
        asked = {t for n, t in enumerate(graph.term_ids) if costs.kind(n) is CostClass.ASK}
        self.told = asked | self._everyday.keys()

    def write(self, patient: SampledPatient, rng: np.random.Generator, *, held_out: bool = False) -> str:
        """A note of what the patient can tell; empty where that is nothing."""
        tellable = replace(
            patient,
            findings=self.tellable(patient),
            family_terms=tuple(t for t in patient.family_terms if t in self.told),
            considered_terms=tuple(t for t in patient.considered_terms if t in self.told),
        )
        if not observed_count(tellable.findings):
            return ""
        usual = PARENTS if patient.age_days < _CHILD_DAYS else OWN
        style = self._styles[HELD_OUT_PATIENT_STYLE if held_out else usual]
        return write_note(tellable, self._wordings, rng=rng, style=style).text

    def tellable(self, patient: SampledPatient) -> tuple[Finding, ...]:
        """What the patient can tell of her findings."""
        return tuple(f for f in patient.findings if f.term_id in self.told)

    def _wordings(self, term_id: TermId) -> Sequence[str]:
        return self._everyday.get(term_id) or self._names(term_id)
