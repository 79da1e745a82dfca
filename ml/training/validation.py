"""How well a model under way names the diseases of public, synthetic notes: what a run's curve shows.

Only the model as released so far is judged, on notes that are no patient's, so that a judgement costs no
epsilon: it is computed from what noise has passed through already.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ml.evaluation.ranking_quality import top_k, true_ranks
from ml.text.tokenizer import TextTokenizer
from ml.training.classifier import READ_AT_ONCE, Classifier, text_features, window_features
from ml.training.messages import ValidationNote
from ml.training.networks import TopNetwork, frozen_states

LARGEST_LOGIT = 1e6  # of a model that has diverged: its curve falls, and stays a curve

Doubles = npt.NDArray[np.float64]
Features = Callable[[], npt.NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Shares (0 to 1) of notes whose disease comes first, or among the first ten, of the declared, and the
    mean cross-entropy there (natural-log units).
    """

    top1: float
    top10: float
    loss: float


def judged(logits: Doubles, truth: Sequence[int]) -> Judgement:
    """Of `logits` (notes, declared) by the notes' own columns; ties count against a note."""
    sound = np.nan_to_num(logits.astype(np.float64), nan=0.0, posinf=LARGEST_LOGIT, neginf=-LARGEST_LOGIT)
    own = np.array(truth, dtype=np.int64)
    ranks, most = true_ranks(sound, own), sound.max(axis=1)
    losses = np.log(np.exp(sound - most[:, None]).sum(axis=1)) + most - sound[np.arange(len(own)), own]
    return Judgement(top_k(ranks, 1), top_k(ranks, 10), float(losses.mean()))


def declared_columns(notes: Sequence[ValidationNote], declared: Sequence[int]) -> list[int]:
    """Each note's place among the declared rows, one of which is its label."""
    places = {row: place for place, row in enumerate(declared)}
    return [places[note.label] for note in notes]


def encoder_features(
    classifier: Classifier, tokenizer: TextTokenizer, notes: Sequence[ValidationNote], *, cached: bool
) -> Features:
    """Reads the notes anew each time, by the encoder as it is then; `cached` only through its last layer."""
    windows = tokenizer.windows([note.text for note in notes])
    if not cached:
        return lambda: text_features(windows, window_features(classifier, windows), len(notes))
    states, network = frozen_states(classifier, windows), TopNetwork(classifier)
    return lambda: text_features(windows, _last_layer(network, states), len(notes))


@contextmanager
def undisturbed(module: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards each part is in the mode that it was in."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, training in modes:
            part.training = training


def _last_layer(network: TopNetwork, states: Sequence[torch.Tensor]) -> npt.NDArray[np.float32]:
    """The features of each window whose `states` before the last layer these are."""
    found = np.zeros((len(states), network.head.in_features), np.float32)
    order = sorted(range(len(states)), key=lambda place: len(states[place]))
    for start in range(0, len(order), READ_AT_ONCE):
        places = order[start : start + READ_AT_ONCE]
        found[places] = network.pooled(*network.collate([states[p] for p in places])).cpu().numpy()
    return found
