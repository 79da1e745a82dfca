"""Measures what is read in notes whose diagnosis is known: text, graph, both fused, and whether stated
probabilities come true.

A rank is a place in the differential as it is shown: all diseases, one line each whatever their ids. Each
published case is scored with its own article and, as a new patient is, without; each note by looks that have
not seen its disease.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import numpy.typing as npt

from app.errors import UsageError
from app.workflows.diagnose import DiagnosisService
from app.workflows.suggest_findings import read_findings
from app.workflows.write_notes import LEFT_OUT, PUBLISHED, KnownNote, counts_as
from knowledge_graph.findings.finding import Finding, observed_count
from knowledge_graph.fusion.fused_differential import FusedDifferential, fuse
from knowledge_graph.fusion.fusion_weights import FusionWeights
from knowledge_graph.fusion.same_disease import Leaders, leaders
from knowledge_graph.graph.arrays import Floats
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.dropped_publication import DroppedPublication
from knowledge_graph.ranking.unseen_looks import UnseenLooks
from ml.evaluation.calibration import brier_of_first, calibration_noise, expected_calibration_error

FINDINGS, TEXT, GRAPH, FUSED = "findings alone", "text", "graph", "fused"
WAYS = (FINDINGS, TEXT, GRAPH, FUSED)
_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class ScoredNote:
    """A note's scores for every disease: of the findings given, of those read, and of the text."""

    note: KnownNote
    given: Floats
    read: Floats
    text: Floats
    read_count: int


@dataclass(frozen=True, slots=True)
class WayAccuracy:
    """Shares of notes (0 to 1), and the expected calibration error of the first disease.

    `noise` is what that error would be by chance alone, `brier` its Brier score.
    """

    n: int
    top1: float
    top5: float
    top10: float
    stated: float
    ece: float
    noise: float
    brier: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """The right disease's rank, and whether the first, with its stated probability, is right."""

    rank: float
    stated: float
    right: bool


Report = dict[str, dict[str, WayAccuracy]]


def score_notes(service: DiagnosisService, notes: Iterable[KnownNote]) -> Iterator[ScoredNote]:
    """Read and score notes, some at a time: the text model is faster so.

    A PUBLISHED one comes twice, the second time as LEFT_OUT: the graph knows nothing by its own article. The
    text model, which learned from the graph, is as it was.
    """
    waiting, dropped = iter(notes), DroppedPublication(service.graph)
    while batch := list(islice(waiting, _AT_ONCE)):
        texts = service.text_rows([note.text for note in batch])
        for note, told in zip(batch, texts, strict=True):
            read = read_findings(service.recogniser, note.text, age_days=note.age_days)
            left_out = [replace(note, source=LEFT_OUT)] if note.source == PUBLISHED else []
            for one in (note, *left_out):
                yield ScoredNote(
                    one,
                    given=ranked_unseen(dropped, one, one.findings),
                    read=ranked_unseen(dropped, one, read),
                    text=np.where(np.isnan(told), np.nanmean(told), told).astype(np.float32),
                    read_count=observed_count(read),
                )


def ways_of(
    scored: ScoredNote, weights: FusionWeights, shown_as: Leaders, *, both: FusionWeights | None = None
) -> dict[str, FusedDifferential]:
    """The differential by each way of looking at a note; `both` are other weights where two speak."""
    prior = np.ones(len(scored.text))
    given = observed_count(scored.note.findings)
    read = scored.read if scored.read_count else None
    sides: dict[str, tuple[Floats | None, Floats | None, int]] = {
        FINDINGS: (scored.given, None, given),
        TEXT: (None, scored.text, scored.read_count),
        GRAPH: (read, None, scored.read_count),
        FUSED: (read, scored.text, scored.read_count),
    }
    of_both = weights if both is None or read is None else both
    return {
        way: fuse(
            graph,
            text,
            observed=observed,
            prior=prior,
            weights=of_both if way == FUSED else weights,
            shown_as=shown_as,
        )
        for way, (graph, text, observed) in sides.items()
    }


def evaluate_notes(
    service: DiagnosisService, notes: Iterable[KnownNote], *, weights: FusionWeights | None = None
) -> Report:
    """By source of notes and way. Raises UsageError where there is no note."""
    tally = Tally(service.graph)
    for scored in score_notes(service, notes):
        tally.count(scored, weights or FusionWeights.load(), weights or service.weights(scored.text))
    return tally.report()


class Tally:
    """Outcomes, counted by source and way.

    All published cases count twice: as PUBLISHED by all that is known, as UNSEEN without their article.
    """

    def __init__(self, graph: CompiledGraph):
        self._graph = graph
        self._shown_as = leaders(graph)
        self._outcomes: dict[tuple[str, str], list[Outcome]] = defaultdict(list)

    def count(self, scored: ScoredNote, weights: FusionWeights, both: FusionWeights | None = None) -> None:
        """Add one note; `both` as in `ways_of`."""
        note = scored.note
        truths = {int(self._shown_as[self._graph.disease_number(t)]) for t in note.truths}
        for way, fused in ways_of(scored, weights, self._shown_as, both=both).items():
            found = outcome_of(fused.shown, sorted(truths))
            for source in counts_as(note.source):
                self._outcomes[source, way].append(found)

    def report(self) -> Report:
        """Everything counted so far. Raises UsageError where there is nothing."""
        if not self._outcomes:
            raise UsageError("there is no note to measure on; give more notes, or cases of known diseases")
        sources = sorted({source for source, _ in self._outcomes})
        return {s: {way: accuracy(self._outcomes[s, way]) for way in WAYS} for s in sources}


def outcome_of(shown: npt.NDArray[np.floating], truths: Sequence[int]) -> Outcome:
    """Of one differential; ties are shared."""
    own = max(shown[t] for t in truths)
    first = int(shown.argmax())
    place = float(1 + (shown > own).sum() + ((shown == own).sum() - 1) / 2)
    return Outcome(place, float(shown[first]), first in truths)


def accuracy(outcomes: Sequence[Outcome]) -> WayAccuracy:
    """Counted up."""
    ranks = np.array([o.rank for o in outcomes])
    stated, right = np.array([o.stated for o in outcomes]), np.array([o.right for o in outcomes])
    return WayAccuracy(
        n=len(outcomes),
        top1=float((ranks <= 1).mean()),
        top5=float((ranks <= 5).mean()),
        top10=float((ranks <= 10).mean()),
        stated=float(stated.mean()),
        ece=expected_calibration_error(stated, right),
        noise=calibration_noise(stated),
        brier=brier_of_first(stated, right),
    )


def ranked_unseen(dropped: DroppedPublication, note: KnownNote, findings: Sequence[Finding]) -> Floats:
    """By looks that have not seen the note's disease, without its publications where it is LEFT_OUT."""
    unknown = set(note.publications) if note.source == LEFT_OUT else set[str]()
    looks = UnseenLooks.load().of(note.truths[0])
    scores = dropped.rank(findings, unknown, sex=note.sex, age_days=note.age_days, looks=looks)
    return scores.total.astype(np.float32)
