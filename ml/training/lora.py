"""Low-rank adaptation of the encoder's attention (Hu et al. 2021, arXiv 2106.09685).

Query and value projections W get W + scale * up @ down, with `up` zero at the start; W stays frozen. The
change is merged before a model leaves training, so a published model has no trace of it.
"""

import math

import torch
from torch import nn

from ml.training.classifier import Classifier

TARGETS = ("query", "value")


class LoraLinear(nn.Module):
    """A frozen linear layer with a trainable low-rank change (two plain Linear layers)."""

    def __init__(self, frozen: nn.Linear, *, rank: int, scale: float):
        super().__init__()
        self.frozen = frozen
        self.down = nn.Linear(frozen.in_features, rank, bias=False)
        self.up = nn.Linear(rank, frozen.out_features, bias=False)
        self.scale = scale
        nn.init.kaiming_uniform_(self.down.weight, a=math.sqrt(5))
        nn.init.zeros_(self.up.weight)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """W x + b + scale * up(down(x))."""
        changed: torch.Tensor = self.frozen(inputs) + self.scale * self.up(self.down(inputs))
        return changed


def add_lora(classifier: Classifier, *, rank: int = 4, scale: float = 2.0) -> list[LoraLinear]:
    """Freeze everything, put LoRA on queries and values; the layers, in order."""
    for parameter in classifier.parameters():
        parameter.requires_grad_(False)
    layers: list[LoraLinear] = []
    for block in classifier.encoder.blocks:
        attention = block.attention.self
        for name in TARGETS:
            adapted = LoraLinear(getattr(attention, name), rank=rank, scale=scale)
            setattr(attention, name, adapted)
            layers.append(adapted)
    return layers


def merge_lora(classifier: Classifier) -> None:
    """Fold every change into its frozen layer and take LoRA away again."""
    for block in classifier.encoder.blocks:
        attention = block.attention.self
        for name in TARGETS:
            adapted = getattr(attention, name)
            with torch.no_grad():
                adapted.frozen.weight += adapted.scale * adapted.up.weight @ adapted.down.weight
            setattr(attention, name, adapted.frozen)
