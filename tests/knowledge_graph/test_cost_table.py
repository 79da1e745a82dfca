"""A hospital's cost table: the nearest line holds, and each mistake is told with its line."""

from pathlib import Path

import pytest

from knowledge_graph.errors import SourceRefused
from knowledge_graph.graph.compilation import compile_release
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.questions.cost_table import CostClass, parse_costs, read_costs
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
