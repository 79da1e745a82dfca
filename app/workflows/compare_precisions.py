"""Whether a model at two precisions decides alike on synthetic notes: by its text alone, and as a clinician
sees it, fused with the graph.
"""

from collections.abc import Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

from app.workflows.diagnose import DiagnosisService
from app.workflows.suggest_findings import read_findings
from app.workflows.write_notes import KnownNote
from knowledge_graph.findings.finding import observed_count
from knowledge_graph.fusion.fused_differential import fuse
from knowledge_graph.fusion.fusion_weights import FusionWeights
from knowledge_graph.fusion.same_disease import together
from knowledge_graph.graph.arrays import Floats
from knowledge_graph.ranking.rank import rank

_AT_ONCE = 16


def first_diseases(
    services: Sequence[DiagnosisService], notes: Sequence[KnownNote]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Numbers of the first disease, (services, notes), by the text model alone and fused; one for all ids."""
    by_text, fused = np.zeros((2, len(services), len(notes)), np.intp)
    waiting = iter(enumerate(notes))
    while batch := list(islice(waiting, _AT_ONCE)):
        told = [service.text_rows([note.text for _, note in batch]) for service in services]
        for row, (place, note) in enumerate(batch):
            graph, observed = _by_graph(services[0], note)
            for side, service in enumerate(services):
                by_text[side, place] = together(np.exp(told[side][row]), service.shown_as).argmax()
                fused[side, place] = _fused(service, graph, told[side][row], observed=observed)
    return by_text, fused


def _by_graph(service: DiagnosisService, note: KnownNote) -> tuple[Floats | None, int]:
    findings = read_findings(service.recogniser, note.text, age_days=note.age_days)
    if not findings:
        return None, 0
    return rank(service.graph, findings, sex=note.sex, age_days=note.age_days).total, observed_count(findings)


def _fused(
    service: DiagnosisService, graph: Floats | None, text: npt.NDArray[np.float64], *, observed: int
) -> int:
    prior, weights = np.ones(len(text)), FusionWeights.load()
    shown = fuse(
        graph, text, observed=observed, prior=prior, weights=weights, shown_as=service.shown_as
    ).shown
    return int(shown.argmax())
