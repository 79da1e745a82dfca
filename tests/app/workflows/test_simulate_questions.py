"""Simulated questions on three made-up diseases, counted by hand: answers come only from what a case records.

What OMIM:1, OMIM:2 and ORPHA:3 show is written in `tests/knowledge_graph/mini_release.py`.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from app.cli.main import main
from app.config.settings import CACHE_VARIABLE
from app.errors import UsageError
from app.workflows.ask_next import Interviewer
from app.workflows.case_answers import drawn_answers, recorded_answers
from app.workflows.diagnose import DiagnosisService
from app.workflows.evaluate_cases import Case
from app.workflows.report_questions import measure_questions
from app.workflows.simulate_questions import STRATEGIES, Simulation, fitting_cases
from knowledge_graph.findings.finding import Finding
from knowledge_graph.graph.compilation import compile_release
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.denied import SELDOM
from knowledge_graph.questions.answer_model import LARGEST, build_answer_model
from knowledge_graph.questions.dropped_answers import answers_without
from knowledge_graph.ranking.dropped_publication import DroppedPublication
from knowledge_graph.terms.term import TermId
from tests.knowledge_graph.mini_release import HPOA, mini_graph, write_mini_release

SEIZURE, FOCAL, FEVER, ITCHY = (TermId(f"HP:00000{n}") for n in (10, 11, 20, 31))
COSTS = """[cost]
ask = 1
examine = 3
blood = 4
imaging = 8
biopsy = 20
sequencing = 30
[terms]
"HP:0000118" = "examine"
"HP:0000010" = "ask"
"""


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    return mini_graph(tmp_path_factory.mktemp("mini"))


@pytest.fixture(scope="module")
def simulation(graph: CompiledGraph, tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    file = tmp_path_factory.mktemp("costs") / "costs.toml"
    file.write_text(COSTS, "utf-8")

    def no_recogniser() -> None:
        raise AssertionError("no text is read")

    service = DiagnosisService(graph, None, recogniser=no_recogniser)  # type: ignore[arg-type]
    return Simulation(service, Interviewer(service, file))


def test_a_case_answers_by_what_it_records_and_by_what_that_implies(graph: CompiledGraph) -> None:
    case = Case(disease_id="OMIM:1", observed=[FOCAL], excluded=["HP:0000030", SEIZURE])
    said = {graph.term_ids[t]: yes for t, yes in recorded_answers(graph, case).items()}
    assert said[FOCAL] is said[SEIZURE] is True  # seen below it: the exclusion does not hold
    assert said[ITCHY] is said[TermId("HP:0000030")] is False
    assert FEVER not in said


def test_what_a_case_does_not_record_is_drawn_as_often_as_its_disease_shows_it(graph: CompiledGraph) -> None:
    case = Case(disease_id="OMIM:1", observed=[FEVER], excluded=["HP:0000030"])
    rng = np.random.default_rng(0)
    drawn = [drawn_answers(graph, case, rng) for _ in range(2000)]
    focal, seizure, fever, itchy = (graph.term_number(t) for t in (FOCAL, SEIZURE, FEVER, ITCHY))
    terms, frequency = graph.signatures.of_disease(graph.disease_number("OMIM:1"))
    shown = dict(zip(terms.tolist(), frequency.tolist(), strict=True))
    assert 0.1 < shown[focal] < 0.9
    assert np.mean([said[focal] for said in drawn]) == pytest.approx(shown[focal], abs=0.04)
    assert all(said.keys() == set(range(len(graph.term_ids))) for said in drawn)
    assert all(said[fever] and not said[itchy] for said in drawn)  # as it records
    assert all(said[seizure] for said in drawn if said[focal])
    assert recorded_answers(graph, case).items() <= drawn[0].items()


def test_an_interview_ends_where_the_disease_is_first(graph: CompiledGraph, simulation: Simulation) -> None:
    case = Case(disease_id="OMIM:1", observed=[FEVER, FOCAL])
    rng = np.random.default_rng(0)
    start, said = [Finding(ITCHY), Finding(FEVER)], recorded_answers(graph, case)
    for strategy in STRATEGIES:
        held = simulation.interview(case, start, said, strategy=strategy, questions=5, rng=rng)
        assert held.ranks[0] == 2
        assert held.ranks[-1] == 1
        assert (held.answered_yes, held.answered_no, held.cost) == (1, 0, 1.0)
        assert held.until(1) == 1
    silent = Case(disease_id="OMIM:1", observed=[FEVER])
    start, said = [Finding(ITCHY)], recorded_answers(graph, silent)
    held = simulation.interview(silent, start, said, strategy="gain alone", questions=5, rng=rng)
    assert held.ranks == (2, 2)  # one question, answered as unknown; then none is left
    assert held.until(1) is None
    assert (held.answered_yes, held.answered_no) == (0, 0)


def test_the_answers_lose_what_the_dropped_publications_said(graph: CompiledGraph, tmp_path: Path) -> None:
    without = "\n".join(line for line in HPOA.splitlines() if "PMID:1\t" not in line) + "\n"
    other = compile_release(write_mini_release(tmp_path, hpoa=without))
    alone = np.arange(3, dtype=np.intp)
    model = build_answer_model(graph, alone)
    dropped = answers_without(model, DroppedPublication(graph), {"PMID:1"}, alone)
    for term in (FOCAL, SEIZURE, FEVER, ITCHY):
        shown, likely = other.profiles.of_term(other.term_number(term))
        number = graph.term_number(term)
        expected = np.full(3, model.floor[number])
        expected[shown] = np.clip(likely, model.floor[number], LARGEST)
        for of, cap in {FOCAL: SELDOM, SEIZURE: SELDOM, ITCHY: 1 / 6}.items():  # what ORPHA:3 denies
            if of == term:
                expected[2] = cap * graph.profiles.background[number]
        assert dropped.of_term(number, 3) == pytest.approx(expected, abs=1e-6)
    gone = answers_without(model, DroppedPublication(graph), {"PMID:1", "PMID:2"}, alone)
    focal = graph.term_number(FOCAL)
    assert gone.of_term(focal, 3)[0] == pytest.approx(float(model.floor[focal]))
    assert answers_without(model, DroppedPublication(graph), {"PMID:77"}, alone) is model


def test_cases_with_too_little_to_hide_are_left_out(graph: CompiledGraph, simulation: Simulation) -> None:
    few = Case(disease_id="OMIM:1", observed=[FEVER, FOCAL])
    many = Case(disease_id="OMIM:1", observed=[FEVER, FOCAL, ITCHY, SEIZURE, "HP:0000030"])
    unknown = Case(disease_id="OMIM:77", observed=many.observed)
    rng = np.random.default_rng(0)
    assert fitting_cases(graph, [few, many, unknown, many, many], rng) == [many, many]
    with pytest.raises(UsageError, match="enough observed findings"):
        measure_questions(graph, simulation, [few], questions=3, count=5, seed=0)
    table = measure_questions(graph, simulation, [many], questions=3, count=5, seed=0)
    assert (table.n, table.unrecorded) == (1, "unknown")
    every = measure_questions(graph, simulation, [many], questions=3, count=5, seed=0, unrecorded="drawn")
    assert all(row.yes + row.no == row.asked for row in every.rows)  # nothing stays unknown
    assert [row.strategy for row in table.rows] == list(STRATEGIES)
    assert all(0 <= row.first.at_start <= row.first.halfway <= row.first.at_end <= 1 for row in table.rows)


@pytest.mark.slow
def test_the_verb_prints_the_table_of_published_cases(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    public_cache: Path,
    shared_data: Path,
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(public_cache))
    cases = str(shared_data / "phenopackets" / "dev_cases.jsonl.gz")
    argv = ["evaluate", "--json", "--cases", cases, "--questions", "3", "--at-most", "1"]
    assert main(argv) == 0
    table = json.loads(capsys.readouterr().out)
    assert (table["n"], table["questions"]) == (1, 3)
    assert [row["strategy"] for row in table["rows"]] == list(STRATEGIES)
    assert all(row["asked"] <= 3 for row in table["rows"])
    assert main(["evaluate", "--questions", "3"]) == 2
