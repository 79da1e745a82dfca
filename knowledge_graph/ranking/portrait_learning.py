"""Learns where terms stand among each other, and where a disease's name and genes let it be expected.

Terms: the first right singular vectors of log(1 + P(term | disease) / background) over all diseases, each
made as long as the term is telling. Expectations: kernel ridge regression of what each disease shows on how
alike names (words, parts of words, the text encoder's vectors), genes and gene families are. Each disease's
own rows are left out of its own expectation, in closed form, as if it had been learned without it.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse
from scipy.sparse.linalg import svds

from knowledge_graph.graph.arrays import Floats
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.portraits import LITTLE
from knowledge_graph.graph.signature import Signatures

WIDTH = 192
RIDGE = 0.7
NAMES, WORDS, PARTS, GENES, FAMILIES = 0.5, 0.3, 0.2, 0.4, 0.2  # what each likeness counts
SHARPNESS = 0.25  # nats of cosine between the names' vectors
_PART = 4
_AT_ONCE = 1000
Strings = Sequence[Sequence[str]]
Mask = npt.NDArray[np.bool_]


def term_vectors(graph: CompiledGraph, *, width: int = WIDTH) -> Floats:
    """A vector for each term: (n_terms, width), narrower for few diseases; zero where no disease shows it."""
    known = graph.profiles
    term = np.repeat(np.arange(len(graph.term_ids)), np.diff(known.indptr))
    lift = np.log1p(known.probability / known.background[term]).astype(np.float32)
    shape = (len(graph.disease_ids), len(graph.term_ids))
    table = sparse.csr_matrix((lift, (known.disease, term)), shape)
    start = np.random.default_rng(0).normal(size=min(shape)).astype(np.float32)
    _, strength, right = svds(table, k=min(width, min(shape) - 1), v0=start)
    found = right[np.argsort(-strength)].T
    length = np.linalg.norm(found, axis=1, keepdims=True)
    used = np.bincount(term, minlength=shape[1])[:, None] > 0
    unit = np.where(used, found / np.maximum(length, 1e-9), 0)
    vectors: Floats = (unit * graph.information[:, None]).astype(np.float32)
    return vectors


def shown_directions(terms: Floats, signatures: Signatures) -> Floats:
    """What each disease is known to show, at most 1 long: (n_diseases, width)."""
    shape = (len(signatures.publications), len(terms))
    shown = sparse.csr_matrix((signatures.frequency, signatures.term, signatures.indptr), shape) @ terms
    found: Floats = shown / (np.linalg.norm(shown, axis=1, keepdims=True) + np.float32(LITTLE))
    return found


def alike(name_vectors: Floats, names: Sequence[str], genes: Strings) -> Floats:
    """How alike each two diseases are before anything is known of their findings: (n, n)."""
    centred = name_vectors - name_vectors.mean(axis=0)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    found: Floats = (unit @ unit.T).astype(np.float32)
    found -= 1
    found /= np.float32(SHARPNESS)
    np.exp(found, out=found)
    found *= np.float32(NAMES)
    words = [re.findall(r"[a-z]{3,}", name.split(";")[0].lower()) for name in names]
    parts = [[w[i : i + _PART] for w in own for i in range(max(1, len(w) - _PART + 1))] for own in words]
    families = [[f for f in map(gene_family, own) if f] for own in genes]
    for lists, weight, rarer in (
        (words, WORDS, True),
        (parts, PARTS, True),
        (genes, GENES, False),
        (families, FAMILIES, True),
    ):
        bag = np.float32(weight**0.5) * _bag(lists, rarer=rarer)
        for start in range(0, len(found), _AT_ONCE):
            span = slice(start, start + _AT_ONCE)
            found[span] += (bag[span] @ bag.T).toarray()
    return found


def gene_family(symbol: str) -> str:
    """The letters that a gene's symbol begins with, at most six; "" for fewer than two."""
    found = re.match(r"[A-Z]{2,}", symbol)
    return found.group(0)[:6] if found else ""


def left_out(likeness: Floats, shown: Floats, known: Mask, *, ridge: float = RIDGE) -> Floats:
    """What is expected of each disease from the others that are `known`: (n, width)."""
    rows, others = np.flatnonzero(known), np.flatnonzero(~known)
    from_known = likeness[np.ix_(others, rows)]
    system = likeness[np.ix_(rows, rows)].T  # symmetric; this way LAPACK works in place
    system[np.arange(len(rows)), np.arange(len(rows))] += np.float32(ridge)
    factor, _ = linalg.cho_factor(system, lower=True, overwrite_a=True, check_finite=False)
    inverse, _ = linalg.lapack.spotri(factor, lower=1, overwrite_c=1)
    weights = linalg.blas.ssymm(1.0, inverse, shown[rows], lower=1)
    found = np.zeros_like(shown)
    found[rows] = shown[rows] - weights / np.diag(inverse)[:, None]
    found[others] = from_known @ weights
    return found


def _bag(lists: Iterable[Sequence[str]], *, rarer: bool) -> sparse.csr_matrix:
    """Rows of length 1 (or 0), one column a string that two or more have; `rarer` ones count more."""
    number: dict[str, int] = {}
    sets = [{number.setdefault(s, len(number)) for s in own} for own in lists]
    owner = np.repeat(np.arange(len(sets)), [len(own) for own in sets])
    column = np.array([c for own in sets for c in sorted(own)], np.int32)
    seen = np.bincount(column, minlength=len(number))
    weight = np.where(seen < 2, 0, np.log(len(sets) / np.maximum(seen, 1)) if rarer else 1)
    values = weight[column].astype(np.float32)
    length = np.sqrt(np.bincount(owner, values**2, len(sets)))
    values /= np.maximum(length, 1e-9)[owner].astype(np.float32)
    return sparse.csr_matrix((values, (owner, column)), (len(sets), max(1, len(number))))
