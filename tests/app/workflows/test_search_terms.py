"""A clinician's words find the term she means: as it is worded, as it begins, or by what they mean."""

import pytest

from app.workflows.search_terms import LEAST_LIKENESS, TermCatalogue
from app.workflows.term_wordings import term_wordings
from knowledge_graph.graph.compiled_graph import CompiledGraph

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def catalogue(real_graph: CompiledGraph) -> TermCatalogue:
    return TermCatalogue(real_graph)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("Seizure", "HP:0001250"),
        ("kidney stones", "HP:0000787"),
        ("NEPHROLITHIASIS", "HP:0000787"),
        ("hp:0001250", "HP:0001250"),
        ("arachnodact", "HP:0001166"),
        ("keeps falling", "HP:0002527"),
        ("HTN", "HP:0000822"),
    ],
)
def test_a_term_worded_so_or_that_begins_so_comes_first(
    catalogue: TermCatalogue, query: str, first: str
) -> None:
    hit = catalogue.search(query)[0]
    assert (hit.term_id, hit.likeness) == (first, 0)


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("kidney stones in childhood", "HP:0000787"),
        ("can't see at night", "HP:0000662"),
        ("his heart keeps racing", "HP:0001649"),
        ("sugar in her urine", "HP:0003076"),
        ("trouble swallowing food", "HP:0002015"),
        ("underdeveloped kidneys on both sides", "HP:0012584"),
    ],
)
def test_words_that_stand_in_no_name_find_what_they_mean(
    catalogue: TermCatalogue, query: str, meant: str
) -> None:
    found = catalogue.search(query)[:5]
    hit = next(hit for hit in found if hit.term_id == meant)
    assert LEAST_LIKENESS < hit.likeness <= 1.0001


def test_what_is_worded_so_comes_before_what_means_the_like(catalogue: TermCatalogue) -> None:
    hits = catalogue.search("small head")
    spelled = [hit.likeness == 0 for hit in hits]
    assert spelled[0]
    assert len({hit.term_id for hit in hits}) == len(hits) <= 30
    assert {hit.term_id for hit in catalogue.meant("small head", limit=3)} <= {hit.term_id for hit in hits}


def test_every_wording_that_holds_all_words_is_still_found(catalogue: TermCatalogue) -> None:
    wordings = dict(term_wordings(catalogue.graph))
    holding = {t for t, said in wordings.items() if any("corneal dystrophy" in w.casefold() for w in said)}
    assert 10 < len(holding) <= 60
    assert holding <= {hit.term_id for hit in catalogue.search("corneal dystrophy", limit=200)}


@pytest.mark.parametrize("query", ["", "   ", "§ —", "ξψ ωφ"])
def test_nothing_is_found_for_nothing(catalogue: TermCatalogue, query: str) -> None:
    assert [hit for hit in catalogue.search(query) if hit.likeness] == []


def test_only_abnormalities_are_found(catalogue: TermCatalogue) -> None:
    graph = catalogue.graph
    for query in ("autosomal dominant inheritance", "very rare"):
        hits = catalogue.search(query)
        assert hits
        assert all(graph.is_a(hit.term_id, "HP:0000118") for hit in hits)


def test_a_pasted_note_is_asked_for_its_meaning_alone(catalogue: TermCatalogue) -> None:
    for pasted in ("w " * 20_000, "fever " * 200):
        assert catalogue.search(pasted) == catalogue.meant(pasted)
    assert catalogue.meant("fever " * 200)
