"""Finds labels that contradict each other, for a person to look at; changes nothing."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from app.clinical.annotation import Annotation, current_annotations
from app.clinical.chart import Chart
from app.clinical.ids import PatientId
from app.clinical.label import ConflictKind, LabelConflict
from app.store.vault import Vault
from app.workflows.standing_word import StandingWord, coded_diseases, standing_word
from app.workflows.told_share import told_share
from knowledge_graph.fusion.same_disease import leaders
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId


class DiseaseNames:
    """Brings the ids of one disease together, so that OMIM's and Orphanet's do not contradict each other."""

    def __init__(self, graph: CompiledGraph):
        self._numbers = graph.disease_index
        self._ids, self._leaders = graph.disease_ids, leaders(graph)

    def one(self, disease_id: str) -> str:
        """The id that the disease is shown under; its own where the knowledge lacks it."""
        number = self._numbers.get(DiseaseId(disease_id))
        return disease_id if number is None else self._ids[self._leaders[number]]


def find_conflicts(vault: Vault, names: DiseaseNames) -> Iterator[LabelConflict | float]:
    """All conflicts of a vault, patient by patient, then those between two records of one person.

    Between them how far it is, 0 to 1; the 1 comes last.
    """
    people: dict[tuple[str, str], list[tuple[PatientId, str]]] = defaultdict(list)
    total = vault.patient_count()
    for done, (chart, events) in enumerate(vault.every_chart(), start=1):
        patient, word = chart.patient, standing_word(chart.diagnoses)
        yield from _of_diseases(chart, word, names)
        yield from _of_marks(patient.id, current_annotations(events))
        if word.confirmed and patient.name and patient.birth_date:
            person = (" ".join(patient.name.casefold().split()), patient.birth_date)
            people[person].append((patient.id, names.one(word.confirmed[-1])))
        if done < total and (share := told_share(done, total)):
            yield share
    for records in people.values():
        yield from _of_person(records)
    yield 1.0


def _of_diseases(chart: Chart, word: StandingWord, names: DiseaseNames) -> Iterator[LabelConflict]:
    patient = chart.patient.id
    confirmed, rejected, coded = (
        tuple(dict.fromkeys(map(names.one, ids)))
        for ids in (word.confirmed, word.rejected, coded_diseases(chart.conditions))
    )
    found = (
        (ConflictKind.BOTH_WAYS, [d for d in confirmed if d in rejected]),
        (ConflictKind.SEVERAL, list(confirmed) if len(confirmed) > 1 else []),
        (ConflictKind.CODED_REJECTED, [d for d in coded if d in rejected]),
        (ConflictKind.CODED_OTHERWISE, [d for d in coded if confirmed and d not in confirmed + rejected]),
    )
    for kind, about in found:
        if about:
            yield LabelConflict(patient, kind, tuple(about))


def _of_marks(patient: PatientId, marks: Sequence[Annotation]) -> Iterator[LabelConflict]:
    states = defaultdict(set)
    for mark in marks:
        if not mark.rejected:
            states[mark.note_id, mark.term_id].add(mark.state)
    both = sorted({str(term) for (_note, term), said in states.items() if len(said) > 1})
    if both:
        yield LabelConflict(patient, ConflictKind.FINDING_BOTH_WAYS, tuple(both))


def _of_person(records: Sequence[tuple[PatientId, str]]) -> Iterator[LabelConflict]:
    for number, (patient, disease) in enumerate(records):
        others = tuple(str(other) for other, said in records[:number] if said != disease)
        if others:
            yield LabelConflict(patient, ConflictKind.ONE_PERSON_TWICE, others)
