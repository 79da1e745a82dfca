"""The program's own pack: every term, name and code is real, every condition has a source and an urgency."""

from pathlib import Path

import pytest

from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.overlay import overlaid
from knowledge_graph.sources.ddxplus import ddxplus_links
from knowledge_graph.sources.knowledge_pack import KnowledgePack
from knowledge_graph.sources.pack_reading import COMMON, read_pack
from knowledge_graph.terms.occurrence import Setting

CHECKED = Path(__file__).with_name("icd10cm_checked.tsv")


@pytest.fixture(scope="module")
def pack() -> KnowledgePack:
    return read_pack(COMMON)


def test_it_holds_at_least_150_conditions_each_complete(pack: KnowledgePack) -> None:
    assert len({d.disease_id for d in pack.diseases}) == len(pack.diseases) >= 150
    for disease in pack.diseases:
        assert disease.source.startswith("MSD Manual Professional Edition, "), disease.name
        assert disease.urgency is not None, disease.name
        assert disease.icd10cm, disease.name
        assert {Setting.EMERGENCY, Setting.PRIMARY_CARE} <= set(disease.prevalence), disease.name
        assert any(r.disease_id == disease.disease_id and not r.modifier for r in pack.rows), disease.name


def test_every_frequency_is_marked_as_an_estimate(pack: KnowledgePack) -> None:
    counted = [r for r in pack.rows if not r.modifier]
    assert all(r.evidence == "expert estimate" and "expert estimate" in r.frequency.text for r in counted)


def test_every_term_is_current_an_abnormality_and_called_by_its_name(
    pack: KnowledgePack, real_graph: CompiledGraph
) -> None:
    for row, name in zip(pack.rows, pack.stated_names, strict=True):
        number = real_graph.term_number(row.term_id)
        assert real_graph.term_ids[number] == row.term_id
        assert real_graph.is_a(row.term_id, "HP:0000118"), row.term_id
        assert name in ("", real_graph.term_names[number])


def test_no_condition_names_a_term_twice(pack: KnowledgePack) -> None:
    pairs = [(r.disease_id, r.term_id) for r in pack.rows]
    assert len(set(pairs)) == len(pairs)


def test_every_code_is_one_of_icd10cm(pack: KnowledgePack) -> None:
    lines = CHECKED.read_text("utf-8").splitlines()
    checked = dict(line.split("\t") for line in lines if not line.startswith("#"))
    assert {d.icd10cm for d in pack.diseases} == set(checked)


def test_the_package_knows_every_code(pack: KnowledgePack) -> None:
    codes = pytest.importorskip("simple_icd_10_cm", reason="simple-icd-10-cm is not installed")
    for disease in pack.diseases:
        assert codes.is_leaf(disease.icd10cm), f"{disease.name}: {disease.icd10cm}"


def test_the_links_from_ddxplus_lead_somewhere(pack: KnowledgePack, real_graph: CompiledGraph) -> None:
    links = ddxplus_links()
    known = {d.disease_id for d in pack.diseases}
    mapped = [c.common for c in links.conditions if c.common]
    assert len(links.conditions) == 49
    assert set(mapped) <= known
    assert len(set(mapped)) == len(mapped) == 48
    assert all(real_graph.resolve(term) == term for term in links.evidences.values())


def test_an_edit_of_an_overlay_does_not_compile_hpo_anew(
    pack: KnowledgePack, real_graph: CompiledGraph
) -> None:
    over = overlaid(real_graph, [pack])
    assert len(over.disease_ids) == len(real_graph.disease_ids) + len(pack.diseases)
    assert over.hpo_terms == len(real_graph.term_ids)
    assert over.profiles.background[: over.hpo_terms].max() <= 1
