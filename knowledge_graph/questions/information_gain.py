"""What an answer is expected to tell: mutual information between a yes-or-no answer and the disease.

I(D; A) = H(A) - sum over d of p(d) H(A | d), in bits (Shannon 1948; for tests in diagnosis: Gorry & Barnett
1968, Comput Biomed Res 1:490). One patient's findings repeat each other, and the differential lets each
count by a power `weight` below 1; so does an answer here: P(yes | d) becomes pi (P / pi)^weight, pi being how
likely "yes" is before. All terms take one pass over the sparse profile: diseases that are not known to show
a term share its floor.
"""

import numpy as np
import numpy.typing as npt

from knowledge_graph.questions.answer_model import AnswerModel, Belief, binary_entropy

CAUTION = 0.5  # chosen by simulated interviews: 0.25 leads no further
Bits = npt.NDArray[np.float64]


def cautious(belief: Belief) -> Belief:
    """The belief raised to CAUTION and summing to 1: a question is to help, too, where the first are wrong.

    After few findings the true disease is often far down, and poorly described. Questions chosen by the
    belief as it stands tell its first diseases apart, and are wasted there.
    """
    raised = np.asarray(belief, np.float64) ** CAUTION
    return np.asarray(raised / max(float(raised.sum()), 1e-300))


def chance_of_yes(model: AnswerModel, belief: Belief) -> Bits:
    """How likely each term's answer is "yes" under a belief over diseases that sums to 1: (n_terms,)."""
    weight = belief[model.disease]
    return model.summed(weight * model.probability) + _others(model, weight) * model.floor


def expected_gain(model: AnswerModel, belief: Belief, *, weight: float = 1.0) -> Bits:
    """Expected fall of the belief's entropy by each term's answer, in bits: (n_terms,)."""
    held = belief[model.disease]
    others = _others(model, held)
    chance = model.summed(held * model.probability) + others * model.floor
    likely, floor = tempered(model, chance, weight)
    yes = model.summed(held * likely) + others * floor
    left = model.summed(held * _entropy32(likely)) + others * binary_entropy(floor)
    return np.maximum(binary_entropy(yes) - left, 0.0)


def expected_gain_on(model: AnswerModel, belief: Belief, disease: int, *, weight: float = 1.0) -> Bits:
    """The same for one question alone, whether it is this disease: (n_terms,)."""
    share = float(belief[disease])
    if not 0 < share < 1:
        return np.zeros(len(model.floor))
    held = belief[model.disease]
    others = _others(model, held)
    chance = model.summed(held * model.probability) + others * model.floor
    likely, floor = tempered(model, chance, weight)
    yes = model.summed(held * likely) + others * floor
    own = floor.copy()
    entries = np.flatnonzero(model.disease == disease)
    own[model.owner[entries]] = likely[entries]
    rest = (yes - share * own) / (1 - share)
    left = share * binary_entropy(own) + (1 - share) * binary_entropy(rest)
    return np.maximum(binary_entropy(yes) - left, 0.0)


def tempered(model: AnswerModel, chance: Bits, weight: float) -> tuple[npt.NDArray[np.float32], Bits]:
    """P(yes | d) of each entry and each term's floor, counted by a power: pi (P / pi)^weight."""
    if weight == 1.0:
        return model.probability, model.floor.astype(np.float64)
    usual = (1 - weight) * np.log(np.maximum(chance, 1e-12))
    power = np.float32(weight)
    likely = np.exp(usual.astype(np.float32)[model.owner] + power * model.logs)
    floor = np.exp(usual + weight * np.log(model.floor.astype(np.float64)))
    return np.minimum(likely, np.float32(0.999)), floor


def _entropy32(p: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Binary entropy in bits, in single precision, of values inside (0, 1)."""
    bits: npt.NDArray[np.float32] = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    return bits


def _others(model: AnswerModel, held: Bits) -> Bits:
    """The belief in the diseases that are not known to show each term: (n_terms,)."""
    return np.maximum(1.0 - model.summed(held), 0.0)
