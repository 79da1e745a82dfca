"""Which findings a clinician can be asked about: what is open, can be, and is no whole organ system."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from knowledge_graph.findings.finding import Finding, Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.settled import settled_terms
from knowledge_graph.terms.term import TermId

ROOT = TermId("HP:0000118")  # Phenotypic abnormality
FEMALE_ALONE, MALE_ALONE = TermId("HP:0010460"), TermId("HP:0010461")  # abnormalities of the genitalia
SUDDEN_DEATH = TermId("HP:0001699")  # no question about a patient
_NOT_OF = {Sex.FEMALE: MALE_ALONE, Sex.MALE: FEMALE_ALONE}


def askable_terms(
    graph: CompiledGraph, findings: Sequence[Finding], *, sex: Sex = Sex.UNKNOWN, skip: Iterable[str] = ()
) -> npt.NDArray[np.bool_]:
    """A mask (n_terms,): neither known, implied nor excluded, and named by some disease's annotations.

    Organ systems (the children of Phenotypic abnormality) are too broad to be answered. `skip` are terms
    that were asked in vain. Raises UnknownTerm.
    """
    root = graph.term_number(ROOT)
    open_terms = np.zeros(len(graph.term_ids), bool)
    open_terms[graph.signatures.term] = True
    open_terms &= _below(graph, ROOT) & ~_below(graph, SUDDEN_DEATH)
    open_terms[graph.children[root]] = False
    open_terms[root] = False
    if sex in _NOT_OF:
        open_terms &= ~_below(graph, _NOT_OF[sex])
    open_terms[[graph.term_number(term) for term in skip]] = False
    return open_terms & ~settled_terms(graph, findings)


def _below(graph: CompiledGraph, term_id: TermId) -> npt.NDArray[np.bool_]:
    """A term and everything under it (n_terms,); nothing where the ontology lacks it."""
    found = np.zeros(len(graph.term_ids), bool)
    if term_id in graph.term_index:
        found[graph.descendants[graph.term_index[term_id]]] = True
    return found
