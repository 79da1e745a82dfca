"""Low-rank adaptation that keeps its ranks where they count (AdaLoRA, Zhang et al. 2023, arXiv 2303.10512).

Query and value projections W get W + scale * left @ diag(values) @ right, the values zero at the start. A
rank is a column of `left`, its value and a row of `right`. While training goes on, the values of the ranks
that count least are set to zero, until RANK of START_RANK are left on average. What counts is
judged as peft judges it, by parameter times gradient, smoothed. The gradients are those that the optimizer
takes, noise included: what is kept is made of released numbers alone, and costs no budget. So is the pull
that keeps `left` and `right` near to orthonormal, which reads the parameters only.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from ml.training.classifier import Classifier
from ml.training.lora import TARGETS
from ml.training.own_gradients import Scale

START_RANK, RANK = 6, 3
WARM_UP, SETTLED = 0.2, 0.3  # of the steps: before the first rank is given up, and after the last
SMOOTHING = 0.85  # of importance and of its uncertainty
PULL = 0.5  # towards orthonormal


class AdaLoraLinear(nn.Module):
    """A frozen linear layer with a trainable change in the shape of a singular value decomposition."""

    def __init__(self, frozen: nn.Linear, *, rank: int, scale: float):
        super().__init__()
        self.frozen, self.scale = frozen, scale
        self.right = nn.Linear(frozen.in_features, rank, bias=False)
        self.values = Scale(rank)
        self.left = nn.Linear(rank, frozen.out_features, bias=False)
        nn.init.orthogonal_(self.right.weight)
        nn.init.zeros_(self.values.weight)
        nn.init.orthogonal_(self.left.weight)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """W x + b + scale * left(values * right(x))."""
        change = self.left(self.values(self.right(inputs)))
        changed: torch.Tensor = self.frozen(inputs) + self.scale * change
        return changed

    def parts(self) -> tuple[torch.Tensor, nn.Parameter, torch.Tensor]:
        """Left (out, ranks), values (ranks) and right (ranks, in)."""
        return self.left.weight, self.values.weight, self.right.weight


class RankAllocator:
    """Gives up ranks between steps by what the optimizer took; sees no patient, and no sum without noise."""

    def __init__(self, layers: Sequence[AdaLoraLinear], *, steps: int, rank: int = RANK):
        self._layers, self._steps, self._done = layers, steps, 0
        self._whole = sum(len(layer.values.weight) for layer in layers)
        self._wanted = min(self._whole, rank * len(layers))
        self._all = [part for layer in layers for part in layer.parts()]
        self._importance = [torch.zeros_like(part) for part in self._all]
        self._uncertainty = [torch.zeros_like(part) for part in self._all]

    def pull(self) -> None:
        """Add to the released gradients what keeps the vectors of a layer near to orthonormal."""
        share = PULL / (2 * len(self._layers))
        for layer in self._layers:
            left, _, right = layer.parts()
            for part, rows in ((left, left.detach().T), (right, right.detach())):
                away = rows @ rows.T - torch.eye(len(rows), device=rows.device)
                slope = 2 * share * away @ rows / away.norm().clamp(min=1e-12)
                assert part.grad is not None
                part.grad += slope.T if part is left else slope

    def follow(self) -> None:
        """After the optimizer's step: judge what each number counted, and keep within the budget."""
        self._done += 1
        if self._done < self._steps - settled_steps(self._steps):
            self._judge()
        kept = rank_budget(self._done, self._steps, whole=self._whole, wanted=self._wanted)
        if kept < self._whole:
            self._keep(kept)

    def scores(self) -> list[torch.Tensor]:
        """What each rank counts, a vector for each layer."""
        each = [i * u for i, u in zip(self._importance, self._uncertainty, strict=True)]
        triples = zip(each[0::3], each[1::3], each[2::3], strict=True)
        return [left.mean(0) + values + right.mean(1) for left, values, right in triples]

    def state(self) -> dict[str, torch.Tensor]:
        """What it needs to go on; all of it comes from noised numbers."""
        kept = {"done": torch.tensor([self._done])}
        for i, (importance, uncertainty) in enumerate(zip(self._importance, self._uncertainty, strict=True)):
            kept |= {f"{i}.importance": importance, f"{i}.uncertainty": uncertainty}
        return kept

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on from a state."""
        self._done = int(state["done"][0])
        for i in range(len(self._all)):
            self._importance[i].copy_(state[f"{i}.importance"])
            self._uncertainty[i].copy_(state[f"{i}.uncertainty"])

    def _judge(self) -> None:
        for part, importance, uncertainty in zip(self._all, self._importance, self._uncertainty, strict=True):
            assert part.grad is not None
            now = (part.detach() * part.grad).abs()
            importance.lerp_(now, 1 - SMOOTHING)
            uncertainty.lerp_((now - importance).abs(), 1 - SMOOTHING)

    def _keep(self, kept: int) -> None:
        scores = self.scores()
        given_up = torch.zeros(self._whole, dtype=torch.bool, device=scores[0].device)
        given_up[torch.cat(scores).argsort(stable=True)[: self._whole - kept]] = True  # of equals the first
        with torch.no_grad():
            for layer, gone in zip(
                self._layers, torch.split(given_up, [len(s) for s in scores]), strict=True
            ):
                layer.values.weight[gone] = 0


def settled_steps(steps: int) -> int:
    """How many steps at the end only tune what was kept."""
    return round(SETTLED * steps)


def rank_budget(step: int, steps: int, *, whole: int, wanted: int) -> int:
    """How many ranks may be left after `step` of `steps`: all, then fewer along a cubic, then `wanted`."""
    warm, settled = round(WARM_UP * steps), settled_steps(steps)
    if step <= warm:
        return whole
    if step > steps - settled:
        return wanted
    left = 1 - (step - warm) / (steps - settled - warm)
    return int((whole - wanted) * left**3 + wanted)


def add_adalora(classifier: Classifier, *, rank: int = START_RANK, scale: float = 16.0) -> None:
    """Freeze everything and put AdaLoRA on queries and values."""
    for parameter in classifier.parameters():
        parameter.requires_grad_(False)
    for block in classifier.encoder.blocks:
        attention = block.attention.self
        for name in TARGETS:
            setattr(attention, name, AdaLoraLinear(getattr(attention, name), rank=rank, scale=scale))


def allocate_ranks(classifier: Classifier, steps: int) -> RankAllocator:
    """The allocator of a classifier with AdaLoRA, for a run of so many steps."""
    return RankAllocator([m for m in classifier.modules() if isinstance(m, AdaLoraLinear)], steps=steps)


def merge_adalora(classifier: Classifier) -> None:
    """Fold every change into its frozen layer and take AdaLoRA away again."""
    for block in classifier.encoder.blocks:
        attention = block.attention.self
        for name in TARGETS:
            adapted = getattr(attention, name)
            left, values, right = adapted.parts()
            with torch.no_grad():
                adapted.frozen.weight += adapted.scale * left * values @ right
            setattr(attention, name, adapted.frozen)
