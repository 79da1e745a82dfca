"""Joins the graph's score, the text model's score and the prior into one probability per disease.

A log-linear pool: log p(d) = w_g s_g(d) + w_t s_t(d) + w_p log prior(d) - log Z. The parts of one disease
add up to its log probability, so both shares can be shown. A missing modality has weight 0.
"""

import tomllib
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from knowledge_graph.fusion.same_disease import Leaders, together

Floats64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """How much each part counts, and below which probability nothing is put forward."""

    graph: float
    text: float
    prior: float
    abstain_below: float

    @classmethod
    def load(cls) -> "FusionWeights":
        """The weights that ship with the program."""
        file = files("resources.fusion").joinpath("weights.toml")
        return cls(**tomllib.loads(file.read_text("utf-8")))


@dataclass(frozen=True, slots=True)
class FusedDifferential:
    """All (n_diseases,): probabilities sum to 1; shares are natural logs, `log_normaliser` one number.

    log(probability) = graph_share + text_share + prior_share - log_normaliser. `shown` are the same
    probabilities with those of one disease's ids added up under the id that it is shown as.
    """

    probability: Floats64
    shown: Floats64
    graph_share: Floats64
    text_share: Floats64
    prior_share: Floats64
    log_normaliser: float
    abstained: bool

    def best(self, count: int) -> npt.NDArray[np.intp]:
        """Numbers of the likeliest diseases, best first; equal ones in disease order."""
        order: npt.NDArray[np.intp] = np.argsort(-self.shown, kind="stable")[:count]
        return order


def fuse(
    graph_score: npt.NDArray[np.floating] | None,
    text_log_probability: npt.NDArray[np.floating] | None,
    *,
    prior: npt.NDArray[np.floating],
    weights: FusionWeights,
    shown_as: Leaders | None = None,
) -> FusedDifferential:
    """Fuse what there is. `prior` is positive, (n_diseases,), of any sum; `shown_as` as `leaders` gives it.

    `text_log_probability` is NaN for diseases that the text model does not know: they get the mean of
    those it knows, so that not being known is neither for nor against.
    """
    nothing = np.zeros(len(prior))
    graph_share = nothing if graph_score is None else weights.graph * np.asarray(graph_score, np.float64)
    text_share = nothing if text_log_probability is None else weights.text * _filled(text_log_probability)
    prior_share = weights.prior * np.log(np.asarray(prior, np.float64) / np.sum(prior))
    summed = graph_share + text_share + prior_share
    top = float(summed.max())
    log_normaliser = top + float(np.log(np.exp(summed - top).sum()))
    probability = np.exp(summed - log_normaliser)
    shown = probability if shown_as is None else together(probability, shown_as)
    silent = graph_score is None and text_log_probability is None
    return FusedDifferential(
        probability=probability,
        shown=shown,
        graph_share=graph_share,
        text_share=text_share,
        prior_share=prior_share,
        log_normaliser=log_normaliser,
        abstained=silent or float(shown.max()) < weights.abstain_below,
    )


def _filled(scores: npt.NDArray[np.floating]) -> Floats64:
    known = np.asarray(scores, np.float64)
    return np.where(np.isnan(known), np.nanmean(known), known)
