"""Small trainable layers put into a frozen encoder: adapters and prefixes. They stay in the published model.

Adapter (Houlsby et al. 2019, arXiv 1902.00751): a bottleneck behind each block, x + up(relu(down(x))), `up`
zero at the start. Prefix (Li, Liang 2021, arXiv 2101.00190): keys and values that every token of a layer may
also look at, the values zero at the start. Their tensors are named `...output.adapter.*` and
`...attention.self.prefix.weight`; a classifier whose tensors have such names is built with the layers.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import nn
from transformers import BertModel

ADAPTER, PREFIX = ".output.adapter.", ".attention.self.prefix."
ADAPTER_WIDTH, PREFIX_LENGTH = 16, 4


class Adapter(nn.Module):
    """A bottleneck with a way around it."""

    def __init__(self, hidden: int, width: int):
        super().__init__()
        self.down = nn.Linear(hidden, width)
        self.up = nn.Linear(width, hidden)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """x + up(relu(down(x)))."""
        changed: torch.Tensor = states + self.up(torch.relu(self.down(states)))
        return changed


class AdaptedOutput(nn.Module):
    """BERT's end of a block with an adapter before the way around joins."""

    def __init__(self, plain: Any, width: int):
        super().__init__()
        self.dense, self.LayerNorm, self.dropout = plain.dense, plain.LayerNorm, plain.dropout
        self.adapter = Adapter(plain.dense.out_features, width)

    def forward(self, hidden_states: torch.Tensor, input_tensor: torch.Tensor) -> torch.Tensor:
        """As BertOutput and BertSelfOutput, adapted."""
        changed = self.adapter(self.dropout(self.dense(hidden_states)))
        joined: torch.Tensor = self.LayerNorm(changed + input_tensor)
        return joined


class PrefixedAttention(nn.Module):
    """BERT's self-attention over a layer's own tokens and `length` learned ones."""

    def __init__(self, plain: Any, length: int):
        super().__init__()
        self.query, self.key, self.value, self.dropout = plain.query, plain.key, plain.value, plain.dropout
        self.heads, self.length = plain.num_attention_heads, length
        self.prefix = nn.Embedding(length, 2 * plain.all_head_size)
        nn.init.normal_(self.prefix.weight, std=0.2)
        nn.init.zeros_(self.prefix.weight[:, plain.all_head_size :].detach())

    def forward(
        self, hidden_states: torch.Tensor, attention_mask: torch.Tensor, **_: Any
    ) -> tuple[torch.Tensor, None]:
        """States (batch, tokens, hidden); the mask is what is added to scores, (batch, 1, 1, tokens)."""
        batch = hidden_states.shape[0]
        places = torch.arange(self.length, device=hidden_states.device).unsqueeze(0).repeat(batch, 1)
        keys, values = self.prefix(places).chunk(2, dim=-1)
        query = self._by_head(self.query(hidden_states))
        key = self._by_head(torch.cat([keys, self.key(hidden_states)], dim=1))
        value = self._by_head(torch.cat([values, self.value(hidden_states)], dim=1))
        seen = nn.functional.pad(attention_mask, (self.length, 0))
        scores = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5 + seen
        mixed = self.dropout(scores.softmax(-1)) @ value
        return mixed.transpose(1, 2).flatten(2), None

    def _by_head(self, states: torch.Tensor) -> torch.Tensor:
        return states.view(*states.shape[:2], self.heads, -1).transpose(1, 2)


def add_adapters(encoder: BertModel, width: int = ADAPTER_WIDTH) -> None:
    """An adapter behind each attention and each feed-forward block that has none."""
    for layer in encoder.encoder.layer:
        for block in (layer.attention, layer):
            if not isinstance(block.output, AdaptedOutput):
                block.output = AdaptedOutput(block.output, width)


def add_prefixes(encoder: BertModel, length: int = PREFIX_LENGTH) -> None:
    """A prefix in each attention that has none."""
    for layer in encoder.encoder.layer:
        if not isinstance(layer.attention.self, PrefixedAttention):
            layer.attention.self = PrefixedAttention(layer.attention.self, length)


def add_named(encoder: BertModel, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Put in what tensors of these names and shapes need."""
    widths = {shape[0] for name, shape in shapes.items() if name.endswith(f"{ADAPTER}down.bias")}
    lengths = {shape[0] for name, shape in shapes.items() if PREFIX in name}
    for width in widths:
        add_adapters(encoder, width)
    for length in lengths:
        add_prefixes(encoder, length)


def added_names(names: Iterable[str]) -> Iterator[str]:
    """Those of the names that belong to adapters and prefixes."""
    return (name for name in names if ADAPTER in name or PREFIX in name)
