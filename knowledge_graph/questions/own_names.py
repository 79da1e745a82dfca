"""Which findings are but a disease's own name: "meningitis?" is no question where it is suspected."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Ints
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.questions.answer_model import Belief
from knowledge_graph.sources.pack_rows import NAMED

SUSPECTED = 0.01  # from this probability on


@dataclass(frozen=True)
class OwnNames:
    """Pairs of a term and the disease that it names, as the disease is shown."""

    term: Ints
    disease: Ints

    def of_suspected(self, belief: Belief) -> npt.NDArray[np.intp]:
        """Terms that name a disease which the differential suspects."""
        return self.term[belief[self.disease] >= SUSPECTED].astype(np.intp)


def own_names(graph: CompiledGraph, shown_as: npt.NDArray[np.intp]) -> OwnNames:
    """What packs call a condition's own name, and diseases called as a term is. `shown_as` joins ids.

    With a name go the terms above it that no other finding of the disease implies: "unusual infection?".
    """
    pairs = [
        (above, disease)
        for term, disease in (*_named_by_packs(graph), *_called_alike(graph))
        for above in _implied_by_name_alone(graph, term, disease)
    ]
    term, disease = np.array(pairs, np.int32).reshape(-1, 2).T
    return OwnNames(term, shown_as[disease].astype(np.int32))


def _implied_by_name_alone(graph: CompiledGraph, name: int, disease: int) -> set[int]:
    own = graph.signatures.term[graph.signatures.indptr[disease] : graph.signatures.indptr[disease + 1]]
    implied = {above for term in own.tolist() if term != name for above in graph.ancestors[term].tolist()}
    return set(graph.ancestors[name].tolist()) - implied | {name}


def _named_by_packs(graph: CompiledGraph) -> list[tuple[int, int]]:
    rows = graph.associations
    said = np.flatnonzero(rows.frequency == graph.text_index.get(NAMED.text, -1))
    owner = np.searchsorted(rows.indptr, said, side="right") - 1
    return list(zip(rows.term[said].tolist(), owner.tolist(), strict=True))


def _called_alike(graph: CompiledGraph) -> list[tuple[int, int]]:
    terms = {name.casefold(): number for number, name in enumerate(graph.term_names)}
    called = ((terms.get(name.casefold()), disease) for disease, name in enumerate(graph.disease_names))
    return [(term, disease) for term, disease in called if term is not None]
