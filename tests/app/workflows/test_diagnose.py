"""A differential keeps its contract: shares add up, evidence adds up, weak evidence puts nothing forward."""

import math
import subprocess
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest

from app.cli.case import parse_findings
from app.cli.diagnose import as_json, as_text
from app.clinical.chart import Chart
from app.clinical.diagnosis import Differential
from app.clinical.ids import NoteId, PatientId, RecordId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.clinical.record import Coding, Condition, PhenotypicFeature
from app.errors import UsageError
from app.workflows.diagnose import GRAPH_ALONE, DiagnosisService
from app.workflows.load_knowledge import KnowledgeChoice
from app.workflows.weighed import Presentation, Weighed
from knowledge_graph.errors import UnknownTerm
from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.fusion.fusion_weights import FusionWeights
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import TermId
from tests.knowledge_graph.test_orphanet import prevalence, prevalences, product
from tests.knowledge_graph.test_pack_readers import written
from tests.watching import watch

MARFAN = "OMIM:154700"
MARFANOID = parse_findings("HP:0001166,HP:0001519,HP:0001083,HP:0002616,HP:0000767,-HP:0001249")
TWIN = "ORPHA:558"  # Marfan syndrome as Orphanet annotates it
MANY = 60
TODAY = date(2026, 1, 1)


@pytest.fixture(scope="module")
def service(real_graph: CompiledGraph, public_cache: Path) -> DiagnosisService:
    return DiagnosisService.load(public_cache, with_text=False)


def place_of(differential: Differential, disease_id: str) -> int:
    return next(line.rank for line in differential.lines if line.disease_id == disease_id)


def probability_of(differential: Differential, disease_id: str) -> float:
    """Its probability; zero where it is not listed."""
    return next((e.probability for e in differential.lines if e.disease_id == disease_id), 0.0)


def test_the_json_is_the_contracts(service: DiagnosisService) -> None:
    value = as_json(service.diagnose(Presentation(MARFANOID), top=3))
    assert {"differential", "abstained", "model_version", "knowledge_version"} <= set(value)
    assert (value["model_version"], value["provider"]) == (GRAPH_ALONE, "")
    assert value["knowledge_version"] == "2025-01-16"
    assert [line["rank"] for line in value["differential"]] == [1, 2, 3]
    for line in value["differential"]:
        contract = {"rank", "disease_id", "name", "probability", "text_score", "graph_score", "evidence"}
        assert contract <= set(line)
        for evidence in line["evidence"]:
            assert {"term_id", "name", "state", "log_likelihood_ratio", "references"} <= set(evidence)


def test_a_textbook_case_is_named_with_its_gene_and_its_reasons(service: DiagnosisService) -> None:
    found = service.diagnose(Presentation(MARFANOID), top=10)
    line = next(entry for entry in found.lines if entry.disease_id == MARFAN)
    assert line.rank <= 3
    assert line.genes == ("FBN1",)
    assert not found.abstained
    assert {e.term_id for e in line.evidence} == {f.term_id for f in MARFANOID}
    matched = [e for e in line.evidence if e.matched_term_id]
    assert matched
    assert all(e.references for e in matched)
    asked = {term for term, _ in line.not_yet_asked}
    assert asked
    assert not asked & {f.term_id for f in MARFANOID}


def test_probabilities_fall_and_never_pass_one(service: DiagnosisService) -> None:
    for findings in (MARFANOID, MARFANOID[:1], ()):
        chances = [line.probability for line in service.diagnose(Presentation(findings), top=MANY).lines]
        assert len(chances) == MANY
        assert chances == sorted(chances, reverse=True)
        assert 0 < math.fsum(chances) <= 1.0


def test_the_evidence_adds_up_to_the_graphs_share(service: DiagnosisService) -> None:
    weight = FusionWeights.load().of_graph(len(MARFANOID) - 1, with_text=False)
    for line in service.diagnose(Presentation(MARFANOID, age_days=400), top=25).lines:
        assert line.graph_weight == pytest.approx(weight)
        parts = line.graph_weight * math.fsum(e.log_likelihood_ratio for e in line.evidence)
        shares = parts + line.context_score + line.picture_score + line.second_look_score
        assert shares == pytest.approx(line.graph_score, abs=1e-4)
        assert line.picture_score > 0
        assert line.text_score == 0.0


def test_lines_differ_by_their_shares_alone(service: DiagnosisService) -> None:
    first, *others = service.diagnose(Presentation(MARFANOID), top=25).lines
    for line in others:
        shares = first.graph_score + first.same_as_score - line.graph_score - line.same_as_score
        assert math.log(first.probability / line.probability) == pytest.approx(shares, abs=1e-6)


@pytest.mark.parametrize("findings", [(), (Finding(TermId("HP:0000118")),), MARFANOID[:1], MARFANOID[-1:]])
def test_it_abstains_where_the_evidence_is_weak(
    service: DiagnosisService, findings: tuple[Finding, ...]
) -> None:
    found = service.diagnose(Presentation(findings))
    assert found.abstained
    assert "too weak" in as_text(found)


