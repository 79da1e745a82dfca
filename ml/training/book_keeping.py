"""The sum of the patients' clipped gradients in one backward pass each (Bu et al. 2023, arXiv 2210.00038).

The backward pass runs to the layers' outputs only: no weight's gradient is formed. From what went into each
layer and what came back, every patient's length is had, then the clipped sum, one product a layer. `ghost`
forms the sum by a second backward pass of the reweighted losses instead (Li et al. 2022, arXiv 2110.05679).

A patient who does not fit into one pass, or whose length rounding may have hidden, is taken alone: her
gradient adds up over plain backward passes, and is clipped as it stands.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from ml.errors import TrainingRefused
from ml.training.clipping import Clipping
from ml.training.devices import device_of, sent, tokens_at_once
from ml.training.networks import Network
from ml.training.own_gradients import Layer, Pass, layer_of
from ml.training.patient_batches import Patient, fits, micro_batches, part_length, size
from ml.training.segments import Segments

DOUBTFUL = 1e-3  # of the risk: a smaller squared length may be off by more than 1e-4 of itself


class BookKeeping:
    """Holds hooks on every trained module of a network until `close`."""

    def __init__(self, network: Network, *, most_tokens: int | None = None, ghost: bool = False):
        self._network, self._ghost = network, ghost
        self._most_tokens = most_tokens or tokens_at_once(network, states=network.reads_states)
        self.parameters = [p for p in network.parameters() if p.requires_grad]
        self._layers = _layers(network, self.parameters)
        self._now: Pass | None = None
        self._leaves: list[torch.Tensor] = []
        self._hooks = [layer.module.register_forward_hook(self._hook(layer)) for layer in self._layers]
        self._train(False)

    def clipped_sum(self, patients: Sequence[Patient], clipping: Clipping) -> list[torch.Tensor]:
        """The sum over everybody, micro-batch by micro-batch, in double precision."""
        totals = dict(zip(self.parameters, double_zeros(self.parameters), strict=True))
        for batch in micro_batches(patients, self._most_tokens):
            whole = fits(batch[0], self._most_tokens)
            for patient in self._together(batch, clipping, totals) if whole else batch:
                self._alone(patient, clipping, totals)
        return [totals[p] for p in self.parameters]

    def close(self) -> None:
        """Take the hooks away; the parameters can be trained again."""
        for hook in self._hooks:
            hook.remove()
        self._train(True)

    def _together(self, batch: list[Patient], clipping: Clipping, totals: Any) -> list[Patient]:
        """Add a micro-batch; who is left needs to be taken alone."""
        now = self._backward(batch)
        doubtful = now.squared < DOUBTFUL * now.risk
        told = torch.stack([torch.isfinite(now.squared), doubtful])
        finite, again = told.tolist()  # the one place where a card is waited for
        if not all(finite):  # their products would spoil the sum even times zero: without them, again
            self._forget()
            well = [p for p, fine in zip(batch, finite, strict=True) if fine]
            return self._together(well, clipping, totals) if well else []
        factors = torch.where(doubtful, 0.0, clipping.factors(now.squared.sqrt())).float()
        if self._ghost:
            self._forget()
            self._again(batch, factors, totals)
        else:
            for layer in self._layers:
                layer.add_to(totals, factors)
            now.add_thin_to(totals, factors)
        return [p for p, alone in zip(batch, again, strict=True) if alone]

    def _backward(self, batch: Sequence[Patient]) -> Pass:
        now = Pass.of([len(p.parts) for p in batch], [size(p) for p in batch], device_of(self._network))
        self._now, self._leaves = now, []
        try:
            loss = patient_losses(self._network, batch).sum()
            torch.autograd.grad(loss, self._leaves, allow_unused=True)
        finally:
            self._now, self._leaves = None, []
        now.close()
        return now

    def _alone(self, patient: Patient, clipping: Clipping, totals: Any) -> None:
        """One patient's gradient from plain backward passes over a few parts each."""
        few = max(1, self._most_tokens // max(map(part_length, patient.parts)))
        own = [torch.zeros_like(p) for p in self.parameters]
        for start in range(0, len(patient.parts), few):
            parts = patient.parts[start : start + few]
            share = len(parts) / len(patient.parts)
            with self._trained():
                loss = share * patient_losses(self._network, [Patient(parts, patient.label)]).sum()
                for total, gradient in zip(own, _gradients(loss, self.parameters), strict=True):
                    total += gradient
        length = torch.stack([g.double().square().sum() for g in own]).sum().sqrt()
        if torch.isfinite(length):
            factor = float(clipping.factors(length))
            for parameter, gradient in zip(self.parameters, own, strict=True):
                totals[parameter].add_(gradient, alpha=factor)

    def _again(self, batch: Sequence[Patient], factors: torch.Tensor, totals: Any) -> None:
        with self._trained():
            loss = (patient_losses(self._network, batch) * factors).sum()
            for parameter, gradient in zip(self.parameters, _gradients(loss, self.parameters), strict=True):
                totals[parameter] += gradient

    def _hook(self, layer: Layer) -> Any:
        def keep(_module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> Any:
            now = self._now
            if now is None:
                return None
            layer.read(inputs[0])
            kept = output
            if not output.requires_grad:  # what lies before is frozen: the backward pass ends here
                kept = output.detach().requires_grad_(True)
                self._leaves.append(kept)
            kept.register_hook(lambda gradient: layer.came_back(gradient, now))  # type: ignore[no-untyped-call]
            return kept

        return keep

    @contextmanager
    def _trained(self) -> Iterator[None]:
        self._train(True)
        try:
            yield
        finally:
            self._train(False)

    def _train(self, on: bool) -> None:
        for parameter in self.parameters:
            parameter.requires_grad_(on)

    def _forget(self) -> None:
        for layer in self._layers:
            layer.forget()


def patient_losses(network: Network, batch: Sequence[Patient], *, packed: bool = True) -> torch.Tensor:
    """The mean loss of each patient's parts, (patients,)."""
    device, counts = device_of(network), [len(patient.parts) for patient in batch]
    parts = [part for patient in batch for part in patient.parts]
    losses = network.losses(parts, part_labels(network, batch), packed=packed)
    shares = sent(torch.tensor([1 / count for count in counts for _ in range(count)]), device)
    return Segments(counts, device).sums((losses * shares).unsqueeze(1)).squeeze(1)


def part_labels(network: Network, batch: Sequence[Patient]) -> torch.Tensor:
    """Of each part its patient's, (parts,), where the network is."""
    labels = [patient.label for patient in batch for _ in patient.parts]
    return sent(torch.tensor(labels), device_of(network))


def double_zeros(parameters: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Zeros of the shapes of these, in one piece of memory."""
    counts = [p.numel() for p in parameters]
    parts = torch.split(parameters[0].new_zeros(sum(counts), dtype=torch.float64), counts)
    return [part.view_as(p) for part, p in zip(parts, parameters, strict=True)]


def _gradients(loss: torch.Tensor, parameters: list[nn.Parameter]) -> Iterator[torch.Tensor]:
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    for gradient, parameter in zip(found, parameters, strict=True):
        yield torch.zeros_like(parameter) if gradient is None else gradient


def _layers(network: nn.Module, parameters: list[nn.Parameter]) -> list[Layer]:
    owned, layers = set(), []
    for name, module in network.named_modules():
        trained = [p for p in module.parameters(recurse=False) if p.requires_grad]
        if not trained:
            continue
        layer = layer_of(module)
        if layer is None:
            raise TrainingRefused(f"there is no private gradient for {name}; choose another scope")
        layers.append(layer)
        owned |= set(trained)
    if owned != set(parameters):
        raise TrainingRefused("a trained parameter belongs to no layer; choose another scope")
    return layers
