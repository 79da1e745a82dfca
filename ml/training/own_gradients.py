"""Each patient's gradient of one layer, from what went in and came back: its length, and the clipped sum.

A layer's inputs `a` and output gradients `b` are laid out patient by patient, (patients, tokens, width); a
patient's gradient of a Linear weight is b.T @ a over all her tokens. Its squared length is had in two ways:

    written out      |b.T @ a|^2                             costs width_in * width_out a token
    by Gram matrices sum_ts (a_t . a_s) (b_t . b_s)          costs tokens * (width_in + width_out) a token

(Goodfellow 2015, arXiv 1510.01799; Li et al. 2022, arXiv 2110.05679). The cheaper is taken (Bu et al. 2023,
arXiv 2210.00038), writing out somewhat early, since what is written out needs no second product for the
sum. `risk` bounds what rounding can have hidden where products nearly cancel: it is 0 where
the gradient was written out.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import nn

WRITTEN_OUT_FROM = 0.6  # relative cost of Gram matrices from which the gradient is written out instead
Totals = dict[nn.Parameter, torch.Tensor]


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
    """One pass over a micro-batch: squared lengths (patients) so far, and Gram matrices of shared inputs."""

    patients: int
    squared: torch.Tensor
    risk: torch.Tensor
    grams: dict[int, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)  # by address

    @classmethod
    def of(cls, patients: int) -> "Pass":
        """An empty one."""
        zeros = torch.zeros(patients, dtype=torch.float64)
        return cls(patients, zeros, zeros.clone())

    def add(self, own: torch.Tensor) -> None:
        """Count gradients that are written out, (patients, ...)."""
        self.squared += torch.linalg.vector_norm(own.flatten(1), dim=1).double().square()

    def gram(self, inputs: torch.Tensor) -> torch.Tensor:
        """a @ a.T, once for all layers that read the same tensor (queries, keys and values do)."""
        kept = self.grams.get(inputs.data_ptr())  # it is kept beside, so its address is not used again
        if kept is None:
            a = inputs.reshape(self.patients, -1, inputs.shape[-1])
            kept = self.grams[inputs.data_ptr()] = (inputs, a @ a.mT)
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

    @abstractmethod
    def add_to(self, totals: Totals, factors: torch.Tensor) -> None:
        """Add the patients' gradients times their factors, then forget them."""

    def forget(self) -> None:
        """Drop what was kept."""
        self._inputs = None
        self._own = {}

    def _add_own(self, totals: Totals, factors: torch.Tensor) -> None:
        for name, own in self._own.items():
            total = totals[self.trained[name]]
            total.view(-1).addmv_(own.flatten(1).T, factors)


class ChannelLayer(Layer):
    """LayerNorm and `Scale`: a factor and a shift for each channel."""

    def came_back(self, gradient: torch.Tensor, now: Pass) -> None:
        """Both are sums over tokens."""
        if "weight" in self.trained:
            self._own["weight"] = _by_patient(gradient * self._standard(), now.patients).sum(1)
        if "bias" in self.trained:
            self._own["bias"] = _by_patient(gradient, now.patients).sum(1)
        for own in self._own.values():
            now.add(own)
        self._inputs = None

    def add_to(self, totals: Totals, factors: torch.Tensor) -> None:
        """The clipped sum."""
        self._add_own(totals, factors)
        self.forget()

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
        ids = self._inputs.reshape(now.patients, -1)
        whose = torch.arange(now.patients).unsqueeze(1)
        self._keys, place = torch.unique((whose * self._size + ids).reshape(-1), return_inverse=True)
        flat = gradient.reshape(-1, gradient.shape[-1])
        rows = flat.new_zeros(len(self._keys), flat.shape[1]).index_add_(0, place, flat)
        if self._padding is not None:
            rows[self._keys % self._size == self._padding] = 0
        now.squared.index_add_(0, self._keys // self._size, rows.square().sum(1).double())
        self._own["weight"] = rows

    def add_to(self, totals: Totals, factors: torch.Tensor) -> None:
        """The clipped sum."""
        rows = self._own["weight"] * factors[self._keys // self._size].unsqueeze(1)
        totals[self.trained["weight"]].index_add_(0, self._keys % self._size, rows)
        self.forget()


class LinearLayer(Layer):
    """A matrix and a bias."""

    def __init__(self, module: nn.Linear):
        super().__init__(module)
        self._gradient = torch.empty(0)

    def came_back(self, gradient: torch.Tensor, now: Pass) -> None:
        """By Gram matrices where these are cheaper, else written out and kept instead of inputs."""
        b = _by_patient(gradient, now.patients)
        if "bias" in self.trained:
            self._own["bias"] = b.sum(1)
            now.add(self._own["bias"])
        if "weight" not in self.trained:
            self._inputs = None
            return
        assert self._inputs is not None
        width_in, width_out, tokens = self._inputs.shape[-1], b.shape[-1], b.shape[1]
        if tokens * (width_in + width_out) < WRITTEN_OUT_FROM * width_in * width_out:
            self._gradient = b
            _count_by_gram(now.gram(self._inputs), b @ b.mT, now)
            return
        self._own["weight"] = b.mT @ _by_patient(self._inputs, now.patients)
        now.add(self._own["weight"])
        self._inputs = None

    def add_to(self, totals: Totals, factors: torch.Tensor) -> None:
        """The clipped sum; for what was not written out, one product over all tokens."""
        if self._inputs is not None:
            b = (self._gradient * factors.view(-1, 1, 1)).flatten(0, 1)
            totals[self.trained["weight"]].addmm_(b.T, self._inputs.reshape(-1, self._inputs.shape[-1]))
        self._add_own(totals, factors)
        self.forget()

    def forget(self) -> None:
        """Drop what was kept."""
        super().forget()
        self._gradient = torch.empty(0)


def layer_of(module: nn.Module) -> Layer | None:
    """The bookkeeper of a module's own parameters; None for a kind that is not known."""
    if isinstance(module, nn.Linear):
        return LinearLayer(module)
    if isinstance(module, nn.Embedding):
        return EmbeddingLayer(module)
    if isinstance(module, nn.LayerNorm | Scale):
        return ChannelLayer(module)
    return None


def _by_patient(values: torch.Tensor, patients: int) -> torch.Tensor:
    return values.reshape(patients, -1, values.shape[-1])


def _count_by_gram(inputs: torch.Tensor, gradients: torch.Tensor, now: Pass) -> None:
    flat_in, flat_out = inputs.flatten(1), gradients.flatten(1)
    squared = (flat_in.unsqueeze(1) @ flat_out.unsqueeze(2)).view(-1)
    lengths = inputs.diagonal(dim1=1, dim2=2) * gradients.diagonal(dim1=1, dim2=2)
    now.squared += squared.double()
    now.risk += lengths.clamp(min=0).sqrt().sum(1).double().square()
