"""The same clipped sum by Opacus' hooks: every window's gradient is formed, then each patient's mean.

Slow and hungry for memory, but not ours: the reference, and a choice for whoever wants it.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from opacus import GradSampleModule

from ml.training.book_keeping import double_zeros, part_labels
from ml.training.clipping import Clipping
from ml.training.devices import MOST_TOKENS
from ml.training.networks import Network
from ml.training.patient_batches import Patient, micro_batches


class OpacusHooks:
    """Holds Opacus' hooks on a network until `close`."""

    def __init__(self, network: Network, *, most_tokens: int = MOST_TOKENS):
        self._network, self._most_tokens = network, most_tokens
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._wrapped = GradSampleModule(network, loss_reduction="sum", strict=False)
        self.parameters = [p for p in network.parameters() if p.requires_grad]
        for module in network.modules():  # Opacus passes by what is not in training mode
            if any(p.requires_grad for p in module.parameters(recurse=False)):
                module.training = True

    def clipped_sum(self, patients: Sequence[Patient], clipping: Clipping) -> list[torch.Tensor]:
        """The sum over everybody, micro-batch by micro-batch, in double precision."""
        totals = double_zeros(self.parameters)
        for batch in micro_batches(patients, self._most_tokens):
            own = self.patient_gradients(batch)
            norms = torch.stack([g.flatten(1).double().square().sum(1) for g in own]).sum(0).sqrt()
            factors = clipping.factors(norms).float()
            well = torch.isfinite(norms)
            for total, gradients in zip(totals, own, strict=True):
                total.view(-1).add_(factors[well] @ gradients[well].flatten(1))
        return totals

    def patient_gradients(self, batch: Sequence[Patient]) -> list[torch.Tensor]:
        """(patients, *shape) for each parameter; of all her parts."""
        counts = [len(patient.parts) for patient in batch]
        parts = [part for patient in batch for part in patient.parts]
        labels = part_labels(self._network, batch)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.autograd.backward(self._network.losses(parts, labels).sum())
        return [self._mean(parameter, counts) for parameter in self.parameters]

    def close(self) -> None:
        """Take the hooks away."""
        self._wrapped.remove_hooks()

    def _mean(self, parameter: Any, counts: list[int]) -> torch.Tensor:
        sample: torch.Tensor | None = parameter.grad_sample
        parameter.grad_sample = parameter.grad = None
        if sample is None:  # it had no part in the loss
            return torch.zeros(len(counts), *parameter.shape, device=parameter.device)
        return torch.stack([own.mean(0) for own in torch.split(sample, counts)])
