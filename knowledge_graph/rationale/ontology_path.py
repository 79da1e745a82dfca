"""The way between two terms of the ontology: up from each to the most telling term above both."""

from functools import cache

from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rationale.evidence import PathTerm

Way = tuple[int, ...]


class OntologyPaths:
    """Shortest ways over is_a; each is worked out once."""

    def __init__(self, graph: CompiledGraph):
        ids, names = graph.term_ids, graph.term_names
        self._ids, self._told = ids, graph.information.tolist()
        self._above = cache(lambda term: frozenset(graph.ancestors[term].tolist()))
        self._parents = cache(lambda term: graph.parents[term].tolist())
        self._step = cache(lambda term, up: PathTerm(ids[term], names[term], up=up))
        self._up = cache(self._climb)
        self.path = cache(self._path)

    def _path(self, one: int, other: int) -> tuple[PathTerm, ...]:
        """From one term up to the most telling above both, and down to the other; the first left out."""
        up, back = self.ways(one, other)
        down = [self._step(term, False) for term in reversed(back[:-1])]
        return (*(self._step(term, True) for term in up[1:]), *down)

    def ways(self, one: int, other: int) -> tuple[Way, Way]:
        """From each term to the most telling above both (both ends named); empty where there is none."""
        shared = self._above(one) & self._above(other)
        if not shared:
            return (), ()
        most = max(map(self._told.__getitem__, shared))
        found = [
            (self._up(one, above), self._up(other, above), self._ids[above])
            for above in shared
            if self._told[above] == most
        ]
        up, back, _ = min(found, key=lambda way: (len(way[0]) + len(way[1]), way[2]))
        return up, back

    def _climb(self, term: int, goal: int) -> Way:
        """The shortest way from a term to one above it."""
        if term == goal:
            return (term,)
        if len(self._parents(term)) == 1:
            return (term, *self._up(self._parents(term)[0], goal))
        came_from, waiting = {term: term}, [term]
        for below in waiting:  # grows while it is walked
            if goal in came_from:
                break
            for above in self._parents(below):
                if above not in came_from:
                    came_from[above] = below
                    waiting.append(above)
        way = [goal]
        while way[-1] != term:
            way.append(came_from[way[-1]])
        return tuple(reversed(way))
