"""A disease of another sex or age falls far in a differential, and the parts add up; one found late stays."""

import math
from pathlib import Path

import pytest

from app.clinical.diagnosis import Differential, DifferentialLine
from app.gui.patient.evidence_list import evidence_rows
from app.workflows.diagnose import DiagnosisService
from app.workflows.load_knowledge import KnowledgeChoice
from app.workflows.weighed import Presentation
from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.terms.occurrence import Setting
from knowledge_graph.terms.term import TermId

YEAR = 365
JAUNDICE = ("HP:0000952", "HP:0001254", "HP:0011968")
CROUP = ("HP:0010307", "HP:0012735", "HP:0001609")
PROSTATE = ("HP:0000019", "HP:0000017", "HP:0012332")
MARFAN = ("HP:0001083", "HP:0001166", "HP:0002616", "HP:0000545")
CYANOSIS = ("HP:0000961", "HP:0002098")
CYSTITIS = ("HP:0100518", "HP:0100515")


@pytest.fixture(scope="module", params=[Setting.RARE_DISEASE_CLINIC, Setting.PRIMARY_CARE])
def service(request: pytest.FixtureRequest, public_cache: Path) -> DiagnosisService:
    choice = KnowledgeChoice(setting=request.param)
    return DiagnosisService.load(public_cache, with_text=False, choice=choice)


def differential(service: DiagnosisService, terms: tuple[str, ...], sex: Sex, years: float) -> Differential:
    findings = tuple(Finding(TermId(t), FindingState.OBSERVED) for t in terms)
    return service.diagnose(Presentation(findings, sex=sex, age_days=round(YEAR * years)), top=20_000)


def line(found: Differential, disease_id: str) -> DifferentialLine:
    return next(one for one in found.lines if disease_id in (one.disease_id, *one.same_as))


def odds(one: DifferentialLine) -> float:
    return one.probability / (1 - one.probability)


@pytest.mark.parametrize(
    ("disease_id", "terms", "right", "wrong"),
    [
        ("COMMON:neonatal-jaundice", JAUNDICE, (Sex.MALE, 0.01), (Sex.MALE, 55)),
        ("COMMON:croup", CROUP, (Sex.FEMALE, 2), (Sex.FEMALE, 45)),
        ("COMMON:benign-prostatic-hyperplasia", PROSTATE, (Sex.MALE, 70), (Sex.FEMALE, 70)),
        ("COMMON:ovarian-torsion", ("HP:0034267", "HP:0002027"), (Sex.FEMALE, 30), (Sex.MALE, 30)),
        ("COMMON:ectopic-pregnancy", ("HP:0034267", "HP:0002027"), (Sex.FEMALE, 30), (Sex.FEMALE, 75)),
        ("COMMON:alzheimer-disease", ("HP:0002354", "HP:0000726"), (Sex.FEMALE, 75), (Sex.FEMALE, 8)),
        ("COMMON:inhaled-foreign-body", CYANOSIS, (Sex.MALE, 2), (Sex.MALE, 0)),
        ("ORPHA:314473", ("HP:0100615", "HP:0003270"), (Sex.FEMALE, 60), (Sex.MALE, 60)),
    ],
)
def test_a_disease_of_another_sex_or_age_falls_far_and_its_line_says_why(
    service: DiagnosisService,
    disease_id: str,
    terms: tuple[str, ...],
    right: tuple[Sex, float],
    wrong: tuple[Sex, float],
) -> None:
    before, after = differential(service, terms, *right), differential(service, terms, *wrong)
    fit, held = line(before, disease_id), line(after, disease_id)
    assert fit.held == ()
    assert held.rank > 2 * fit.rank
    assert odds(held) < min(0.02, odds(fit) / 50)
    assert all(one.title and one.source for one in held.held)
    assert held.rule_score == pytest.approx(sum(one.log_factor for one in held.held))
    said = [row for row in evidence_rows(held) if row.text.startswith("Rule: ")]
    assert [row.detail for row in said] == [one.source for one in held.held]


def test_the_parts_still_add_up_for_every_line(service: DiagnosisService) -> None:
    rests = [
        math.log(one.probability)
        - (one.text_score + one.graph_score + one.prior_score + one.same_as_score + one.rule_score)
        for one in differential(service, CROUP, Sex.FEMALE, 45).lines[:400]
    ]
    assert max(rests) - min(rests) < 1e-6


def test_a_hereditary_disease_found_late_stays_where_it_is(service: DiagnosisService) -> None:
    child, adult = (differential(service, MARFAN, Sex.FEMALE, years) for years in (12, 70))
    assert line(child, "OMIM:154700").rank == line(adult, "OMIM:154700").rank <= 2  # beside its neonatal form
    late = differential(service, JAUNDICE, Sex.MALE, 55)
    assert line(late, "OMIM:617394").held == ()  # neonatal sclerosing cholangitis: one can live with it


def test_what_is_only_rarer_in_the_other_sex_is_held_back_by_no_rule(service: DiagnosisService) -> None:
    man = differential(service, CYSTITIS, Sex.MALE, 50)
    assert line(man, "COMMON:acute-cystitis").held == ()
    assert line(man, "COMMON:acute-cystitis").rank <= 3
