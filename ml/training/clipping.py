"""How far a patient's gradient is shortened, from its length."""

from dataclasses import dataclass
from typing import Protocol

import torch

from ml.training.dp_head import STABILITY
from ml.training.patient_batches import Patient


@dataclass(frozen=True, slots=True)
class Clipping:
    """`flat`: no gradient is longer than `max_grad_norm`. `automatic`: each is brought near to it, also a
    short one, so that the norm needs no tuning (Bu et al. 2022, arXiv 2206.07136). One patient moves the
    sum by at most `max_grad_norm` in both.
    """

    max_grad_norm: float
    kind: str = "flat"

    def factors(self, norms: torch.Tensor) -> torch.Tensor:
        """One factor a patient; 0 where the length is not finite."""
        if self.kind == "automatic":
            factors = self.max_grad_norm / (norms + STABILITY)
        else:
            factors = (self.max_grad_norm / norms.clamp(min=1e-12)).clamp(max=1.0)
        return torch.where(torch.isfinite(norms), factors, 0.0)


class ClippedSum(Protocol):
    """A way to the sum of the patients' clipped gradients; all give the same."""

    parameters: list[torch.nn.Parameter]

    def clipped_sum(self, patients: list[Patient], clipping: Clipping) -> list[torch.Tensor]:
        """One tensor for each of `parameters`, in double precision, so that what one patient adds does not
        depend on how large the others' sum is; gradients that are not finite count as zero.
        """

    def close(self) -> None:
        """Take away what was put onto the network."""
