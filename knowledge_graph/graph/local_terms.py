"""Numbers the local terms of packs behind the terms of HPO, with their parents and ancestors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from knowledge_graph.errors import SourceRefused, UnknownTerm
from knowledge_graph.graph.arrays import Rows, rows_from
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.splicing import joined_rows
from knowledge_graph.sources.knowledge_pack import KnowledgePack, LocalTerm
from knowledge_graph.sources.ontology import topological_order
from knowledge_graph.terms.term import TermId


@dataclass(frozen=True, slots=True)
class LocalTerms:
    """All terms, HPO's first. `number` takes any id that is known, alternative ones included."""

    ids: tuple[TermId, ...]
    names: tuple[str, ...]
    alternatives: dict[str, TermId]
    parents: Rows
    ancestors: Rows
    index: Mapping[TermId, int]
    version: str

    def number(self, term_id: str) -> int:
        """The number of a term. Raises UnknownTerm."""
        found = self.index.get(self.alternatives.get(term_id, TermId(term_id)))
        if found is None:
            raise UnknownTerm(
                f"{term_id} is not a current term of HPO {self.version} nor of a pack; check the id"
            )
        return found


def numbered_terms(base: CompiledGraph, packs: Sequence[KnowledgePack]) -> LocalTerms:
    """HPO's terms and the packs'. Raises SourceRefused on a cycle, a double or a parent that nobody knows."""
    new: dict[TermId, LocalTerm] = {}
    for pack in packs:
        for term in pack.terms:
            if term.term_id in new or term.term_id in base.term_index:
                raise SourceRefused(
                    f"{pack.name} defines {term.term_id}, which is defined already; rename it"
                )
            new[term.term_id] = term
    above = {term_id: _parents(base, term, new) for term_id, term in new.items()}
    local = {t: tuple(p for p in parents if p in new) for t, parents in above.items()}
    try:
        order = topological_order(local)
    except SourceRefused as error:
        raise SourceRefused(
            "the packs' terms are parents of each other in a circle; mend their is_a"
        ) from error
    first = len(base.term_ids)
    index = base.term_index | {term_id: first + i for i, term_id in enumerate(order)}
    parents = [[index[p] for p in above[t]] for t in order]
    closed: list[list[int]] = []
    for i, numbers in enumerate(parents):
        near = {a for n in numbers for a in (closed[n - first] if n >= first else base.ancestors[n].tolist())}
        closed.append([*sorted(near), first + i])
    return LocalTerms(
        ids=(*base.term_ids, *order),
        names=(*base.term_names, *(new[t].name for t in order)),
        alternatives=base.alternatives | {a: t for t in order for a in new[t].alternative_ids},
        parents=joined_rows(base.parents, rows_from(parents)),
        ancestors=joined_rows(base.ancestors, rows_from(closed)),
        index=index,
        version=base.version,
    )


def _parents(base: CompiledGraph, term: LocalTerm, new: Mapping[TermId, LocalTerm]) -> tuple[TermId, ...]:
    try:
        return tuple(p if p in new else base.resolve(p) for p in term.parents)
    except UnknownTerm as error:
        raise SourceRefused(f"{term.term_id} is_a a term that nobody knows: {error}") from error
