"""Masked language modelling (Devlin et al. 2018, arXiv 1810.04805): what is hidden, and who guesses it.

A mask follows from a public seed, the step and the window itself: a patient's gradient depends on her
own notes alone, whoever else is drawn. The decoder guesses over the whole vocabulary by the words' own
vectors as they were at the start. It is fitted on public notes and then
stands still: it is no part of what a patient changes, and is thrown away in the end.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import cast

import numpy as np
import torch
from torch import nn

from ml.text.tokenizer import Window
from ml.training.classifier import Classifier
from ml.training.devices import device_of, sent
from ml.training.encoder import Seen
from ml.training.patient_batches import Part, Patient, packed_windows, padded_windows

SHARE, HIDDEN, SWAPPED = 0.15, 0.8, 0.1  # of the tokens; of these: by [MASK], by any token, else left
PUBLIC_SEED = 1810
FIT_PASSES, FIT_TOKENS, FIT_RATE, OTHER_WORDS = 12, 512, 2e-3, 2000
SEEN_AGAIN = 4  # masks of each public note


@dataclass(frozen=True, slots=True)
class MaskedWindow(Window):
    """A window as the encoder sees it; at `places` it has to guess the `truths`."""

    places: tuple[int, ...] = ()
    truths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Masking:
    """How windows of one vocabulary are masked."""

    mask_id: int
    words: int

    def masked(self, window: Window, step: int) -> MaskedWindow:
        """The window with some of its tokens hidden, anew at each step; special tokens never are."""
        rng = np.random.default_rng([PUBLIC_SEED, step, _fingerprint(window)])
        open_places = [i for i, (start, end) in enumerate(window.offsets) if end > start]
        count = max(1, round(SHARE * len(open_places))) if open_places else 0
        places = sorted(rng.permutation(len(open_places))[:count].tolist())
        chosen = [open_places[i] for i in places]
        ids = list(window.ids)
        for place in chosen:
            fate = rng.random()
            if fate < HIDDEN:
                ids[place] = self.mask_id
            elif fate < HIDDEN + SWAPPED:
                ids[place] = int(rng.integers(self.words))
        truths = tuple(window.ids[place] for place in chosen)
        return MaskedWindow(window.text_index, tuple(ids), window.offsets, tuple(chosen), truths)

    def masked_patients(self, patients: Sequence[Patient], step: int) -> list[Patient]:
        """Everybody's windows masked."""
        return [
            replace(p, parts=tuple(self.masked(cast(Window, part), step) for part in p.parts))
            for p in patients
        ]


class Decoder(nn.Module):
    """From states to words: a layer of its own, then likeness to the words' vectors, which stay."""

    def __init__(self, vectors: torch.Tensor):
        super().__init__()
        hidden = vectors.shape[1]
        self.dense, self.norm = nn.Linear(hidden, hidden), nn.LayerNorm(hidden)
        self.vectors = nn.Buffer(vectors.detach().clone(), persistent=False)
        self.bias = nn.Parameter(torch.zeros(len(vectors)))

    def forward(self, states: torch.Tensor, among: torch.Tensor | None = None) -> torch.Tensor:
        """Logits (states, words), or of the words `among` alone."""
        turned = self.norm(nn.functional.gelu(self.dense(states)))
        if among is None:
            return nn.functional.linear(turned, self.vectors, self.bias)
        return nn.functional.linear(turned, self.vectors[among], self.bias[among])


