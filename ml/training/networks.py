"""What a trainer differentiates: from a batch of parts to logits, from tokens or from cached states."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from torch import nn

from ml.text.tokenizer import Window, batches_by_length
from ml.training.classifier import Classifier, pool
from ml.training.devices import device_of, sent
from ml.training.encoder import Seen, added_to_scores
from ml.training.masked_words import MaskedWordsNetwork
from ml.training.patient_batches import Part, packed_windows, padded_windows
from ml.training.segments import Segments


class Labelled(nn.Module):
    """A network whose parts each have a label to name; `reads_states` where they are cached states."""

    reads_states = False

    def collate(self, parts: Sequence[Part]) -> tuple[torch.Tensor, ...]:
        """What `forward` takes, for these parts, padded to the longest."""
        raise NotImplementedError

    def pack(self, parts: Sequence[Part]) -> tuple[Any, ...]:
        """What `forward` takes, for these parts end to end, in one row: nothing is padding."""
        return self.collate(parts)

    def losses(self, parts: Sequence[Part], labels: torch.Tensor, *, packed: bool = False) -> torch.Tensor:
        """The cross-entropy of each part, (parts,)."""
        logits = self(*(self.pack(parts) if packed else self.collate(parts)))
        return nn.functional.cross_entropy(logits, labels, reduction="none")


class TokenNetwork(Labelled):
    """The whole classifier, read from token windows."""

    def __init__(self, classifier: Classifier):
        super().__init__()
        self.classifier = classifier

    def collate(self, parts: Sequence[Part]) -> tuple[torch.Tensor, ...]:
        """Padded ids, mask and positions, each (parts, tokens)."""
        return padded_windows([cast(Window, part) for part in parts], device_of(self))

    def pack(self, parts: Sequence[Part]) -> tuple[Any, ...]:
        """Ids (1, tokens), the windows' segments and positions (1, tokens)."""
        return packed_windows([cast(Window, part) for part in parts], device_of(self))

    def forward(self, ids: torch.Tensor, seen: Seen, positions: torch.Tensor) -> torch.Tensor:
        """Logits (parts, labels)."""
        logits: torch.Tensor = self.classifier(ids, seen, positions)
        return logits


class TopNetwork(Labelled):
    """The last encoder layer and what follows it, read from the cached states before it."""

    reads_states = True

    def __init__(self, classifier: Classifier):
        super().__init__()
        self.layer = classifier.encoder.blocks[-1]
        self.gate = classifier.gate
        self.head = classifier.head

    def collate(self, parts: Sequence[Part]) -> tuple[torch.Tensor, ...]:
        """Padded states (parts, tokens, hidden) and mask (parts, tokens)."""
        states = [cast(torch.Tensor, part) for part in parts]
        padded = nn.utils.rnn.pad_sequence(states, batch_first=True)
        lengths = torch.tensor([len(s) for s in states])
        mask = (torch.arange(padded.shape[1]) < lengths[:, None]).long()
        return padded.to(device_of(self)), mask.to(device_of(self))

    def pack(self, parts: Sequence[Part]) -> tuple[Any, ...]:
        """States (1, tokens, hidden) and the windows' segments."""
        states, device = [cast(torch.Tensor, part) for part in parts], device_of(self)
        return sent(torch.cat(states), device).unsqueeze(0), Segments([len(s) for s in states], device)

    def forward(self, states: torch.Tensor, seen: Seen) -> torch.Tensor:
        """Logits (parts, labels)."""
        logits: torch.Tensor = self.head(self.pooled(states, seen))
        return logits

    def pooled(self, states: torch.Tensor, seen: Seen) -> torch.Tensor:
        """Features (parts, hidden), each of norm sqrt(hidden)."""
        last = self.layer(states, added_to_scores(seen))
        return pool(last, self.gate(last), seen)


Network = TokenNetwork | TopNetwork | MaskedWordsNetwork


def frozen_states(
    classifier: Classifier, windows: Sequence[Window], *, batch_size: int = 16
) -> list[torch.Tensor]:
    """The states (tokens, hidden) of each window before the last layer; they stay in main memory."""
    states: list[torch.Tensor] = [torch.empty(0)] * len(windows)
    for places, read in _before_last(classifier, windows, batch_size):
        for row, place in enumerate(places):
            states[place] = read[row, : len(windows[place].ids)].to("cpu", copy=True)
    return states


def _before_last(
    classifier: Classifier, windows: Sequence[Window], batch_size: int
) -> Iterator[tuple[list[int], torch.Tensor]]:
    encoder = classifier.encoder
    with torch.no_grad():
        for places, batch in batches_by_length(windows, batch_size):
            feed = {n: torch.from_numpy(array).to(device_of(encoder)) for n, array in batch.feed().items()}
            ids, mask = feed["input_ids"], feed["attention_mask"]
            states = encoder.embeddings(ids, feed["position_ids"])
            bias = added_to_scores(mask)
            for block in encoder.blocks[:-1]:
                states = block(states, bias)
            yield places, states
