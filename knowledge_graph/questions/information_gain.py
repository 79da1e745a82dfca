"""What an answer is expected to tell: mutual information between a yes-or-no answer and the disease.

I(D; A) = H(A) - sum over d of p(d) H(A | d), in bits (Shannon 1948; for tests in diagnosis: Gorry & Barnett
1968, Comput Biomed Res 1:490). All terms at once: diseases that are not known to show a term share one floor,
so that only the entries of the sparse profile are walked.
"""

import numpy as np
import numpy.typing as npt

from knowledge_graph.questions.answer_model import AnswerModel, Belief, binary_entropy

Bits = npt.NDArray[np.float64]


def chance_of_yes(model: AnswerModel, belief: Belief) -> Bits:
    """How likely each term's answer is "yes" under a belief over diseases that sums to 1: (n_terms,)."""
    weight = belief[model.disease]
    return model.summed(weight * model.probability) + _others(model, weight) * model.floor


def expected_gain(model: AnswerModel, belief: Belief) -> Bits:
    """Expected fall of the belief's entropy by each term's answer, in bits: (n_terms,)."""
    weight = belief[model.disease]
    others = _others(model, weight)
    yes = model.summed(weight * model.probability) + others * model.floor
    left = model.summed(weight * model.entropy) + others * binary_entropy(model.floor)
    return np.maximum(binary_entropy(yes) - left, 0.0)


def expected_gain_on(model: AnswerModel, belief: Belief, disease: int) -> Bits:
    """The same for one question alone, whether it is this disease: (n_terms,)."""
    held = float(belief[disease])
    own, yes = model.of_disease(disease), chance_of_yes(model, belief)
    if not 0 < held < 1:
        return np.zeros(len(own))
    rest = (yes - held * own) / (1 - held)
    left = held * binary_entropy(own) + (1 - held) * binary_entropy(rest)
    return np.maximum(binary_entropy(yes) - left, 0.0)


def believed_after(model: AnswerModel, belief: Belief, term: int, *, yes: bool) -> Belief:
    """The belief after an answer, by Bayes' rule: (n_diseases,)."""
    likely = model.of_term(term, len(belief))
    joint = belief * (likely if yes else 1 - likely)
    after: Belief = joint / joint.sum()
    return after


def _others(model: AnswerModel, weight: Bits) -> Bits:
    """The belief in the diseases that are not known to show each term: (n_terms,)."""
    return np.maximum(1.0 - model.summed(weight), 0.0)
