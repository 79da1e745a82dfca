"""A synthetic patient: sampled from public knowledge, so nobody's data and nobody's privacy."""

from dataclasses import dataclass

from knowledge_graph.findings.finding import Finding, Sex
from knowledge_graph.terms.term import DiseaseId, TermId


@dataclass(frozen=True, slots=True)
class SampledPatient:
    """A person with a known disease and what a clinician recorded of her.

    `family_terms` were seen in a relative and `considered_terms` were only suspected: a note
    mentions them, but they are no findings of the patient.
    """

    disease_id: DiseaseId
    findings: tuple[Finding, ...]
    sex: Sex
    age_days: int
    family_terms: tuple[TermId, ...] = ()
    considered_terms: tuple[TermId, ...] = ()
