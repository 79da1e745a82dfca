"""Small trainable layers put into a frozen encoder: adapters and prefixes. They stay in the published model.

Adapter (Houlsby et al. 2019, arXiv 1902.00751): a bottleneck behind each block, x + up(relu(down(x))), `up`
zero at the start. Prefix (Li, Liang 2021, arXiv 2101.00190): keys and values that every token of a layer may
also look at, the values zero at the start. Their tensors are named `...output.adapter.*` and
`...attention.self.prefix.weight`; a classifier whose tensors have such names is built with the layers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import nn

from ml.training.attention_rooms import Rooms
from ml.training.encoder import Encoder, Output, SelfAttention
from ml.training.segments import Segments

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


class AdaptedOutput(Output):
    """The end of half a block with an adapter before the way around joins."""

    def __init__(self, plain: Output, width: int):
        nn.Module.__init__(self)
        self.dense, self.LayerNorm, self.dropout = plain.dense, plain.LayerNorm, plain.dropout
        self.adapter = Adapter(plain.dense.out_features, width)

    def forward(self, changed: torch.Tensor, around: torch.Tensor) -> torch.Tensor:
        """States (*, hidden)."""
        adapted = self.adapter(self.dropout(self.dense(changed)))
        joined: torch.Tensor = self.LayerNorm(adapted + around)
        return joined


class PrefixedAttention(SelfAttention):
    """Self-attention over a window's own tokens and `length` learned ones."""

    def __init__(self, plain: SelfAttention, length: int):
        nn.Module.__init__(self)
        self.query, self.key, self.value, self.dropout = plain.query, plain.key, plain.value, plain.dropout
        self.heads, self.length = plain.heads, length
        width = plain.key.out_features
        self.prefix = nn.Embedding(length, 2 * width)
        nn.init.normal_(self.prefix.weight, std=0.2)
        nn.init.zeros_(self.prefix.weight[:, width:].detach())

    def attend(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, added: torch.Tensor
    ) -> torch.Tensor:
        """The prefix stands before each window's own, and is seen."""
        keys, values = self._before(query.shape[0])
        return super().attend(query, torch.cat([keys, key], dim=1), torch.cat([values, value], dim=1), added)

    def attend_windows(
        self,
        query: Sequence[torch.Tensor],
        key: Sequence[torch.Tensor],
        value: Sequence[torch.Tensor],
        rooms: Rooms | Segments,
    ) -> list[torch.Tensor]:
        """The prefix stands before each window's own, and is seen."""
        before = map(rooms.of_windows, self._before(rooms.windows))
        key, value = (
            [torch.cat(both, dim=1) for both in zip(prefix, own, strict=True)]
            for prefix, own in zip(before, (key, value), strict=True)
        )
        return super().attend_windows(query, key, value, rooms)

    def added(self, mask: torch.Tensor) -> torch.Tensor:
        """The prefix is never padding."""
        return nn.functional.pad(mask, (self.length, 0))

    def _before(self, windows: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values (windows, length, hidden)."""
        places = torch.arange(self.length, device=self.prefix.weight.device).unsqueeze(0).repeat(windows, 1)
        keys, values = self.prefix(places).chunk(2, dim=-1)
        return keys, values


def add_adapters(encoder: Encoder, width: int = ADAPTER_WIDTH) -> None:
    """An adapter behind each attention and each feed-forward layer that has none."""
    for block in encoder.blocks:
        for half in (block.attention, block):
            if not isinstance(half.output, AdaptedOutput):
                half.output = AdaptedOutput(half.output, width)


def add_prefixes(encoder: Encoder, length: int = PREFIX_LENGTH) -> None:
    """A prefix in each attention that has none."""
    for block in encoder.blocks:
        if not isinstance(block.attention.self, PrefixedAttention):
            block.attention.self = PrefixedAttention(block.attention.self, length)


def add_named(encoder: Encoder, shapes: Mapping[str, tuple[int, ...]]) -> None:
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
