"""The way between two terms of the ontology: up from each to the most telling term above both."""

from functools import cache

from knowledge_graph.graph.compiled_graph import CompiledGraph

Way = tuple[int, ...]


class OntologyPaths:
    """Shortest ways over is_a; those of a term are worked out once."""

    def __init__(self, graph: CompiledGraph):
        self._graph = graph
        self._ways_up = cache(self._climb)

    def ways(self, one: int, other: int) -> tuple[Way, Way]:
        """From each term to the most telling above both (both ends named); empty where there is none."""
        up = (self._ways_up(one), self._ways_up(other))
        shared = [above for above in up[0] if above in up[1]]
        if not shared:
            return (), ()
        told, ids = self._graph.information, self._graph.term_ids
        best = min(shared, key=lambda a: (-float(told[a]), len(up[0][a]) + len(up[1][a]), ids[a]))
        return up[0][best], up[1][best]

    def _climb(self, term: int) -> dict[int, Way]:
        """The shortest way from a term to each above it."""
        ways: dict[int, Way] = {term: (term,)}
        waiting = [term]
        for below in waiting:  # grows while it is walked
            for above in self._graph.parents[below].tolist():
                if above not in ways:
                    ways[above] = (*ways[below], above)
                    waiting.append(above)
        return ways
