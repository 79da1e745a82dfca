"""Each patient's gradient of one layer, from what went in and came back: its length, and the clipped sum.

A layer's inputs `a` and output gradients `b` are laid out patient by patient, (tokens, width) of each; her
gradient of a Linear weight is b.T @ a over all her tokens. Its squared length is had in two ways:

    written out      |b.T @ a|^2                             costs width_in * width_out a token
    by Gram matrices sum_ts (a_t . a_s) (b_t . b_s)          costs tokens * (width_in + width_out) a token

(Goodfellow 2015, arXiv 1510.01799; Li et al. 2022, arXiv 2110.05679). The cheaper is taken (Bu et al. 2023,
arXiv 2210.00038), writing out somewhat early, since what is written out needs no second product for the
sum. Whatever the size of a pass, it holds at most 4.2 written-out floats for each that came in or back:
1 / (WRITTEN_OUT_FROM * segments.LEAST_FILLED). `risk` bounds what rounding can have hidden where products
nearly cancel: it is 0 where the gradient was written out.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from ml.training.segments import Group, Segments, summed

WRITTEN_OUT_FROM = 0.6  # relative cost of Gram matrices from which the gradient is written out instead
Totals = dict[nn.Parameter, torch.Tensor]
Shares = defaultdict[tuple[int, int], list[torch.Tensor]]


class Scale(nn.Module):
    """A trainable factor for each channel."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Inputs times the factors."""
        return inputs * self.weight


