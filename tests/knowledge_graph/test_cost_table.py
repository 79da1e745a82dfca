"""A hospital's cost table: the nearest line holds, and each mistake is told with its line."""

import re
from pathlib import Path

import pytest

from knowledge_graph.errors import SourceRefused
from knowledge_graph.graph.compilation import compile_release
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.questions.cost_table import (
    CostClass,
    TermCosts,
    parse_costs,
    read_costs,
    shipped_costs,
)
from tests.knowledge_graph.mini_release import OBO, mini_graph, write_mini_release

PRICES = "[cost]\nask = 1\nexamine = 2\nblood = 4\nimaging = 8\nbiopsy = 20\nsequencing = 30\n"
TERMS = '[terms]\n"HP:0000118" = "examine"\n"HP:0000910" = "ask"  # an alternative id of Seizure\n'


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    return mini_graph(tmp_path_factory.mktemp("mini"))


def test_the_nearest_line_holds_for_everything_below_it(graph: CompiledGraph) -> None:
    costs = parse_costs(PRICES + TERMS, file="t.toml", graph=graph).of_terms(graph)
    kinds = {t: costs.kind(graph.term_number(t)) for t in ("HP:0000010", "HP:0000011", "HP:0000031")}
    assert list(kinds.values()) == [CostClass.ASK, CostClass.ASK, CostClass.EXAMINE]
    assert costs.price[graph.term_number("HP:0000031")] == 2.0


def test_of_equally_near_lines_the_cheapest_holds(tmp_path: Path) -> None:
    both = "\n[Term]\nid: HP:0000012\nname: Both\nis_a: HP:0000010 ! Seizure\nis_a: HP:0000030 ! Rash\n"
    graph = compile_release(write_mini_release(tmp_path, obo=OBO + both))
    terms = TERMS + '"HP:0000030" = "blood"\n'
    for blood, kind in (("4", CostClass.ASK), ("0.5", CostClass.BLOOD)):
        prices = PRICES.replace("blood = 4", f"blood = {blood}")
        costs = parse_costs(prices + terms, file="t.toml", graph=graph).of_terms(graph)
        assert costs.kind(graph.term_number("HP:0000012")) is kind


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PRICES + TERMS + '"HP:0000031" = "guess"\n', ["line 11", "HP:0000031", "biopsy"]),
        (PRICES + TERMS + '"HP:7777777" = "ask"\n', ["line 11", "HP:7777777", "not a current term"]),
        (PRICES + TERMS + '"HP:0000010" = "ask"\n', ["line 11", "the same term as HP:0000910"]),
        (PRICES.replace("blood = 4", "blood = 0") + TERMS, ["line 4", "blood is not a positive number"]),
        (PRICES.replace("blood = 4", "blood = nan") + TERMS, ["line 4", "not a positive number"]),
        (PRICES.replace("blood = 4", "blood = true") + TERMS, ["line 4", "not a positive number"]),
        (PRICES.replace("blood = 4\n", "") + TERMS, ["line 1", "says nothing of blood"]),
        (PRICES.replace("blood", "blud") + TERMS, ["line 4", "'blud' is no class", "nothing of blood"]),
        (PRICES, ["[terms] is missing"]),
        (PRICES + TERMS + "[more]\n", ["line 11", "neither [cost] nor [terms]"]),
        (PRICES + TERMS + "oops\n", ["line 11", "not TOML"]),
    ],
)
def test_mistakes_are_told_with_their_lines(graph: CompiledGraph, text: str, said: list[str]) -> None:
    with pytest.raises(SourceRefused) as refused:
        parse_costs(text, file="ours.toml", graph=graph)
    assert str(refused.value).startswith("ours.toml: ")
    assert all(part in str(refused.value) for part in said)


def test_a_file_that_can_not_be_read_is_refused(graph: CompiledGraph, tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="cannot be read"):
        read_costs(tmp_path / "none.toml", graph)
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    with pytest.raises(SourceRefused, match="cannot be read"):
        read_costs(tmp_path / "latin.toml", graph)


@pytest.mark.parametrize(
    ("term", "kind"),
    [
        ("HP:0002315 Headache", CostClass.ASK),
        ("HP:0001250 Seizure", CostClass.ASK),
        ("HP:0001166 Arachnodactyly", CostClass.EXAMINE),
        ("HP:0001252 Hypotonia", CostClass.EXAMINE),
        ("HP:0000365 Hearing impairment", CostClass.EXAMINE),
        ("HP:0410173 Increased circulating troponin I concentration", CostClass.BLOOD),
        ("HP:0012418 Hypoxemia", CostClass.BLOOD),
        ("HP:0003236 Elevated circulating creatine kinase concentration", CostClass.BLOOD),
        ("HP:0000093 Proteinuria", CostClass.BLOOD),
        ("HP:0003458 EMG: myopathic abnormalities", CostClass.IMAGING),
        ("HP:0100284 EMG: myotonic discharges", CostClass.IMAGING),
        ("HP:0000550 Undetectable electroretinogram", CostClass.IMAGING),
        ("HP:0000649 Abnormality of visual evoked potentials", CostClass.IMAGING),
        ("HP:0002521 Hypsarrhythmia", CostClass.IMAGING),
        ("HP:0001657 Prolonged QT interval", CostClass.IMAGING),
        ("HP:0012707 Elevated brain lactate level by MRS", CostClass.IMAGING),
        ("HP:0030603 Abnormal optical coherence tomography", CostClass.IMAGING),
        ("HP:0030877 Reduced FEV1/FVC ratio", CostClass.IMAGING),
        ("HP:0002171 Gliosis", CostClass.IMAGING),
        ("HP:0100792 Acantholysis", CostClass.BIOPSY),
        ("HP:0034791 Increased muscle succinate dehydrogenase staining", CostClass.BIOPSY),
        ("HP:0003383 Onion bulb formation", CostClass.BIOPSY),
        ("HP:0410151 Eosinophilic infiltration of the esophagus", CostClass.BIOPSY),
        ("HP:0000793 Membranoproliferative glomerulonephritis", CostClass.BIOPSY),
        ("HP:0003221 Chromosomal breakage induced by crosslinking agents", CostClass.SEQUENCING),
    ],
)
def test_the_shipped_table_prices_a_finding_as_it_is_established(
    real_graph: CompiledGraph, shipped: TermCosts, term: str, kind: CostClass
) -> None:
    term_id, name = term.split(" ", 1)
    number = real_graph.term_number(term_id)
    assert real_graph.term_names[number] == name
    assert shipped.kind(number) is kind


@pytest.mark.parametrize(
    ("named", "cheapest"),
    [
        (r"^EMG\b|electroretinogram|electrooculogram|evoked potential|\bEEG\b|by MRS$|\bPET\b", "imaging"),
        (r"troponin|blood (oxygen|carbon dioxide) level", "blood"),
        (r"by histology$|staining$|onion bulb", "biopsy"),
    ],
)
def test_no_test_is_priced_as_a_look_or_a_question(
    real_graph: CompiledGraph, shipped: TermCosts, named: str, cheapest: str
) -> None:
    order = list(CostClass)
    told = [t for t, name in enumerate(real_graph.term_names) if re.search(named, name)]
    assert told
    cheap = [
        real_graph.term_names[t]
        for t in told
        if order.index(shipped.kind(t)) < order.index(CostClass(cheapest))
    ]
    assert cheap == []


@pytest.fixture(scope="module")
def shipped(real_graph: CompiledGraph) -> TermCosts:
    return shipped_costs(real_graph).of_terms(real_graph)
