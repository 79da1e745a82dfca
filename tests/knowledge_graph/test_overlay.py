"""Packs laid over the compiled graph say what the NetworkX graph with them says, and change nothing else."""

from pathlib import Path

import numpy as np
import pytest

from knowledge_graph.errors import SourceRefused
from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.fusion.same_disease import leaders
from knowledge_graph.fusion.setting_prior import setting_prior
from knowledge_graph.graph.cache import load_compiled
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.contradictions import contradictions
from knowledge_graph.graph.knowledge_graph import load_knowledge
from knowledge_graph.graph.overlay import overlaid
from knowledge_graph.graph.recompilation import compile_knowledge
from knowledge_graph.ranking.rank import rank
from knowledge_graph.rationale.explanation import Reasons
from knowledge_graph.sources.knowledge_pack import KnowledgePack
from knowledge_graph.sources.pack_reading import read_pack
from knowledge_graph.terms.occurrence import Setting
from knowledge_graph.terms.term import TermId
from tests.knowledge_graph.mini_release import mini_graph, write_mini_release
from tests.knowledge_graph.test_pack_readers import CSV, TOML, XML, written

SHADOW = "WARD7:double-shadow"


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    return mini_graph(tmp_path_factory.mktemp("mini"))


def pack(folder: Path, text: str = TOML, name: str = "ward.toml") -> KnowledgePack:
    return read_pack(written(folder, name, text))


def profile(graph: CompiledGraph, disease_id: str) -> dict[str, float]:
    number = graph.disease_number(disease_id)
    found = {}
    for term, term_id in enumerate(graph.term_ids):
        diseases, chances = graph.profiles.of_term(term)
        for chance in chances[diseases == number].tolist():
            found[str(term_id)] = chance
    return found


@pytest.mark.parametrize(("text", "name"), [(TOML, "ward.toml"), (CSV, "ward.csv"), (XML, "product4.xml")])
def test_the_overlay_says_what_the_networkx_graph_with_the_pack_says(
    tmp_path: Path, text: str, name: str
) -> None:
    release = write_mini_release(tmp_path / "mini")
    read = pack(tmp_path, text, name)
    over = overlaid(load_compiled(tmp_path, release), [read])
    obvious = compile_knowledge(load_knowledge(release, packs=[read]))
    assert set(over.disease_ids) == set(obvious.disease_ids)
    assert set(over.term_ids) == set(obvious.term_ids)
    for disease in over.disease_ids:
        assert profile(over, disease) == pytest.approx(profile(obvious, disease)), disease
    for term, term_id in enumerate(over.term_ids):
        above = {over.term_ids[a] for a in over.ancestors[term]}
        assert above == {obvious.term_ids[a] for a in obvious.ancestors[obvious.term_index[term_id]]}
        assert list(over.profiles.of_term(term)[0]) == sorted(over.profiles.of_term(term)[0])


def test_what_was_known_keeps_its_place_and_its_say(graph: CompiledGraph, tmp_path: Path) -> None:
    over = overlaid(graph, [pack(tmp_path)])
    assert over.disease_ids[: len(graph.disease_ids)] == graph.disease_ids
    assert over.term_ids[: len(graph.term_ids)] == graph.term_ids
    for disease in graph.disease_ids:
        assert profile(over, disease) == profile(graph, disease)
    assert over.content_hash != graph.content_hash
    assert over.title == "2000-01-01 + Ward 7"
    assert overlaid(graph, []) is graph


def test_a_pack_on_a_pack_is_the_same_as_both_at_once(graph: CompiledGraph, tmp_path: Path) -> None:
    one, two = pack(tmp_path), pack(tmp_path, CSV, "other.csv")
    stacked, at_once = overlaid(overlaid(graph, [one]), [two]), overlaid(graph, [one, two])
    assert stacked.disease_ids == at_once.disease_ids
    assert [p.pack_id for p in stacked.packs] == ["ward7", "other"]
    assert (stacked.hpo_terms, stacked.base_hash) == (len(graph.term_ids), graph.content_hash)
    assert stacked.facts == at_once.facts
    for disease in stacked.disease_ids:
        assert profile(stacked, disease) == profile(at_once, disease)


