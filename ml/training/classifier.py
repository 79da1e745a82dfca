"""The text classifier: a BERT encoder, gated mean pooling, and one linear row for each disease.

    g_t      = sigmoid(gate(h_t))                      how much token t speaks of a finding
    features = sqrt(hidden) * m / |m|,  m = sum_t g_t h_t
    logits   = head(features)

The gate keeps the prose around the findings out of the sum; with zero weights the pooling is the
plain mean. The features have one fixed norm, so no note weighs more than another in a gradient.
Parameters are named `encoder.*`, `gate.*`, `head.weight`, `head.bias` in every model file.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save
from torch import nn

from ml.errors import ModelFileError
from ml.text.tokenizer import TextTokenizer, Window, batches_by_length
from ml.training.added_layers import add_named
from ml.training.encoder import Encoder, EncoderConfig, Seen, added_to_scores
from ml.training.segments import Segments

HEAD_WEIGHT = "head.weight"
HEAD_BIAS = "head.bias"
GATE_WEIGHT = "gate.weight"
GATE_BIAS = "gate.bias"
READ_AT_ONCE = 32  # windows

Features = np.ndarray[Any, np.dtype[np.float32]]


class Classifier(nn.Module):
    """Logits over `labels` (disease ids) for a batch of token windows."""

    def __init__(self, encoder_config: Mapping[str, Any], labels: Sequence[str]):
        super().__init__()
        config = EncoderConfig.read(encoder_config)
        self.encoder = Encoder(config)
        self.gate = nn.Linear(config.hidden_size, 1)
        self.head = nn.Linear(config.hidden_size, len(labels))
        self.labels = tuple(labels)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: Seen,
        position_ids: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Logits of shape (batch, labels)."""
        logits: torch.Tensor = self.head(self.pooled(input_ids, attention_mask, position_ids))
        return logits

    def pooled(
        self,
        input_ids: torch.Tensor,
        attention_mask: Seen,
        position_ids: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Features of shape (batch, hidden), each of norm sqrt(hidden)."""
        states = self.states(input_ids, attention_mask, position_ids)
        return pool(states, self.gate(states), attention_mask)

    def states(
        self,
        input_ids: torch.Tensor,
        attention_mask: Seen,
        position_ids: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Token states of shape (batch, sequence, hidden); windows end to end need their positions."""
        if position_ids is None:
            positions = torch.arange(input_ids.shape[1], device=input_ids.device)
            position_ids = positions.unsqueeze(0).repeat(input_ids.shape[0], 1)
        states: torch.Tensor = self.encoder(input_ids, position_ids, added_to_scores(attention_mask))
        return states


def pool(states: torch.Tensor, gate_logits: torch.Tensor, seen: Seen) -> torch.Tensor:
    """Each window's gated sum of token states (batch, sequence, hidden), scaled to norm sqrt(hidden)."""
    weights = torch.sigmoid(gate_logits)
    if isinstance(seen, Segments):
        total = seen.sums((states * weights).flatten(0, 1))
    else:
        total = (states * (weights * seen.unsqueeze(-1).to(states.dtype))).sum(1)
    return math.sqrt(states.shape[-1]) * nn.functional.normalize(total, dim=-1)


def build_classifier(
    tensors: Mapping[str, np.ndarray[Any, Any]],
    labels: Sequence[str],
    encoder_config: Mapping[str, Any],
) -> Classifier:
    """A classifier in evaluation mode with these tensors; refuses missing or foreign names.

    Without a gate among the tensors its weights are zero: plain mean pooling. Adapters and prefixes are
    put in where the tensors have them.
    """
    classifier = Classifier(encoder_config, labels)
    add_named(classifier.encoder, {name: value.shape for name, value in tensors.items()})
    hidden = classifier.head.in_features
    open_gate = {GATE_WEIGHT: np.zeros((1, hidden), np.float32), GATE_BIAS: np.zeros(1, np.float32)}
    state = {
        name: torch.tensor(np.ascontiguousarray(value)) for name, value in (open_gate | dict(tensors)).items()
    }
    try:
        classifier.load_state_dict(state, strict=True)
    except RuntimeError as error:
        problem = " ".join(str(error).split())[:300]
        raise ModelFileError(
            f"the tensors do not fit the classifier; use another version: {problem}"
        ) from None
    return classifier.eval()


def encode_texts(
    classifier: Classifier,
    tokenizer: TextTokenizer,
    texts: Sequence[str],
    *,
    batch_size: int = READ_AT_ONCE,
) -> Features:
    """Frozen features (texts, hidden) to cache: a text's windows are averaged and rescaled."""
    windows = tokenizer.windows(texts)
    with torch.inference_mode():
        features = window_features(classifier, windows, batch_size=batch_size)
    return text_features(windows, features, len(texts))


def window_features(
    classifier: Classifier, windows: Sequence[Window], *, batch_size: int = READ_AT_ONCE
) -> Features:
    """Of each window (windows, hidden), by the classifier as it is; no gradient may be wanted."""
    found = np.zeros((len(windows), classifier.head.in_features), dtype=np.float32)
    device = classifier.head.weight.device
    for places, batch in batches_by_length(windows, batch_size):
        feed = {name: torch.from_numpy(array).to(device) for name, array in batch.feed().items()}
        found[places] = classifier.pooled(**feed).cpu().numpy()
    return found


def text_features(windows: Sequence[Window], features: Features, count: int) -> Features:
    """Of `count` texts: their windows' (windows, hidden) by length averaged, and rescaled."""
    hidden = features.shape[1]
    total = np.zeros((count, hidden), dtype=np.float32)
    for window, own in zip(windows, features, strict=True):
        total[window.text_index] += own * len(window.ids)
    norms = np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
    found: Features = total * np.float32(math.sqrt(hidden)) / norms
    return found


def changed_tensors(classifier: Classifier, before: Mapping[str, np.ndarray[Any, Any]]) -> bytes:
    """Safetensors of every tensor that differs from `before`, in full, sorted by name."""
    after = {name: value.detach().cpu().numpy() for name, value in classifier.state_dict().items()}
    changed = {
        name: np.ascontiguousarray(after[name])
        for name in sorted(after)
        if name not in before or not np.array_equal(after[name], before[name])
    }
    data: bytes = save(changed)
    return data
