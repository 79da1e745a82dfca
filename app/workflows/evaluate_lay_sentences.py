"""Measures the recogniser on everyday language: our own sentences, written before its wordings were."""

import tomllib
from functools import cache
from importlib.resources import files

from app.workflows.suggest_findings import read_findings
from knowledge_graph.graph.compiled_graph import CompiledGraph
from ml.recognition.recogniser import Recogniser

Said = tuple[str, str]  # term id, "observed" or "excluded"


@cache
def lay_sentences() -> tuple[tuple[str, ...], ...]:
    """(sentence, names of the terms it gives): "-" before a name that it denies."""
    text = files("resources").joinpath("recognition", "lay_sentences.toml").read_text("utf-8")
    return tuple(tuple(row) for row in tomllib.loads(text)["sentences"])


def measure_lay_sentences(recogniser: Recogniser, graph: CompiledGraph) -> dict[str, object]:
    """Recall of the findings the sentences give, and the precision of what is found in them.

    A finding counts as given where a term at or below it is found in its state; what is found counts
    as right where it is on one line of the ontology with a given one.
    """
    given = found = hits = right = 0
    for sentence, *names in lay_sentences():
        gold = [_said(graph, name) for name in names]
        seen = [(str(f.term_id), f.state.value) for f in read_findings(recogniser, sentence)]
        given, found = given + len(gold), found + len(seen)
        hits += sum(any(s[1] == g[1] and graph.is_a(s[0], g[0]) for s in seen) for g in gold)
        right += sum(any(_on_one_line(graph, s, g) for g in gold) for s in seen)
    return {
        "lay_sentences": len(lay_sentences()),
        "lay_recall": hits / max(given, 1),
        "lay_precision": right / max(found, 1),
    }


def _said(graph: CompiledGraph, name: str) -> Said:
    plain = name.removeprefix("-")
    return graph.term_ids[graph.term_names.index(plain)], "excluded" if name != plain else "observed"


def _on_one_line(graph: CompiledGraph, one: Said, other: Said) -> bool:
    return one[1] == other[1] and (graph.is_a(one[0], other[0]) or graph.is_a(other[0], one[0]))
