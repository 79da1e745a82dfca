"""Which of a disease's own terms a finding meets: itself, else one below it, else one under a near ancestor.

All findings of a patient are matched at once, each with what a disease of its own shows.
"""

from dataclasses import dataclass

import numpy as np

from knowledge_graph.graph.arrays import Ints, Places, places_of
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.signature import references_named
from knowledge_graph.terms.term import TermId

TELLING = 0.5  # of all diseases: what more of them show is near to everything
_NONE = -1


@dataclass(frozen=True, slots=True)
class OwnMatch:
    """A disease's own term, with the frequencies and references of its rows; empty where none is met."""

    term_id: TermId | None = None
    name: str = ""
    frequency: str = ""
    references: tuple[str, ...] = ()


NO_MATCH = OwnMatch()


class Matcher:
    """A patient's findings (numbers of terms), ready to be matched with any diseases."""

    def __init__(self, graph: CompiledGraph, findings: Places):
        self._graph, self._findings = graph, findings
        places, self._lengths = places_of(graph.ancestors.indptr, findings)
        ends = np.cumsum(self._lengths)
        self._starts = ends - self._lengths
        upwards = places[np.repeat(self._starts + ends - 1, self._lengths) - np.arange(len(places))]
        above = graph.ancestors.values[upwards]  # each finding, then what is above it, the nearest first
        self._telling = graph.profiles.background[above] < TELLING
        known, self._above = np.unique(above, return_inverse=True)
        self._known = len(known)
        self._number = np.full(len(graph.term_ids), _NONE, np.intp)  # of each term among those above
        self._number[known] = np.arange(len(known))

    def matches(self, speakers: Places) -> list[list[OwnMatch]]:
        """What each finding meets of the disease at its place: speakers (n, n_findings)."""
        asked, which = np.unique(speakers, return_inverse=True)
        which = which.reshape(speakers.shape)
        owners, terms, rows = self._own_rows(asked)
        is_own = np.zeros((len(asked), len(self._graph.term_ids)), bool)
        is_own[owners, terms] = True
        near = self._nearest(self._first_below(owners, terms, len(asked)), which)
        met = np.where(is_own[which, self._findings], self._findings, near)
        is_own[:] = False
        is_own[which, met] = True  # those rows alone are read; -1 is a term that none of them has
        read = is_own[owners, terms]
        found = self._words(owners[read], terms[read], rows[read])
        pairs: list[list[tuple[int, int]]] = np.stack([which, met], axis=-1).tolist()
        return [[found.get((who, term), NO_MATCH) for who, term in of_disease] for of_disease in pairs]

    def _own_rows(self, diseases: Places) -> tuple[Places, Ints, Places]:
        """What the diseases are said to show: whose row (a place among them), its term, its number."""
        stated = self._graph.associations
        rows, lengths = places_of(stated.indptr, diseases)
        shown = ~stated.excluded[rows]
        speakers, rows = np.repeat(np.arange(len(diseases)), lengths)[shown], rows[shown]
        return speakers, stated.term[rows], rows

    def _first_below(self, speakers: Places, terms: Ints, count: int) -> Ints:
        """(count, terms above the findings): the first of a speaker's terms that is it or lies below it."""
        ancestors = self._graph.ancestors
        places, lengths = places_of(ancestors.indptr, terms)
        above = self._number[ancestors.values[places]]
        asked = np.flatnonzero(above != _NONE)[::-1]  # backwards, as what is put last stays
        first = np.full((count, self._known), _NONE, np.int32)
        first[np.repeat(speakers, lengths)[asked], above[asked]] = np.repeat(terms, lengths)[asked]
        return first

    def _nearest(self, first_below: Ints, which: Places) -> Ints:
        """For each finding the first of its speaker's terms under its nearest telling ancestor; or -1."""
        below = first_below[np.repeat(which, self._lengths, axis=1), self._above]
        places = np.where(self._telling & (below != _NONE), np.arange(below.shape[1]), below.shape[1])
        first = np.minimum.reduceat(places, self._starts, axis=1)
        padded = np.concatenate([below, np.full((len(below), 1), _NONE, np.int32)], axis=1)
        return np.take_along_axis(padded, first, axis=1)

    def _words(self, owners: Places, terms: Ints, rows: Places) -> dict[tuple[int, int], OwnMatch]:
        """What rows say, by whose they are (a place among the speakers) and their term."""
        stated = self._graph.associations
        columns = (owners, terms, stated.frequency[rows], stated.reference[rows])
        said: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for owner, term, how_often, who in zip(*(column.tolist() for column in columns), strict=True):
            said.setdefault((owner, term), []).append((how_often, who))
        return {(owner, term): self._match(term, told) for (owner, term), told in said.items()}

    def _match(self, term: int, said: list[tuple[int, int]]) -> OwnMatch:
        graph = self._graph
        frequencies = dict.fromkeys(graph.texts[how_often] for how_often, _ in said)
        return OwnMatch(
            graph.term_ids[term],
            graph.term_names[term],
            ", ".join(filter(None, frequencies)),
            tuple(dict.fromkeys(r for _, who in said for r in references_named(graph.texts[who]))),
        )
