"""What the trainer is told of a patient beside her text, so that a run can look at the fusion's weights.

Of the likeliest diseases and her own what findings, prior and rules say, one by one, as a diagnosis of her
would weigh it; of all others their sum.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.clinical.annotation import Annotation
from app.clinical.chart import Chart
from app.config.policy import Policy
from app.workflows.diagnose import DiagnosisService
from app.workflows.load_knowledge import site_knowledge
from app.workflows.load_rules import site_rules
from app.workflows.note_reader import spoken
from app.workflows.weighed import Presentation
from knowledge_graph.findings.finding import observed_count
from knowledge_graph.fusion.same_disease import Leaders
from knowledge_graph.graph.arrays import highest
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId
from ml.training.messages import Beside

MOST_DISEASES = 1024  # told one by one, beside her own
Rows = npt.NDArray[np.intp]


class SiteFusion:
    """The site's knowledge and setting, for a model of these `labels`."""

    def __init__(self, service: DiagnosisService, labels: Sequence[str], *, today: date):
        self._service, self._today = service, today
        self._rows = label_rows(service.graph, labels)
        self.leaders = leader_rows(service.shown_as, self._rows, len(labels))

    @classmethod
    def by_policy(
        cls, policy: Policy, cache_dir: Path, labels: Sequence[str], *, today: date
    ) -> "SiteFusion":
        """By the knowledge, setting and rules of the hospital. Raises RulesRefused, KnowledgeError."""
        own, choice = site_rules(policy), site_knowledge(policy)
        service = DiagnosisService.load(cache_dir, with_text=False, own_rules=own, choice=choice)
        return cls(service, labels, today=today)

    def beside_chart(self, chart: Chart, marks: Sequence[Annotation], disease: str) -> Beside | None:
        """Of a chart as it is diagnosed; None where no finding is observed, or no word written."""
        return self.beside(self._service.presentation(chart, marks, today=self._today), disease)

    def beside(self, asked: Presentation, disease: str) -> Beside | None:
        """Of what is asked about; `disease` is her own."""
        if not observed_count(asked.findings) or not spoken(asked.texts):
            return None
        silent = np.zeros(len(self._rows))
        fused = self._service.weigh_with(asked, silent).fused
        summed = fused.graph_share + fused.prior_share + fused.rule_share
        own = self._service.graph.disease_index.get(DiseaseId(disease))
        weight = self._service.text_weight(asked.told)
        return beside_of(summed, self._rows, own=own, text_weight=weight)


def beside_of(summed: npt.NDArray[np.float64], rows: Rows, *, own: int | None, text_weight: float) -> Beside:
    """From what speaks for each disease beside the text (n_diseases,), in natural logs."""
    best = highest(summed, MOST_DISEASES)
    if own is not None and own not in best:
        best = np.append(best, own)
    others = np.delete(summed, best)
    return Beside(
        rows=rows[best].astype(np.int32).tobytes(),
        shares=summed[best].astype(np.float32).tobytes(),
        rest=float(np.logaddexp.reduce(others)) if len(others) else float(summed.min()),
        text_weight=text_weight,
    )


def label_rows(graph: CompiledGraph, labels: Sequence[str]) -> Rows:
    """The model's row of each disease of the graph; -1 where it has none."""
    rows = {label: row for row, label in enumerate(labels)}
    return np.array([rows.get(disease, -1) for disease in graph.disease_ids], np.intp)


def leader_rows(shown_as: Leaders, rows: Rows, labels: int) -> bytes:
    """Under which label's row each label is shown (int32)."""
    leaders, known = np.arange(labels, dtype=np.int32), rows >= 0
    shown = rows[shown_as]
    leaders[rows[known]] = np.where(shown < 0, rows, shown)[known]
    return leaders.tobytes()
