"""The way between two terms of the ontology: up from each to the most telling term above both."""

from functools import cache

from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rationale.evidence import PathTerm

Way = tuple[int, ...]


class OntologyPaths:
    """Shortest ways over is_a; a path is worked out once."""

    def __init__(self, graph: CompiledGraph):
        self._graph = graph
        self._above = cache(lambda term: frozenset(graph.ancestors[term].tolist()))
        self._parents = cache(lambda term: graph.parents[term].tolist())
        self.path = cache(self._path)

    def _path(self, one: int, other: int) -> tuple[PathTerm, ...]:
        """From one term up to the most telling above both, and down to the other; the first left out."""
        up, back = self.ways(one, other)
        ids, names = self._graph.term_ids, self._graph.term_names
        return (
            *(PathTerm(ids[term], names[term], up=True) for term in up[1:]),
            *(PathTerm(ids[term], names[term], up=False) for term in reversed(back[:-1])),
        )

    def ways(self, one: int, other: int) -> tuple[Way, Way]:
        """From each term to the most telling above both (both ends named); empty where there is none."""
        shared = list(self._above(one) & self._above(other))
        if not shared:
            return (), ()
        told, ids = self._graph.information[shared], self._graph.term_ids
        best = [
            above for above, is_best in zip(shared, (told == told.max()).tolist(), strict=True) if is_best
        ]
        found = [(self._up(one, above), self._up(other, above), ids[above]) for above in best]
        up, back, _ = min(found, key=lambda way: (len(way[0]) + len(way[1]), way[2]))
        return up, back

    def _up(self, term: int, goal: int) -> Way:
        """The shortest way from a term to one above it."""
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
