"""Lets a disease with few annotations borrow from its kin, finding by finding.

For an observed finding, a disease's ratio is the largest of its own and its kin's times a share: the
same disease under another id counts in full, one of another source with the same gene a fifth, the
others of its series three tenths of their mean. The shares were chosen on the development cases.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Floats
from knowledge_graph.graph.compiled_graph import CompiledGraph

SHARES = {"twins": 1.0, "same_gene": 0.2}
SERIES_SHARE = 0.3
AT_ONCE = 8  # findings: what is worked out of them stays in the processor's cache


def borrowed(graph: CompiledGraph, own: Floats, observed: npt.NDArray[np.bool_]) -> Floats:
    """log ratios with the kin of `observed` findings heard: (n_findings, n_diseases), a new array."""
    heard, rows = np.empty_like(own), np.flatnonzero(observed)
    heard[~observed] = own[~observed]
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        heard[some] = _with_kin(graph, [own[row] for row in some.tolist()]).T
    return heard


def _with_kin(graph: CompiledGraph, own: Sequence[Floats]) -> Floats:
    """The same of a few findings (n_diseases,): (n_diseases, n_findings).

    Works on columns, and gathers whole ones: that is what makes it fast.
    """
    said = np.empty((len(own[0]), len(own)), own[0].dtype)
    for finding, ratios in enumerate(own):  # twice as fast as copying the transposed
        said[:, finding] = ratios
    heard = said
    for name, share in SHARES.items():
        best = graph.kin_maxima[name].of_table(said)
        best += np.float32(np.log(share))
        heard = np.maximum(heard, best, out=best)
    if len(graph.kinship.series.values):
        np.maximum(heard, _series_ratios(graph, said), out=heard)
    return heard


def _series_ratios(graph: CompiledGraph, said: Floats) -> Floats:
    """log of SERIES_SHARE of the mean ratio of the others of each disease's series: as `said`.

    -inf where a disease is of none.
    """
    members, indptr = graph.kinship.series.values, graph.kinship.series.indptr
    sizes = np.diff(indptr)
    logs = np.empty((len(members) + 1, said.shape[1]), said.dtype)
    logs[-1] = -np.inf
    ratios = np.exp(said.take(members, axis=0))
    mean = logs[:-1]
    mean[:] = np.repeat(np.add.reduceat(ratios, indptr[:-1], axis=0), sizes, axis=0)
    mean -= ratios
    np.maximum(mean, 1e-6, out=mean)
    mean /= np.repeat(sizes - 1, sizes).astype(np.float32)[:, None]
    mean *= np.float32(SERIES_SHARE)
    np.log(mean, out=mean)
    return logs.take(graph.series_place, axis=0)


def lenders(
    graph: CompiledGraph, own: Floats, diseases: npt.NDArray[np.integer]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Which of each disease's kin lends it most for each finding, and how much; -1 where none tops its own.

    `own` is (n_findings, n_diseases), the answers (n, n_findings). The series is not asked.
    """
    most = own[:, diseases].T.astype(np.float64)
    who = np.full(most.shape, -1)
    for row, disease in enumerate(diseases.tolist()):
        each = [getattr(graph.kinship, name)[disease] for name in SHARES]
        kin = np.concatenate(each)
        if len(kin):
            lent = own[:, kin] + np.repeat(np.log(list(SHARES.values())), [len(some) for some in each])
            first, largest = lent.argmax(axis=1), lent.max(axis=1)
            who[row] = np.where(largest > most[row], kin[first], -1)
            most[row] = np.maximum(largest, most[row])
    return who, most
