"""Newborns and people with a psychosis have a condition of the common pack that fits; others keep theirs."""

import numpy as np
import pytest

from knowledge_graph.findings.finding import Finding, Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.overlay import overlaid
from knowledge_graph.ranking.rank import rank
from knowledge_graph.sources.pack_reading import COMMON, read_pack
from knowledge_graph.terms.term import TermId

NEWBORN, INFANT, ADULT, OLD = 3, 90, 30 * 365, 80 * 365  # age_days
DISTRESS = ("HP:0002098", "HP:0002789", "HP:0030864")  # respiratory distress, tachypnea, retractions
VOICES = ("HP:0008765", "HP:0000746")  # auditory hallucination, delusion


@pytest.fixture(scope="module")
def graph(real_graph: CompiledGraph) -> CompiledGraph:
    return overlaid(real_graph, [read_pack(COMMON)])


def first(graph: CompiledGraph, terms: tuple[str, ...], sex: Sex, age_days: int) -> str:
    """The pack's condition that these findings speak for most."""
    total = rank(graph, [Finding(TermId(t)) for t in terms], sex=sex, age_days=age_days).total
    own = [d for d in graph.disease_ids if d.startswith("COMMON:")]
    return own[int(np.argmax(total[[graph.disease_number(d) for d in own]]))].removeprefix("COMMON:")


@pytest.mark.parametrize(
    ("terms", "age_days", "condition"),
    [
        (("HP:0001945", "HP:0011968", "HP:0001254", "HP:0000965"), NEWBORN, "neonatal-sepsis"),
        ((*DISTRESS, "HP:0011410"), NEWBORN, "transient-tachypnea-of-the-newborn"),
        ((*DISTRESS, "HP:0001622"), NEWBORN, "respiratory-distress-syndrome-of-the-newborn"),
        ((*DISTRESS, "HP:0012420"), NEWBORN, "meconium-aspiration-syndrome"),
        (("HP:0030917", "HP:0001298", "HP:0001250"), NEWBORN, "hypoxic-ischemic-encephalopathy"),
        (("HP:0001622", "HP:0003270", "HP:0025085"), NEWBORN, "necrotizing-enterocolitis"),
        (("HP:0000961", "HP:0030148", "HP:0002789"), NEWBORN, "duct-dependent-heart-disease"),
        (("HP:0001337", "HP:0025430", "HP:0001276"), NEWBORN, "neonatal-abstinence-syndrome"),
        (("HP:0001943", "HP:0001337", "HP:0001254"), NEWBORN, "neonatal-hypoglycemia"),
        (("HP:0034754", "HP:0001254", "HP:0002580"), NEWBORN, "intestinal-malrotation-with-volvulus"),
        (("HP:0012735", "HP:0030828", "HP:0002789", "HP:0031417"), INFANT, "bronchiolitis"),
        ((*VOICES, "HP:5200328", "HP:0025479"), ADULT, "schizophrenia"),
        ((*VOICES, "HP:0000713", "HP:0001289"), ADULT, "brief-psychotic-disorder"),
        (("HP:0100754", "HP:5200265", "HP:5200276"), ADULT, "bipolar-mania"),
        ((*VOICES, "HP:0000712", "HP:0100785", "HP:0100754"), ADULT, "postpartum-psychosis"),
        (("HP:0001289", "HP:0000713", "HP:0031258"), OLD, "delirium"),
        (("HP:0000716", "HP:0012154", "HP:0100785"), ADULT, "major-depressive-disorder"),
    ],
)
def test_a_typical_patient_has_its_condition_first(
    graph: CompiledGraph, terms: tuple[str, ...], age_days: int, condition: str
) -> None:
    assert first(graph, terms, Sex.FEMALE, age_days) == condition
