"""Whom a disease is stated to affect: soft borders of age, one sex, onsets; a late diagnosis stays free."""

import math
from pathlib import Path

import numpy as np
import pytest

from knowledge_graph.errors import SourceRefused
from knowledge_graph.findings.finding import Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.overlay import overlaid
from knowledge_graph.rules.constraints import ConstraintShare, constraint_share
from knowledge_graph.rules.rule import RuleBook
from knowledge_graph.rules.stated_people import outside, possible_ages
from knowledge_graph.sources.knowledge_pack import PackDisease
from knowledge_graph.sources.pack_reading import read_pack
from knowledge_graph.terms.term import DiseaseId
from tests.knowledge_graph.mini_release import mini_graph
from tests.knowledge_graph.test_pack_readers import written

CHILDREN, WOMEN, MOSTLY = "WARD7:barking-cough", "WARD7:pelvic-fever", "WARD7:breast-fever"
ADULT_ONSET, NO_ONSET = "OMIM:2", "OMIM:1"
PACK = """[pack]
id = "ward7"
name = "Ward 7"

[[condition]]
name = "Barking cough"
age_years = [0.25, 6]
possible_years = [0.25, 12]
source = "Ward protocol"
findings = [["HP:0000020", "Fever", "frequent"]]

[[condition]]
name = "Pelvic fever"
sex = "female"
source = "Ward protocol"
findings = [["HP:0000020", "Fever", "frequent"]]

[[condition]]
name = "Breast fever"
sex = "mostly female"
source = "Ward protocol"
findings = [["HP:0000020", "Fever", "frequent"]]
"""


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    folder = tmp_path_factory.mktemp("mini")
    return overlaid(mini_graph(folder), [read_pack(written(folder, "ward.toml", PACK))])


def share(graph: CompiledGraph, sex: Sex = Sex.UNKNOWN, years: float | None = None) -> ConstraintShare:
    days = None if years is None else round(365.25 * years)
    return constraint_share(graph, RuleBook(), sex=sex, age_days=days)


def of(graph: CompiledGraph, disease_id: str, sex: Sex = Sex.UNKNOWN, years: float | None = None) -> float:
    found = share(graph, sex, years)
    number = graph.disease_number(disease_id)
    assert math.isclose(found.share[number], sum(h.log_factor for h in found.of_disease(number)))
    return float(found.share[number])


def test_a_disease_of_small_children_falls_far_for_an_adult_and_says_who_states_it(
    graph: CompiledGraph,
) -> None:
    assert of(graph, CHILDREN, years=45) == pytest.approx(math.log(1e-6))
    (held,) = share(graph, years=45).of_disease(graph.disease_number(CHILDREN))
    assert held.source == "Ward protocol"
    assert held.title == "Barking cough is seen from 3 months to 12 years, by an expert's estimate"


def test_the_borders_of_age_are_soft(graph: CompiledGraph) -> None:
    assert of(graph, CHILDREN, years=2) == of(graph, CHILDREN, years=12.9) == 0.0
    falling = [of(graph, CHILDREN, years=years) for years in (14, 16, 19, 24, 40)]
    assert falling == sorted(falling, reverse=True)
    assert falling[0] > math.log(1 / 2)
    assert falling[-1] < math.log(1e-5)


@pytest.mark.parametrize(
    ("years", "ages", "expected"),
    [
        (60.0, (60.0, 130.0), 0.0),
        (30.0, (60.0, 130.0), -3.0),  # half as old
        (15.0, (60.0, 130.0), -12.0),  # a quarter
        (8.0, (60.0, 130.0), math.log(1e-6)),
        (55.5, (12.0, 50.0), -1.5 * 0.9**2),  # 4.5 of 5 years beyond the last birthday that counts
        (0.2, (0.0, 0.1), -1.5 * 2**2),  # below a year, the width is half the age
        (0.0, (0.0, 1.0), 0.0),
    ],
)
def test_what_an_age_takes_is_as_worked_out_by_hand(
    years: float, ages: tuple[float, float], expected: float
) -> None:
    assert outside(years, ages) == pytest.approx(expected)


def test_usual_ages_are_widened_where_no_possible_ones_are_stated() -> None:
    plain = PackDisease(DiseaseId("A:1"), "A", ages=(40.0, 60.0))
    assert possible_ages(plain) == (20.0, 80.0)
    assert possible_ages(PackDisease(DiseaseId("A:1"), "A", ages=(0.0, 10.0))) == (0.0, 20.0)
    assert possible_ages(PackDisease(DiseaseId("A:1"), "A")) is None
    later = PackDisease(DiseaseId("A:1"), "A", possible_ages=(1.0, 90.0))
    assert plain.and_later(later).possible_ages == later.and_later(later).possible_ages == (1.0, 90.0)
    assert later.and_later(plain).possible_ages is None  # the later pack's ages are the ones that count


def test_a_disease_of_one_sex_falls_far_and_one_of_mostly_one_does_not(graph: CompiledGraph) -> None:
    assert of(graph, WOMEN, Sex.MALE) == pytest.approx(math.log(1e-4))
    assert of(graph, WOMEN, Sex.FEMALE) == of(graph, MOSTLY, Sex.MALE) == 0.0


@pytest.mark.parametrize("sex", [Sex.UNKNOWN, Sex.OTHER])
def test_nothing_is_held_where_sex_and_age_are_not_known(graph: CompiledGraph, sex: Sex) -> None:
    assert share(graph, sex).held == ()
    assert not share(graph, sex).share.any()


def test_an_onset_bears_on_those_who_are_younger_and_on_nobody_older(graph: CompiledGraph) -> None:
    assert of(graph, ADULT_ONSET, years=1) == pytest.approx(math.log(1 / 20))
    assert math.log(1 / 20) < of(graph, ADULT_ONSET, years=5) < 0
    assert of(graph, ADULT_ONSET, years=10) == of(graph, ADULT_ONSET, years=80) == 0.0
    assert of(graph, NO_ONSET, years=1) == 0.0


def test_an_adult_may_have_whatever_hpo_says_to_begin_at_birth(real_graph: CompiledGraph) -> None:
    congenital = real_graph.demographics.earliest_onset_days < 366
    adult = constraint_share(real_graph, RuleBook(), sex=Sex.FEMALE, age_days=60 * 365)
    assert congenital.sum() > 8_000
    assert not adult.share.any()
    newborn = constraint_share(real_graph, RuleBook(), sex=Sex.FEMALE, age_days=3)
    assert not newborn.share[real_graph.demographics.earliest_onset_days == 0].any()
    late = np.flatnonzero(newborn.share)
    assert len(late) > 300
    assert newborn.share[late].min() >= math.log(1 / 20)


def test_all_ids_of_a_disease_begin_when_the_first_of_them_that_says_so_does(graph: CompiledGraph) -> None:
    shown_as = np.arange(len(graph.disease_ids))
    shown_as[graph.disease_number("ORPHA:3")] = graph.disease_number(ADULT_ONSET)
    held = constraint_share(graph, RuleBook(), sex=Sex.UNKNOWN, age_days=400, shown_as=shown_as)
    assert {graph.disease_ids[d] for d in np.flatnonzero(held.share)} >= {ADULT_ONSET, "ORPHA:3"}


def test_usual_ages_beyond_the_possible_ones_are_refused_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match=r"ward\.toml:5: the usual ages reach beyond"):
        read_pack(written(tmp_path, "ward.toml", PACK.replace("[0.25, 12]", "[0.25, 5]")))