def test_every_part_of_a_ranking_with_a_pack_adds_up(graph: CompiledGraph, tmp_path: Path) -> None:
    over = overlaid(graph, [pack(tmp_path)])
    findings = [Finding(TermId("HP:0000020")), Finding(TermId(SHADOW))]
    scores = rank(over, findings, sex=Sex.FEMALE, age_days=40 * 365)
    assert over.disease_ids[int(scores.best(1)[0])] == "WARD7:seaside-fever"
    number = over.disease_number("WARD7:seaside-fever")
    evidence = Reasons(over, scores).explain("WARD7:seaside-fever")
    parts = sum(e.log_likelihood_ratio for e in evidence)
    parts += float(scores.context[number] + scores.fit[number] + scores.moved[number])
    assert parts == pytest.approx(float(scores.total[number]), abs=1e-4)
    said = {e.term_id: (e.frequency, e.references) for e in evidence}
    assert said[TermId(SHADOW)] == ("7/12, expert estimate", ("Its own article",))


def test_a_term_of_the_pack_is_neither_for_nor_against_what_the_pack_does_not_know(
    graph: CompiledGraph, tmp_path: Path
) -> None:
    alone = TOML.replace('is_a = ["HP:0000030"]', "")
    over = overlaid(graph, [pack(tmp_path, alone)])
    for state in FindingState:
        scores = rank(over, [Finding(TermId(SHADOW), state)])
        assert np.all(scores.own[0, : len(graph.disease_ids)] == 0)
        assert scores.own[0, over.disease_number("WARD7:seaside-fever")] != 0


def test_the_name_of_a_condition_is_strong_evidence_but_never_a_question(
    graph: CompiledGraph, tmp_path: Path
) -> None:
    over = overlaid(graph, [pack(tmp_path)])
    assert profile(over, "WARD7:seaside-fever")["HP:0000010"] == 1.0
    scores = rank(over, [Finding(TermId("HP:0000020"))])
    asked = [e.term_id for e in Reasons(over, scores).not_yet_asked("WARD7:seaside-fever")]
    assert asked == [SHADOW]


def test_age_and_sex_of_a_pack_count(graph: CompiledGraph, tmp_path: Path) -> None:
    over = overlaid(graph, [pack(tmp_path)])
    number = over.disease_number("WARD7:seaside-fever")
    fever = [Finding(TermId("HP:0000020"))]

    def context(sex: Sex, years: int) -> float:
        return float(rank(over, fever, sex=sex, age_days=years * 365).context[number])

    assert context(Sex.FEMALE, 30) == 0
    assert context(Sex.MALE, 30) < context(Sex.FEMALE, 30)
    assert context(Sex.FEMALE, 5) < context(Sex.FEMALE, 30)
    assert context(Sex.FEMALE, 90) < context(Sex.FEMALE, 30)


def test_the_setting_decides_how_common_a_disease_is(graph: CompiledGraph, tmp_path: Path) -> None:
    over = overlaid(graph, [pack(tmp_path)])
    emergency, clinic = (setting_prior(over, s) for s in (Setting.EMERGENCY, Setting.RARE_DISEASE_CLINIC))
    number = over.disease_number("WARD7:seaside-fever")
    assert np.all(emergency[: len(graph.disease_ids)] == 1)
    assert emergency[number] > 1000 * clinic[number] > 0


def test_the_same_disease_of_two_sources_has_one_line(graph: CompiledGraph, tmp_path: Path) -> None:
    same_name = TOML.replace("Seaside fever", "Rash disease")
    over = overlaid(graph, [pack(tmp_path, same_name)])
    assert leaders(over)[over.disease_number("WARD7:rash-disease")] == over.disease_number("OMIM:2")
    said_so = TOML.replace("estimate = true", 'estimate = true\nsame_as = ["OMIM:1"]')
    over = overlaid(graph, [pack(tmp_path, said_so)])
    assert leaders(over)[over.disease_number("WARD7:seaside-fever")] == over.disease_number("OMIM:1")


