"""BERT's encoder (Devlin et al. 2019, arXiv 1810.04805), its tensors named as in BERT's published files.

It reads padded windows, (windows, tokens), under a mask, which is what is exported; or windows laid end to
end in one row, (1, tokens), as segments: nothing is padding, and each window attends by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec
import torch
from torch import nn

from ml.errors import ModelFileError
from ml.training.attention_rooms import Rooms
from ml.training.segments import Segments

Seen = torch.Tensor | Segments  # a mask, or what it adds to scores; or windows end to end


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """What an encoder's `config.json` says of its shape; what it leaves out is as in BERT."""

    hidden_size: int
    vocab_size: int = 30522
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12
    pad_token_id: int | None = 0
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    initializer_range: float = 0.02

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> "EncoderConfig":
        """Raises ModelFileError for a config that is not of a BERT as this one is."""
        try:
            found = msgspec.convert(dict(config), cls)
        except msgspec.ValidationError as error:
            raise ModelFileError(f"the encoder's config does not fit; name another one: {error}") from None
        if found.hidden_act != "gelu":
            raise ModelFileError(f"an encoder with {found.hidden_act!r} is not known; name one with 'gelu'")
        if found.num_attention_heads < 1 or found.hidden_size % found.num_attention_heads:
            raise ModelFileError("the encoder's heads do not share its width; name another encoder")
        return found


class Encoder(nn.Module):
    """From token ids to token states."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.encoder = Blocks(config)
        self.apply(lambda module: _start(module, config.initializer_range))

    @property
    def blocks(self) -> list["Block"]:
        """From the first to the last."""
        return cast("list[Block]", list(self.encoder.layer))

    def forward(self, ids: torch.Tensor, positions: torch.Tensor, seen: Seen) -> torch.Tensor:
        """States (windows, tokens, hidden), or (1, tokens, hidden) of windows end to end."""
        states: torch.Tensor = self.embeddings(ids, positions)
        for block in self.blocks:
            states = block(states, seen)
        return states


class Embeddings(nn.Module):
    """The sum of a token's word, of its place and of the first token type."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        width = config.hidden_size
        self.word_embeddings = nn.Embedding(config.vocab_size, width, padding_idx=config.pad_token_id)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, width)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, width)
        self.LayerNorm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """States (*ids, hidden) before the first block."""
        states = self.word_embeddings(ids) + self.token_type_embeddings(torch.zeros_like(ids))
        normed: torch.Tensor = self.dropout(self.LayerNorm(states + self.position_embeddings(positions)))
        return normed


class SelfAttention(nn.Module):
    """Every token of a window looks at every other."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        width = config.hidden_size
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)
        self.heads = config.num_attention_heads

    def forward(self, states: torch.Tensor, seen: Seen) -> torch.Tensor:
        """As the states, (windows, tokens, hidden)."""
        query, key, value = self.query(states), self.key(states), self.value(states)
        if not isinstance(seen, Segments):
            return self.attend(query, key, value, seen)
        rooms = seen.rooms
        queries, keys, values = (rooms.padded(part.flatten(0, 1)) for part in (query, key, value))
        return rooms.joined(self.attend_windows(queries, keys, values, rooms)).unsqueeze(0)

    def attend(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, added: torch.Tensor
    ) -> torch.Tensor:
        """Of padded windows, written out, which exports without a loss of speed in ONNX Runtime."""
        query, key, value = self._by_head(query), self._by_head(key), self._by_head(value)
        scores = torch.matmul(query, key.transpose(2, 3)) * query.shape[-1] ** -0.5 + self.added(added)
        mixed = torch.matmul(self.dropout(nn.functional.softmax(scores, dim=-1)), value)
        return mixed.transpose(1, 2).flatten(2)

    def attend_windows(
        self,
        query: Sequence[torch.Tensor],
        key: Sequence[torch.Tensor],
        value: Sequence[torch.Tensor],
        rooms: Rooms | Segments,
    ) -> list[torch.Tensor]:
        """Room by room, each (windows, longest, hidden); torch's own attention writes no scores out."""
        lost = self.dropout.p if self.dropout.training else 0.0
        mixed = []
        for *group, mask in zip(query, key, value, rooms.masks, strict=True):
            q, k, v = map(self._by_head, group)
            mask = None if mask is None else self.added(mask)
            one = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=lost)
            mixed.append(one.transpose(1, 2).flatten(2))
        return mixed

    def added(self, mask: torch.Tensor) -> torch.Tensor:
        """What a mask of the windows' tokens adds to the scores of all keys."""
        return mask

    def _by_head(self, states: torch.Tensor) -> torch.Tensor:
        return states.view(*states.shape[:2], self.heads, -1).transpose(1, 2)


class Output(nn.Module):
    """The end of half a block: back to the hidden width, and the way around joins."""

    def __init__(self, width_in: int, config: EncoderConfig):
        super().__init__()
        self.dense = nn.Linear(width_in, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, changed: torch.Tensor, around: torch.Tensor) -> torch.Tensor:
        """States (*, hidden)."""
        joined: torch.Tensor = self.LayerNorm(self.dropout(self.dense(changed)) + around)
        return joined


class Attention(nn.Module):
    """The first half of a block."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.self = SelfAttention(config)
        self.output = Output(config.hidden_size, config)

    def forward(self, states: torch.Tensor, seen: Seen) -> torch.Tensor:
        """As the states."""
        joined: torch.Tensor = self.output(self.self(states, seen), states)
        return joined


class Intermediate(nn.Module):
    """The wide layer of a block's second half."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.intermediate_size)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """States (*, intermediate)."""
        return nn.functional.gelu(self.dense(states))


class Block(nn.Module):
    """Attention, then two dense layers; each with a way around."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.attention = Attention(config)
        self.intermediate = Intermediate(config)
        self.output = Output(config.intermediate_size, config)

    def forward(self, states: torch.Tensor, seen: Seen) -> torch.Tensor:
        """As the states."""
        attended = self.attention(states, seen)
        closed: torch.Tensor = self.output(self.intermediate(attended), attended)
        return closed


class Blocks(nn.Module):
    """All blocks, under the name that the files give them."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.layer = nn.ModuleList([Block(config) for _ in range(config.num_hidden_layers)])


def added_to_scores(mask: Seen) -> Seen:
    """Of a mask (batch, sequence): (batch, 1, 1, sequence), 0 for a token, else the lowest; segments stay."""
    if isinstance(mask, Segments):
        return mask
    padding = 1 - mask[:, None, None, :].to(torch.float32)
    return padding * torch.finfo(torch.float32).min


def _start(module: nn.Module, deviation: float) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=deviation)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
    if isinstance(module, nn.Embedding) and module.padding_idx is not None:
        nn.init.zeros_(module.weight[module.padding_idx].detach())