def test_one_disease_has_one_line_whatever_its_ids(service: DiagnosisService) -> None:
    found = service.diagnose(Presentation(MARFANOID), top=MANY)
    line = next(entry for entry in found.lines if entry.disease_id == MARFAN)
    assert line.same_as == (TWIN,)
    assert line.same_as_score > 0
    assert probability_of(found, TWIN) == 0.0
    assert f"{MARFAN}    Marfan syndrome = {TWIN}" in as_text(found)


def test_the_longest_list_leaves_out_ids_that_stand_in_anothers_line(
    service: DiagnosisService, monkeypatch: pytest.MonkeyPatch
) -> None:
    weighed, placed = service.weigh(Presentation(MARFANOID)), list[tuple[int, int]]()

    def lines(_self: DiagnosisService, _weighed: Weighed, ranked: Iterable[tuple[int, int]]) -> tuple[()]:
        placed.extend(ranked)
        return ()

    monkeypatch.setattr(DiagnosisService, "lines", lines)
    service.differential(weighed, top=len(weighed.fused.shown))
    shown = weighed.fused.shown[[disease for _, disease in placed]]
    assert [rank for rank, _ in placed] == list(range(1, int((weighed.fused.shown > 0).sum()) + 1))
    assert (shown > 0).all()
    assert len(shown) < len(weighed.fused.shown)


def test_an_excluded_finding_counts_against_what_shows_it(service: DiagnosisService) -> None:
    arachnodactyly = Finding(TermId("HP:0001166"), FindingState.EXCLUDED)
    asked, not_asked = (*MARFANOID[1:4], arachnodactyly), MARFANOID[1:4]
    with_it, without = (service.diagnose(Presentation(f), top=MANY) for f in (asked, not_asked))
    assert probability_of(with_it, MARFAN) < probability_of(without, MARFAN)
    line = next(entry for entry in with_it.lines if entry.disease_id == MARFAN)
    assert min(line.evidence, key=lambda e: e.log_likelihood_ratio).term_id == "HP:0001166"


def test_a_finding_that_is_also_excluded_is_observed_once(service: DiagnosisService) -> None:
    twice = (*MARFANOID, Finding(TermId("HP:0001166"), FindingState.EXCLUDED), MARFANOID[0])
    told, plain = (service.diagnose(Presentation(f), top=5) for f in (twice, MARFANOID))
    assert told == plain


def test_what_an_observed_finding_implies_can_not_be_excluded(service: DiagnosisService) -> None:
    """Arachnodactyly is an abnormal finger morphology, HP:0001167."""
    both = (*MARFANOID, Finding(TermId("HP:0001167"), FindingState.EXCLUDED))
    told, plain = (service.diagnose(Presentation(f), top=5) for f in (both, MARFANOID))
    assert told == plain


def test_what_a_kindred_disease_lends_is_named_with_its_sources(service: DiagnosisService) -> None:
    found = service.diagnose(Presentation(MARFANOID[:5]), top=10)
    line = next(entry for entry in found.lines if entry.disease_id == MARFAN)
    lent = [e for e in line.evidence if e.borrowed_from]
    assert {e.borrowed_from for e in lent} == {TWIN}
    assert {r for e in lent for r in e.references} == {TWIN}


def own_findings(graph: CompiledGraph, disease: int) -> tuple[Finding, ...]:
    terms = graph.associations.term[graph.associations.rows_of(disease)][:4]
    return tuple(Finding(graph.term_ids[t]) for t in terms.tolist())


def test_age_counts_against_what_begins_later(service: DiagnosisService) -> None:
    late = int(service.graph.demographics.earliest_onset_days.argmax())

    def probability(age_days: int | None) -> float:
        asked = Presentation(own_findings(service.graph, late), age_days=age_days)
        return probability_of(service.diagnose(asked, top=MANY), service.graph.disease_ids[late])

    assert probability(10 * 365) < probability(80 * 365)
    assert probability(80 * 365) == pytest.approx(probability(None))


def test_sex_counts_against_what_only_the_other_has(service: DiagnosisService) -> None:
    males_only = int((service.graph.demographics.only_sex == 2).argmax())

    def probability(sex: Sex) -> float:
        asked = Presentation(own_findings(service.graph, males_only), sex=sex)
        return probability_of(service.diagnose(asked, top=MANY), service.graph.disease_ids[males_only])

    assert probability(Sex.FEMALE) < 0.6 * probability(Sex.MALE)


def test_an_unknown_finding_is_refused_by_name(service: DiagnosisService) -> None:
    with pytest.raises(UnknownTerm, match="HP:9999999"):
        service.diagnose(Presentation((Finding(TermId("HP:9999999")),)))
    with pytest.raises(UsageError, match="no HPO id"):
        parse_findings(" , ")