def test_retired_and_alternative_ids_resolve(graph: CompiledGraph, tmp_path: Path) -> None:
    old = TOML.replace("HP:0000020", "HP:0000920").replace('"HP:0000010"', '"HP:0000910"')
    over = overlaid(graph, [pack(tmp_path, old)])
    assert {"HP:0000020", "HP:0000010"} <= set(profile(over, "WARD7:seaside-fever"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TOML.replace("HP:0000020", "HP:7777777"), r"ward.toml:21: HP:7777777 is not a current term"),
        (TOML.replace('"double-shadow", "D', '"no-shadow", "D'), r"ward.toml:22: WARD7:no-shadow is not"),
        (TOML.replace('is_a = ["HP:0000030"]', 'is_a = ["double-shadow"]'), "in a circle"),
        (TOML.replace('is_a = ["HP:0000030"]', 'is_a = ["HP:7777777"]'), "is_a a term that nobody knows"),
        (TOML.replace("[[condition]]", '[[term]]\nid="double-shadow"\nname="x"\n[[condition]]'), "defined"),
    ],
)
def test_a_pack_that_does_not_fit_the_ontology_is_refused(
    graph: CompiledGraph, tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(SourceRefused, match=says):
        overlaid(graph, [pack(tmp_path, text)])


@pytest.mark.parametrize("term_id", ["HP\x1d:0000030", "HP:00\u202e00030", "HP:" + "9" * 5_000])
def test_an_id_that_cannot_be_shown_is_refused_in_one_short_line(
    graph: CompiledGraph, tmp_path: Path, term_id: str
) -> None:
    table = f"disease,finding,frequency,source\nSeaside fever,{term_id},12%,Protocol\n"
    with pytest.raises(SourceRefused) as refused:
        overlaid(graph, [pack(tmp_path, table, "ward.csv")])
    line = str(refused.value)
    assert line.startswith("ward.csv:2: HP")
    assert line.isprintable()
    assert len(line) <= 1_000


def test_rows_about_terms_of_a_newer_release_are_left_out_and_counted(
    graph: CompiledGraph, tmp_path: Path
) -> None:
    over = overlaid(graph, [pack(tmp_path, XML, "product4.xml")])
    assert over.packs[0].left_out == 1
    assert profile(over, "ORPHA:3")["HP:0000020"] == pytest.approx(0.55)


def test_what_contradicts_itself_is_found(graph: CompiledGraph, tmp_path: Path) -> None:
    assert contradictions(graph) == ()
    clash = CSV + "Seaside fever,HP:0000020,0%,,,,Other\n"
    (found,) = contradictions(overlaid(graph, [pack(tmp_path, clash, "ward.csv")]))
    assert (found.disease_id, found.term_id) == ("WARD:seaside-fever", "HP:0000020")
    assert (found.observed_by, found.excluded_by) == (("Protocol",), ("Other",))


def test_the_real_release_contradicts_itself_in_few_places(real_graph: CompiledGraph) -> None:
    found = contradictions(real_graph)
    assert 0 < len(found) < 100
    assert all(c.observed_by and c.excluded_by for c in found)


def test_what_two_packs_say_is_one_disease_has_one_line_and_one_prevalence(
    graph: CompiledGraph, tmp_path: Path
) -> None:
    other = (
        TOML.replace("ward7", "ward8")
        .replace("Seaside fever", "Coast fever")
        .replace('prevalence = { emergency = "common" }', 'same_as = ["WARD7:seaside-fever"]')
    )
    named = TOML.replace("estimate = true", 'estimate = true\nsame_as = ["OMIM:2"]')
    over = overlaid(graph, [pack(tmp_path, named), pack(tmp_path, other, "b.toml")])
    one, two = (over.disease_number(d) for d in ("WARD7:seaside-fever", "WARD8:coast-fever"))
    assert leaders(over)[[one, two]].tolist() == [over.disease_number("OMIM:2")] * 2
    prior = setting_prior(over, Setting.EMERGENCY)
    assert prior[one] == prior[two] > 1000
    assert setting_prior(overlaid(graph, [pack(tmp_path, other)]), Setting.EMERGENCY).max() > 1
