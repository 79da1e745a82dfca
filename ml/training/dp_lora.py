"""DP-SGD on LoRA, everything else frozen: per-note gradients by Opacus' hooks.

Opacus' GradSampleModule gives one gradient a window; a patient's gradient is the mean over her notes
(windows weighted as the classifier reads them: alike), clipped as one. Only windows of one patient share
a mean, so one person moves the sum by at most `max_grad_norm`.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from opacus import GradSampleModule
from torch import nn

from ml.privacy.csprng import SecureRandom
from ml.text.tokenizer import TextTokenizer, batches_by_length
from ml.training.classifier import Classifier
from ml.training.dp_head import StepSettings
from ml.training.lora import add_lora, merge_lora

BATCH_WINDOWS = 16


@dataclass(frozen=True, slots=True)
class PatientTexts:
    """One patient's notes and the row of her disease."""

    texts: tuple[str, ...]
    label: int


class LoraTrainer:
    """Holds the adapted classifier and Adam's state; `step` is one private step."""

    def __init__(self, classifier: Classifier, tokenizer: TextTokenizer, *, rank: int = 4):
        self.classifier = classifier
        self._tokenizer = tokenizer
        add_lora(classifier, rank=rank)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._wrapped = GradSampleModule(_Logits(classifier), loss_reduction="sum", strict=False)
        self.parameters = [p for p in self._wrapped.parameters() if p.requires_grad]
        self._adam = torch.optim.Adam(self.parameters, lr=1.0)

    def step(self, patients: Sequence[PatientTexts], *, settings: StepSettings, random: SecureRandom) -> None:
        """Clip, add noise, divide by the public batch size, Adam; also where nobody was drawn."""
        summed = self.clipped_sum(patients, settings.max_grad_norm)
        spread = settings.noise_multiplier * settings.max_grad_norm
        for parameter, total in zip(self.parameters, summed, strict=True):
            noise = torch.from_numpy(random.gaussians(total.numel())).reshape(total.shape)
            parameter.grad = ((total.double() + spread * noise) / settings.expected_batch).to(total.dtype)
        for group in self._adam.param_groups:
            group["lr"] = settings.learning_rate
        self._adam.step()
        self._adam.zero_grad()

    def clipped_sum(self, patients: Sequence[PatientTexts], max_grad_norm: float) -> list[torch.Tensor]:
        """Sum of the patients' clipped gradients, one tensor a parameter; non-finite ones count as zero."""
        total = [torch.zeros_like(p) for p in self.parameters]
        if not patients:
            return total
        per_patient = self.patient_gradients(patients)
        norms = torch.stack([g.flatten(1).square().sum(1) for g in per_patient]).sum(0).sqrt()
        finite = torch.isfinite(norms)
        factor = torch.where(finite, (max_grad_norm / norms.clamp(min=1e-12)).clamp(max=1.0), 0.0)
        for index, gradients in enumerate(per_patient):
            usable = torch.where(finite.view(-1, *[1] * (gradients.dim() - 1)), gradients, 0.0)
            total[index] = torch.einsum("n,n...->...", factor, usable)
        return total

    def patient_gradients(self, patients: Sequence[PatientTexts]) -> list[torch.Tensor]:
        """(patients, *shape) for each parameter: the mean over each patient's windows."""
        owners = [i for i, p in enumerate(patients) for _ in p.texts]
        windows = self._tokenizer.windows([t for p in patients for t in p.texts])
        whose = np.array([owners[w.text_index] for w in windows])
        counts = np.bincount(whose, minlength=len(patients))
        sums = [torch.zeros(len(patients), *p.shape) for p in self.parameters]
        for places, batch in batches_by_length(windows, BATCH_WINDOWS):
            rows = torch.from_numpy(whose[np.asarray(places)])
            labels = torch.tensor([patients[i].label for i in rows.tolist()])
            share = torch.tensor(1 / counts[rows.numpy()], dtype=torch.float32)
            self._backward(batch.feed(), labels)
            for total, parameter in zip(sums, self.parameters, strict=True):
                sample: Any = parameter.grad_sample
                weighted = sample * share.view(-1, *[1] * (sample.dim() - 1))
                total.index_add_(0, rows, weighted)
                parameter.grad_sample = None
                parameter.grad = None
        return sums

    def finish(self) -> Classifier:
        """The classifier with the change merged and Opacus' hooks taken away."""
        self._wrapped.remove_hooks()
        merge_lora(self.classifier)
        return self.classifier

    def _backward(self, feed: dict[str, Any], labels: torch.Tensor) -> None:
        tensors = {name: torch.from_numpy(array) for name, array in feed.items()}
        logits = self._wrapped(tensors["input_ids"], tensors["attention_mask"], tensors["position_ids"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.autograd.backward(nn.functional.cross_entropy(logits, labels, reduction="sum"))


class _Logits(nn.Module):
    """The classifier behind positional arguments, as the hooks want them."""

    def __init__(self, classifier: Classifier):
        super().__init__()
        self.classifier = classifier

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.classifier(ids, mask, positions)
        return logits
