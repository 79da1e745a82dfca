"""What is asked about, and what was found for every disease: the nouns that a diagnosis's parts hand on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from knowledge_graph.findings.finding import Finding, Sex
from knowledge_graph.fusion.fused_differential import FusedDifferential
from knowledge_graph.fusion.fusion_weights import Told
from knowledge_graph.ranking.rank import GraphScores
from knowledge_graph.rules.constraints import ConstraintShare
from knowledge_graph.rules.facts import CodedCondition, LabValue
from ml.text.own_words import in_own_words


@dataclass(frozen=True, slots=True)
class Presentation:
    """What is asked about: findings, the patient's notes, sex and age; codes and values for the rules.

    `days_old`: how long before the record's newest entry each note was written, where that is known.
    """

    findings: tuple[Finding, ...] = ()
    texts: tuple[str, ...] = ()
    sex: Sex = Sex.UNKNOWN
    age_days: int | None = None
    conditions: tuple[CodedCondition, ...] = ()
    labs: tuple[LabValue, ...] = ()
    days_old: tuple[int | None, ...] = ()

    @property
    def told(self) -> Told:
        """How the patient is told of."""
        if not any(text.strip() for text in self.texts):
            return Told.FINDINGS
        return Told.MESSAGE if in_own_words(self.texts) else Told.NOTE


@dataclass(frozen=True, slots=True)
class Weighed:
    """What was asked, with every disease's score and probability.

    `held` is the share of the rules' constraints in it, `text` that of the text model.
    """

    asked: Presentation
    scores: GraphScores
    fused: FusedDifferential
    held: ConstraintShare
    text: npt.NDArray[np.float64] | None
