"""What is held out is gone from every index; baselines and ranks are those of slow references."""

import math
from collections import Counter

import numpy as np
import pytest

from app.workflows.benchmark_linking import _by_characters, _ranks
from app.workflows.term_wordings import Entry, HeldOut, hold_out, shortened, term_wordings, without
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import TermId

ENTRIES: list[Entry] = [
    (TermId("HP:1"), ("Renal cyst", "Kidney cyst", "kidney CYST", "Cysts in the kidney")),
    (TermId("HP:2"), ("Ataxia", "ataxia")),
    (TermId("HP:3"), ("Short stature", "Small stature")),
    (TermId("HP:4"), ("Fever",)),
]


def test_one_telling_synonym_of_each_term_is_held_out() -> None:
    held = hold_out(ENTRIES, 10)
    assert {h.term_id: h.synonym for h in held} == {"HP:1": "Cysts in the kidney", "HP:3": "Small stature"}
    assert hold_out(ENTRIES, 10) == held
    assert len(hold_out(ENTRIES, 1)) == 1


def test_what_is_held_out_is_gone_and_nothing_else() -> None:
    held = hold_out(ENTRIES, 10)
    left = {str(term_id): names for term_id, names in without(ENTRIES, held)}
    assert left["HP:1"] == ("Renal cyst", "Kidney cyst", "kidney CYST")
    assert left["HP:3"] == ("Short stature",)
    assert left["HP:2"] == ENTRIES[1][1]


def test_another_seed_holds_out_others(real_graph: CompiledGraph) -> None:
    entries = term_wordings(real_graph)
    one, other = ({h.term_id for h in hold_out(entries, 500, seed=seed)} for seed in (0, 1))
    assert len(one) == len(other) == 500
    assert len(one & other) < 100
    assert all(len(w) == len(set(w)) for _, w in entries)


def slow_cosines(wordings: list[str], asked: str) -> list[float]:
    """TF-IDF of runs of two to four letters within words, in plain Python."""

    def runs(text: str) -> Counter[str]:
        words = [f" {word} " for word in text.casefold().split()]
        return Counter(w[i : i + n] for n in (2, 3, 4) for w in words for i in range(len(w) - n + 1))

    rarity = {
        run: math.log((1 + len(wordings)) / (1 + sum(run in runs(w) for w in wordings))) + 1
        for w in wordings
        for run in runs(w)
    }

    def vector(text: str) -> dict[str, float]:
        found = {run: count * rarity[run] for run, count in runs(text).items() if run in rarity}
        length = math.sqrt(sum(v * v for v in found.values()))
        return {run: v / length for run, v in found.items()}

    one = vector(asked)
    return [sum(one.get(run, 0) * v for run, v in vector(w).items()) for w in wordings]


def test_the_baseline_of_letters_is_that_of_a_slow_reference() -> None:
    held = [HeldOut(TermId("HP:1"), "cystic kidneys"), HeldOut(TermId("HP:3"), "smaller than others")]
    wordings = [w for _, said in ENTRIES for w in said]
    found = _by_characters(ENTRIES, held)
    for row, one in zip(found, held, strict=True):
        cosines = slow_cosines(wordings, one.synonym)
        best = [max(cosines[wordings.index(w)] for w in said) for _, said in ENTRIES]
        np.testing.assert_allclose(row, best, atol=1e-6)


@pytest.mark.parametrize(
    ("row", "rank"), [([0.1, 0.9, 0.2, 0.3], 3), ([0.9, 0.1, 0.9, 0.9], 1), ([0.9, 0.1, 0.9, 0.1], 0)]
)
def test_of_terms_that_score_the_same_half_come_before(row: list[float], rank: int) -> None:
    assert _ranks(np.array([row], np.float32), ENTRIES, [HeldOut(TermId("HP:1"), "x")])[0] == rank


def test_descriptions_are_cut_after_so_many_words() -> None:
    assert shortened({TermId("HP:1"): "a b c d"}, words=3) == {"HP:1": "a b c"}
