"""ModelReport: what was measured of a model version on public cases, for its card and its gates."""

from dataclasses import dataclass

import msgspec

from ml.errors import ModelFileError
from ml.evaluation.calibration import ReliabilityBin
from ml.evaluation.share import Share
from ml.evaluation.subgroups import GroupShare, OpportunityGap


@dataclass(frozen=True, slots=True)
class WayReport:
    """One way of answering (text model alone, or fused with the graph). `ece` is of the first disease.

    `answered` is the share of cases for which a disease is put forward, `right_if_answered` how often the
    first is right then.
    """

    way: str
    top1: Share
    top3: Share
    top5: Share
    top10: Share
    answered: Share
    right_if_answered: Share
    stated: float
    ece: float
    reliability: tuple[ReliabilityBin, ...]


@dataclass(frozen=True, slots=True)
class Drift:
    """Against the starting model on the same cases, fused: a change is new minus starting."""

    same_first: Share
    divergence_bits: float
    top1_change: tuple[float, float, float]
    top10_change: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class ModelReport:
    """`groups` and `gaps` are of the fused differential's first ten; `coverage` counts nameable diseases."""

    version_id: str
    knowledge_version: str
    data: str
    n: int
    seed: int
    ways: tuple[WayReport, ...]
    groups: tuple[GroupShare, ...]
    gaps: tuple[OpportunityGap, ...]
    coverage: Share
    drift: Drift | None = None
    measured_at: str = ""

    @property
    def fused(self) -> WayReport:
        """What a clinician sees."""
        return self.ways[-1]

    def to_json(self) -> str:
        """For keeping."""
        return msgspec.json.encode(self).decode("utf-8")

    @classmethod
    def from_json(cls, text: str) -> "ModelReport":
        """Read it back; refuses another shape."""
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.MsgspecError:
            raise ModelFileError("the model's report can't be read; measure the model again") from None
