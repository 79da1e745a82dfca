"""Joins the graph's score, the text model's score and the prior into one probability per disease.

A log-linear pool: log p(d) = k (w_g s_g(d) + w_t s_t(d) + w_p log prior(d)) - log Z. The parts of one disease
add up to its log probability, so both shares can be shown. A missing modality has weight 0, and the
other then has a weight of its own. k is how sure the whole may be (`FusionWeights.sureness`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from knowledge_graph.fusion.fusion_weights import FusionWeights
from knowledge_graph.fusion.same_disease import Leaders, together
from knowledge_graph.graph.arrays import highest

Floats64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FusedDifferential:
    """All (n_diseases,): probabilities sum to 1; shares are natural logs, `log_normaliser` one number.

    log(probability) = graph_share + text_share + prior_share + rule_share - log_normaliser, and
    graph_share is `graph_weight` times the graph's score; all but the rules' share hold k. `shown` are the
    same probabilities with those of one disease's ids added up under the id that it is shown as.
    `prior_of_unstated` is the prior's share of a disease of weight 1.
    """

    probability: Floats64
    shown: Floats64
    graph_share: Floats64
    text_share: Floats64
    prior_share: Floats64
    rule_share: Floats64
    log_normaliser: float
    graph_weight: float
    abstained: bool
    prior_of_unstated: float = 0.0

    def best(self, count: int) -> npt.NDArray[np.intp]:
        """Numbers of the likeliest diseases, best first; equal ones in disease order."""
        return highest(self.shown, count)


def fuse(
    graph_score: npt.NDArray[np.floating] | None,
    text_log_probability: npt.NDArray[np.floating] | None,
    *,
    observed: int,
    prior: npt.NDArray[np.floating],
    weights: FusionWeights,
    shown_as: Leaders | None = None,
    rule_share: Floats64 | None = None,
    sureness: float = 1.0,
) -> FusedDifferential:
    """Fuse what there is. `prior` is positive, (n_diseases,), of any sum; `shown_as` as `leaders` gives it.

    `sureness` is the pool's k. `rule_share` is what hard constraints of sex and age take away, in natural
    logs, whatever else speaks. `observed` is the number of observed findings behind the graph's score, and
    in the text: where there is none, nothing could be shown as a reason, so nothing is put forward.
    `text_log_probability` is NaN for diseases that the text model does not know.
    """
    nothing = np.zeros(len(prior))
    with_graph, with_text = graph_score is not None, text_log_probability is not None
    graph_weight = sureness * weights.of_graph(observed, with_text=with_text) if with_graph else 0.0
    text_weight = sureness * weights.of_text_model(with_graph=with_graph, read=observed > 0)
    graph_share = nothing if graph_score is None else graph_weight * np.asarray(graph_score, np.float64)
    text_share = nothing if text_log_probability is None else text_weight * _filled(text_log_probability)
    prior_share, prior_of_unstated = _prior_shares(prior, sureness * weights.prior)
    held = nothing if rule_share is None else rule_share
    probability, log_normaliser = _normalised(graph_share + text_share + prior_share + held)
    shown = probability if shown_as is None else together(probability, shown_as)
    return FusedDifferential(
        probability=probability,
        shown=shown,
        graph_share=graph_share,
        text_share=text_share,
        prior_share=prior_share,
        rule_share=held,
        log_normaliser=log_normaliser,
        graph_weight=graph_weight,
        abstained=observed == 0 or float(shown.max()) < weights.abstain_below,
        prior_of_unstated=prior_of_unstated,
    )


def _prior_shares(prior: npt.NDArray[np.floating], weight: float) -> tuple[Floats64, float]:
    """What the prior gives each disease, and what it gives one of weight 1."""
    of_unstated = -weight * float(np.log(np.sum(prior)))
    return weight * np.log(np.asarray(prior, np.float64)) + of_unstated, of_unstated


def _normalised(logs: Floats64) -> tuple[Floats64, float]:
    """Probabilities, and the log of what they were divided by."""
    top = float(logs.max())
    log_normaliser = top + float(np.log(np.exp(logs - top).sum()))
    return np.exp(logs - log_normaliser), log_normaliser


def _filled(scores: npt.NDArray[np.floating]) -> Floats64:
    """NaN as the log of an even chance among the diseases that the text model knows: a ratio of one.

    Of a hospital's own diseases the text is taken to say what it would say knowing nothing, so that graph
    and prior alone decide.
    """
    said = np.asarray(scores, np.float64)
    unknown = np.isnan(said)
    return np.where(unknown, -np.log(max(1, int((~unknown).sum()))), said)