@dataclass(slots=True)
class Pass:
    """One pass over a micro-batch: Gram matrices of shared inputs; once closed, squared lengths (patients).

    Until then shares of lengths are kept by (first patient, patients), to be added up for all layers.
    """

    parts: list[int]  # of each patient
    tokens: list[int]
    squared: torch.Tensor
    risk: torch.Tensor
    grams: dict[tuple[int, int], tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)
    segments: dict[tuple[int, ...], Segments] = field(default_factory=dict)
    lengths: Shares = field(default_factory=lambda: defaultdict(list))
    roots: Shares = field(default_factory=lambda: defaultdict(list))  # of the risk
    thin: list[tuple[nn.Parameter, torch.Tensor]] = field(default_factory=list)  # vectors' own gradients

    @classmethod
    def of(cls, parts: list[int], tokens: list[int], device: torch.device) -> "Pass":
        """An empty one, for patients with so many parts and tokens."""
        zeros = torch.zeros(len(parts), dtype=torch.float64, device=device)
        return cls(parts, tokens, zeros, zeros.clone())

    def rows(self, values: torch.Tensor) -> Segments:
        """Which of the rows of (1, tokens, width), or of (parts, ..., width), are each patient's."""
        count = values.shape[:-1].numel()
        if len(self.parts) == 1:
            lengths = [count]
        else:
            lengths = self.tokens if len(values) == 1 else [count // sum(self.parts) * p for p in self.parts]
        known = self.segments.get(tuple(lengths))
        if known is None:
            known = self.segments[tuple(lengths)] = Segments(lengths, values.device)
        return known

    def padded(self, values: torch.Tensor) -> list[torch.Tensor]:
        """Of each group of patients their (patients, longest, width), with zeros for padding."""
        return self.rows(values).padded(values.reshape(-1, values.shape[-1]))

    def repeated(self, values: torch.Tensor) -> list[torch.Tensor]:
        """The same with a patient's own first row for padding, for what meets zeros there."""
        return self.rows(values).repeated(values.reshape(-1, values.shape[-1]))

    def add_thin(self, parameter: nn.Parameter, own: torch.Tensor) -> None:
        """Count every patient's gradient of a vector, (patients, width); kept until the sum is formed."""
        self.thin.append((parameter, own))

    def add(self, own: torch.Tensor, first: int = 0) -> None:
        """Count gradients that are written out, (patients, ...), of the patients from `first` on."""
        self.lengths[first, len(own)].append(torch.linalg.vector_norm(own.flatten(1), dim=1))

    def close(self) -> None:
        """Add up what was counted, in double precision, and drop the Gram matrices."""
        if self.thin:
            self.add(torch.cat([own for _, own in self.thin], 1))
        for total, shares in ((self.squared, self.lengths), (self.risk, self.roots)):
            for (first, count), each in shares.items():
                total[first : first + count].add_(torch.stack(each).double().square().sum(0))
            shares.clear()
        self.grams.clear()

    def add_thin_to(self, totals: Totals, factors: torch.Tensor) -> None:
        """The vectors' part of the clipped sum, in one product."""
        if self.thin:
            together = factors @ torch.cat([own for _, own in self.thin], 1)
            parts = torch.split(together.double(), [own.shape[1] for _, own in self.thin])
            torch._foreach_add_([totals[parameter] for parameter, _ in self.thin], list(parts))
            self.thin.clear()

    def gram(self, inputs: torch.Tensor, own: torch.Tensor, first: int) -> torch.Tensor:
        """own @ own.T of a group, once for all layers that read the same (queries, keys and values do)."""
        key = inputs.data_ptr(), first
        kept = self.grams.get(key)  # the inputs are kept beside, so their address is not used again
        if kept is None:
            kept = self.grams[key] = (inputs, torch.bmm(own, own.transpose(1, 2)))
        return kept[1]


class Layer(ABC):
    """What is kept of one module during a pass."""

    def __init__(self, module: nn.Module):
        self.module = module
        self.trained = {n: p for n, p in module.named_parameters(recurse=False) if p.requires_grad}
        self._inputs: torch.Tensor | None = None
        self._own: dict[str, torch.Tensor] = {}

    def read(self, inputs: torch.Tensor) -> None:
        """Keep what goes in; a module that is read twice in one pass would need both."""
        if self._inputs is not None:
            raise RuntimeError("a trained module was read twice in one pass")
        self._inputs = inputs.detach()

    @abstractmethod
    def came_back(self, gradient: torch.Tensor, now: Pass) -> None:
        """Count this layer's share of each patient's squared length."""

    def add_to(self, totals: Totals, factors: torch.Tensor) -> None:
        """Add the patients' gradients times their factors, then forget them; the pass adds the vectors."""
        self._add_own(totals, factors)
        self.forget()

    def forget(self) -> None:
        """Drop what was kept."""
        self._inputs = None
        self._own = {}

    def _add_own(self, totals: Totals, factors: torch.Tensor) -> None:
        for name, own in self._own.items():  # of all patients, or of the last
            total = totals[self.trained[name]]
            total.view(-1).add_(factors[-len(own) :] @ own.flatten(1))


class ChannelLayer(Layer):
    """LayerNorm and `Scale`: a factor and a shift for each channel."""

    def came_back(self, gradient: torch.Tensor, now: Pass) -> None:
        """Both are sums over tokens."""
        if "weight" in self.trained:
            now.add_thin(self.trained["weight"], summed(now.padded(gradient * self._standard())))
        if "bias" in self.trained:
            now.add_thin(self.trained["bias"], summed(now.padded(gradient)))
        self._inputs = None

    def _standard(self) -> torch.Tensor:
        assert self._inputs is not None
        if isinstance(self.module, nn.LayerNorm):
            return nn.functional.layer_norm(self._inputs, self.module.normalized_shape, eps=self.module.eps)
        return self._inputs


class EmbeddingLayer(Layer):
    """A table: a patient's gradient has a row for each different id that she has."""

    def __init__(self, module: nn.Embedding):
        super().__init__(module)
        self._size, self._padding = module.num_embeddings, module.padding_idx
        self._keys = torch.empty(0, dtype=torch.long)

    def came_back(self, gradient: torch.Tensor, now: Pass) -> None:
        """Rows of the same id and patient are one sum."""
        assert self._inputs is not None
        self._keys, place = now.rows(gradient).distinct(self._inputs, self._size)
        flat = gradient.reshape(-1, gradient.shape[-1])
        rows = flat.new_zeros(len(self._keys), flat.shape[1]).index_add_(0, place, flat)
        if self._padding is not None:
            rows.masked_fill_((self._keys % self._size == self._padding).unsqueeze(1), 0.0)
        now.squared.index_add_(0, self._keys // self._size, rows.square().sum(1).double())
        self._own["weight"] = rows

    def add_to(self, totals: Totals, factors: torch.Tensor) -> None:
        """The clipped sum."""
        rows = self._own["weight"] * factors[self._keys // self._size].unsqueeze(1)
        totals[self.trained["weight"]].index_add_(0, self._keys % self._size, rows.double())
        self.forget()


class LinearLayer(Layer):
    """A matrix and a bias."""

    def __init__(self, module: nn.Linear):
        super().__init__(module)
        self._gradient = torch.empty(0)
        self._whose = torch.empty(0, dtype=torch.long)  # the patient of each row that is kept

    def came_back(self, gradient: torch.Tensor, now: Pass) -> None:
        """By Gram matrices where these are cheaper, else written out; the smallest patients come first."""
        out = now.padded(gradient)
        if "bias" in self.trained:
            now.add_thin(self.trained["bias"], summed(out))
        if "weight" not in self.trained:
            self._inputs = None
            return
        assert self._inputs is not None
        rows, into = now.rows(gradient), now.repeated(self._inputs)
        dear = (i for i, group in enumerate(rows.groups) if self._cheaper_written_out(group.longest))
        cut = next(dear, len(out))
        for group, b, a in zip(rows.groups[:cut], out, into, strict=False):
            gradients = torch.bmm(b, b.transpose(1, 2))
            _count_by_gram(now.gram(self._inputs, a, group.first), gradients, now, group.first)
        self._write_out(rows.groups[cut:], out[cut:], into[cut:], now)
        kept = sum(sum(group.lengths) for group in rows.groups[:cut])
        self._gradient = gradient.reshape(-1, gradient.shape[-1])[:kept]
        self._inputs = self._inputs.reshape(-1, self._inputs.shape[-1])[:kept] if kept else None
        self._whose = rows.whose[:kept] if kept else self._whose[:0]

    def add_to(self, totals: Totals, factors: torch.Tensor) -> None:
        """The clipped sum; for what was not written out, one product over all tokens."""
        if self._inputs is not None:
            front = self._gradient * factors[self._whose].unsqueeze(1)
            totals[self.trained["weight"]].add_(front.T @ self._inputs)
        super().add_to(totals, factors)

    def forget(self) -> None:
        """Drop what was kept."""
        super().forget()
        self._gradient = torch.empty(0)

    def _write_out(
        self, groups: Sequence[Group], out: Sequence[torch.Tensor], into: Sequence[torch.Tensor], now: Pass
    ) -> None:
        if not groups:
            return
        weight, first = self.trained["weight"], groups[0].first
        own = self._own["weight"] = weight.new_empty(groups[-1].last - first, *weight.shape)
        for group, b, a in zip(groups, out, into, strict=True):
            theirs = own[group.first - first : group.last - first]
            torch.bmm(b.transpose(1, 2), a, out=theirs)
            now.add(theirs, group.first)  # while it is still in a processor's cache

    def _cheaper_written_out(self, tokens: int) -> bool:
        width_out, width_in = self.trained["weight"].shape
        return tokens * (width_in + width_out) >= WRITTEN_OUT_FROM * width_in * width_out


def layer_of(module: nn.Module) -> Layer | None:
    """The bookkeeper of a module's own parameters; None for a kind that is not known."""
    if isinstance(module, nn.Linear):
        return LinearLayer(module)
    if isinstance(module, nn.Embedding):
        return EmbeddingLayer(module)
    if isinstance(module, nn.LayerNorm | Scale):
        return ChannelLayer(module)
    return None


def _count_by_gram(inputs: torch.Tensor, gradients: torch.Tensor, now: Pass, first: int) -> None:
    """Of a group's Gram matrices, each (patients, longest, longest)."""
    products = torch.bmm(inputs.flatten(1).unsqueeze(1), gradients.flatten(1).unsqueeze(2))
    now.squared[first : first + len(inputs)].add_(products.flatten())
    lengths = inputs.diagonal(dim1=1, dim2=2) * gradients.diagonal(dim1=1, dim2=2)
    now.roots[first, len(inputs)].append(lengths.clamp(min=0).sqrt().sum(1))
