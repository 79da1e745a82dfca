"""Lets a disease with few annotations borrow from its kin, finding by finding.

For an observed finding, a disease's ratio is the largest of its own and its kin's times a share: the
same disease under another id counts in full, one of another source with the same gene a fifth, the
others of its series three tenths of their mean. The shares were chosen on the development cases.
"""

import numpy as np

from knowledge_graph.graph.arrays import Floats
from knowledge_graph.graph.compiled_graph import CompiledGraph

SHARES = {"twins": 1.0, "same_gene": 0.2}
SERIES_SHARE = 0.3


def borrowed(graph: CompiledGraph, own: Floats) -> Floats:
    """log ratios of observed findings with kin heard: (n_findings, n_diseases), a new array.

    Works on columns: gathering whole columns is what makes it fast.
    """
    said = np.ascontiguousarray(own.T)
    heard = said.copy()
    if not len(own):
        return own.copy()
    for name, share in SHARES.items():
        kin = graph.kin_maxima[name]
        best = kin.of_table(said) + np.float32(np.log(share))
        heard[kin.rows] = np.maximum(heard.take(kin.rows, axis=0), best)
    members = graph.kinship.series.values
    if len(members):
        heard[members] = np.maximum(heard[members], _series_ratios(graph, said[members]))
    return np.ascontiguousarray(heard.T)


def _series_ratios(graph: CompiledGraph, said: Floats) -> Floats:
    """log of SERIES_SHARE of the mean ratio of the others of a series: (n_members, n_findings)."""
    indptr = graph.kinship.series.indptr
    sizes = np.diff(indptr)
    ratios = np.exp(said)
    mean = np.repeat(np.add.reduceat(ratios, indptr[:-1], axis=0), sizes, axis=0)
    mean -= ratios
    np.maximum(mean, 1e-6, out=mean)
    mean /= np.repeat(sizes - 1, sizes).astype(np.float32)[:, None]
    mean *= np.float32(SERIES_SHARE)
    logs: Floats = np.log(mean, out=mean)
    return logs


def lender(graph: CompiledGraph, own: Floats, disease: int) -> tuple[int | None, float]:
    """Which of a disease's kin lends it most for one finding, and how much; None where none tops its own.

    `own` is (n_diseases,). The series is not asked.
    """
    most = float(own[disease])
    who: int | None = None
    for name, share in SHARES.items():
        for kin in getattr(graph.kinship, name)[disease].tolist():
            ratio = float(own[kin]) + float(np.log(share))
            if ratio > most:
                most, who = ratio, kin
    return who, most