def test_a_chart_is_diagnosed_from_all_it_holds(service: DiagnosisService) -> None:
    ann = PatientId("ann")
    chart = Chart(
        Patient(ann, birth_date="1990-05-01", sex=Sex.FEMALE),
        notes=(
            Note(
                NoteId("n"), ann, "Tall, with arachnodactyly. No intellectual disability.", written_at="2020"
            ),
        ),
        conditions=(Condition(RecordId("c"), ann, "Ectopia lentis", (Coding("HP", "HP:0001083"),)),),
        features=(PhenotypicFeature(RecordId("f"), ann, Finding(TermId("HP:0002616"))),),
    )
    found = service.diagnose_chart(chart, top=10, today=TODAY)
    assert place_of(found, MARFAN) <= 5
    told = {e.term_id: e.state for e in found.lines[0].evidence}
    assert {"HP:0001166", "HP:0001083", "HP:0002616"} <= {
        t for t, state in told.items() if state is FindingState.OBSERVED
    }
    assert told[TermId("HP:0001249")] is FindingState.EXCLUDED


def test_an_empty_chart_is_no_error(service: DiagnosisService) -> None:
    found = service.diagnose_chart(Chart(Patient(PatientId("ann"))), today=TODAY)
    assert found.abstained
    assert all(not line.evidence for line in found.lines)


@pytest.mark.slow
def test_graph_and_text_each_have_their_share(public_cache: Path) -> None:
    service = DiagnosisService.load(public_cache, provider="cpu")
    text = "Tall with arachnodactyly, ectopia lentis and aortic root aneurysm. No intellectual disability."
    found = service.diagnose_text(text, sex=Sex.FEMALE, age=9000, top=20)
    assert found.provider == "cpu"
    assert found.model_version not in ("", GRAPH_ALONE)
    first = found.lines[0]
    for line in found.lines[1:]:
        shares = sum(
            getattr(first, part) - getattr(line, part)
            for part in ("graph_score", "text_score", "same_as_score")
        )
        assert math.log(first.probability / line.probability) == pytest.approx(shares, abs=1e-6)
    assert len({line.text_score for line in found.lines}) > 10
    assert math.fsum(line.probability for line in found.lines) <= 1.0
    silent = service.diagnose_text("   ", sex=Sex.UNKNOWN, age=None)
    assert silent.abstained
    assert {line.text_score for line in silent.lines} == {0.0}


@pytest.mark.slow
def test_a_new_finding_does_not_have_the_texts_read_again(
    public_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = DiagnosisService.load(public_cache, provider="cpu")
    assert service.predictor is not None
    read = watch(monkeypatch, service.predictor, "reading")
    texts = ("Tall with long fingers.", "Lens dislocation.")
    first = service.weigh(Presentation(MARFANOID, texts))
    again = service.weigh(Presentation(MARFANOID[:1], texts))
    assert [tuple(given) for (given,) in read] == [texts]
    assert first.text is not None
    assert again.text is not None
    assert first.text.tolist() == again.text.tolist() == service.text_rows(texts).mean(axis=0).tolist()
    service.weigh(Presentation(MARFANOID, texts[:1]))
    assert [tuple(given) for (given,) in read] == [texts, texts, texts[:1]]


@pytest.mark.slow
def test_findings_alone_need_no_model_no_lexicon_and_no_reader(public_cache: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from app.workflows.diagnose import DiagnosisService; from app.workflows.weighed import Presentation;"
        "from app.cli.case import _must_be_rankable, own_rules, parse_findings;"
        "s = DiagnosisService.load(Path(sys.argv[1]), with_text=False);"
        "findings = parse_findings('HP:0001166'); _must_be_rankable(s, findings);"
        "from argparse import Namespace; own_rules(Namespace(rules=None));"
        "s.diagnose(Presentation(findings));"
        "heavy = 'torch', 'networkx', 'scipy', 'onnxruntime', 'app.exchange.reader';"
        "print([name for name in heavy if name in sys.modules], 'recogniser' in vars(s))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(public_cache)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["[]", "False"]


def test_a_disease_says_how_often_it_is_met_whichever_id_the_source_knows(
    public_cache: Path, tmp_path: Path
) -> None:
    told = prevalences(prevalence("Point prevalence", "1-5 / 10 000"))
    path = written(tmp_path, "orphanet.xml", product(told, code=TWIN.removeprefix("ORPHA:")))
    service = DiagnosisService.load(public_cache, choice=KnowledgeChoice((path,)), with_text=False)
    found = service.diagnose(Presentation(MARFANOID), top=10)
    line = next(entry for entry in found.lines if entry.disease_id == MARFAN)
    assert line.epidemiology == ("point prevalence 1-5 / 10 000, Europe (PMID:11)",)
    assert sum(bool(entry.epidemiology) for entry in found.lines) == 1
