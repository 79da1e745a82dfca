"""Explains by example: diseases whose picture is most like the patient's, and patients like her.

Patients are compared by what clinicians marked or records coded, not by what the program merely suggests.
Nothing leaves the vault; that the list was shown is audited.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.clinical.ids import PatientId
from app.store.rights import Right
from app.store.vault import Vault
from knowledge_graph.errors import UnknownTerm
from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.similarity.likeness import likeness, profile_likeness
from knowledge_graph.terms.term import DiseaseId


@dataclass(frozen=True, slots=True)
class SimilarDisease:
    """A disease whose annotated picture is like the findings; `likeness` between 0 and 1."""

    disease_id: DiseaseId
    name: str
    likeness: float
    shared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SimilarPatient:
    """A patient of the vault; `confirmed` is her confirmed disease, or empty."""

    patient_id: PatientId
    name: str
    record_number: str
    confirmed: str
    likeness: float
    shared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SimilarCases:
    """Patients of the vault and diseases, each most alike first."""

    patients: tuple[SimilarPatient, ...]
    diseases: tuple[SimilarDisease, ...]


def similar_diseases(
    graph: CompiledGraph, findings: Sequence[Finding], *, count: int = 5
) -> tuple[SimilarDisease, ...]:
    """The diseases most like the observed findings. Raises UnknownTerm."""
    mine = _observed(graph, findings)
    scores = profile_likeness(graph, mine)
    best = [int(d) for d in np.argsort(-scores, kind="stable")[:count] if scores[d] > 0]
    return tuple(
        SimilarDisease(
            graph.disease_ids[d],
            graph.disease_names[d],
            float(scores[d]),
            _names(graph, likeness(graph, mine, graph.signatures.of_disease(d)[0].tolist()).shared.tolist()),
        )
        for d in best
    )


def similar_patients(
    vault: Vault, graph: CompiledGraph, patient_id: str, findings: Sequence[Finding], *, count: int = 5
) -> tuple[SimilarPatient, ...]:
    """The other patients most like this one, best first; audited. Raises UnknownTerm, PolicyError."""
    vault.require(Right.CHARTS)
    mine = _observed(graph, findings)
    others = {who: terms for who, terms in vault.observed_terms().items() if who != patient_id}
    found = [(likeness(graph, mine, _known(graph, terms)), who) for who, terms in others.items()]
    best = sorted(found, key=lambda pair: (-pair[0].score, pair[1]))[:count]
    rows = {row.id: row for row in vault.patients(limit=max(1, vault.patient_count()))}
    if not vault.read_only:
        vault.audit("similar-patients-shown", patient_id, f"{len(best)} patients")
    return tuple(
        SimilarPatient(
            who,
            rows[who].name,
            rows[who].record_number,
            rows[who].confirmed,
            alike.score,
            _names(graph, alike.shared.tolist()),
        )
        for alike, who in best
        if alike.score > 0
    )


def _observed(graph: CompiledGraph, findings: Sequence[Finding]) -> list[int]:
    return [graph.term_number(f.term_id) for f in findings if f.state is FindingState.OBSERVED]


def _known(graph: CompiledGraph, terms: frozenset[str]) -> list[int]:
    """Numbers of the terms that this knowledge has."""
    numbers = []
    for term in terms:
        try:
            numbers.append(graph.term_number(term))
        except UnknownTerm:
            continue
    return numbers


def _names(graph: CompiledGraph, terms: Sequence[int]) -> tuple[str, ...]:
    return tuple(graph.term_names[term] for term in terms)