class MaskedWordsNetwork(nn.Module):
    """The encoder and a decoder that stands still; gate and head have no part in it."""

    reads_states = False

    def __init__(self, classifier: Classifier, decoder: Decoder):
        super().__init__()
        self.encoder, self.decoder = classifier.encoder, decoder.requires_grad_(False)
        self._read: Callable[..., torch.Tensor] = classifier.states

    def collate(self, parts: Sequence[Part]) -> tuple[torch.Tensor, ...]:
        """Padded ids, mask and positions, each (parts, tokens)."""
        return padded_windows([cast(Window, part) for part in parts], device_of(self))

    def forward(self, ids: torch.Tensor, seen: Seen, positions: torch.Tensor) -> torch.Tensor:
        """States (parts, tokens, hidden), or (1, tokens, hidden) of parts end to end."""
        return self._read(ids, seen, positions)

    def losses(self, parts: Sequence[Part], _labels: torch.Tensor, *, packed: bool = False) -> torch.Tensor:
        """The mean cross-entropy of each part's hidden words, (parts,); 0 where nothing is hidden."""
        windows = [cast(MaskedWindow, part) for part in parts]
        read = packed_windows(windows, device_of(self)) if packed else self.collate(parts)
        hidden, truths, whose = hidden_states(self(*read), windows)
        each = nn.functional.cross_entropy(self.decoder(hidden), truths, reduction="none")
        counts = sent(torch.tensor([max(1, len(w.places)) for w in windows]), each.device)
        return each.new_zeros(len(windows)).index_add(0, whose, each / counts[whose])


def hidden_states(
    states: torch.Tensor, windows: Sequence[MaskedWindow]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The states at hidden places (places, hidden), the truths, and the window of each."""
    whose, places, truths = (
        sent(torch.tensor(numbers, dtype=torch.long), states.device)
        for numbers in (
            [row for row, w in enumerate(windows) for _ in w.places],
            [place for w in windows for place in w.places],
            [truth for w in windows for truth in w.truths],
        )
    )
    if len(states) == len(windows):
        return states[whose, places], truths, whose
    starts = list(accumulate((len(w.ids) for w in windows), initial=0))  # they stand end to end
    return states[0, sent(torch.tensor(starts), states.device)[whose] + places], truths, whose


def fit_decoder(classifier: Classifier, windows: Sequence[Window], masking: Masking) -> Decoder:
    """A decoder for the encoder as it is, from public notes; the rare other word keeps a share of its own.

    Only words of these notes and OTHER_WORDS more are told apart while it is fitted.
    """
    with torch.random.fork_rng():  # a run taken up needs the same decoder
        torch.manual_seed(PUBLIC_SEED)
        decoder = Decoder(classifier.encoder.embeddings.word_embeddings.weight)
    states, truths = _public_states(classifier, windows, masking)
    if not len(truths):
        return decoder
    generator = torch.Generator().manual_seed(PUBLIC_SEED)
    counts = torch.bincount(truths, minlength=masking.words).float()
    with torch.no_grad():
        decoder.bias.copy_(((counts + 0.1) / (counts.sum() + 0.1 * masking.words)).log())
    others = torch.randperm(masking.words, generator=generator)[:OTHER_WORDS]
    among = torch.unique(torch.cat([truths, others]))
    rows = torch.searchsorted(among, truths)
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=FIT_RATE)
    steps = max(50, FIT_PASSES * len(rows) // FIT_TOKENS)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        some = torch.randint(len(rows), (FIT_TOKENS,), generator=generator)
        loss = nn.functional.cross_entropy(decoder(states[some], among), rows[some])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        falling.step()
    return decoder


def _public_states(
    classifier: Classifier, windows: Sequence[Window], masking: Masking
) -> tuple[torch.Tensor, torch.Tensor]:
    masked = [masking.masked(w, turn) for turn in range(SEEN_AGAIN) for w in windows]
    states, truths = [], []
    with torch.no_grad():
        for some in _in_batches(sorted(masked, key=lambda w: len(w.ids))):
            read = classifier.states(*padded_windows(some, device_of(classifier)))
            hidden, true, _ = hidden_states(read, some)
            states.append(hidden)
            truths.append(true)
    return (torch.cat(states), torch.cat(truths)) if states else (torch.empty(0), torch.empty(0))


def _in_batches(windows: Sequence[MaskedWindow], size: int = 16) -> Iterator[Sequence[MaskedWindow]]:
    return (windows[start : start + size] for start in range(0, len(windows), size))


def _fingerprint(window: Window) -> int:
    told = hashlib.blake2b(np.array(window.ids, np.int64).tobytes(), digest_size=8)
    return int.from_bytes(told.digest(), "big")
