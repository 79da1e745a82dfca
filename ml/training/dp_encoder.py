"""DP-SGD on the encoder, whatever the scope: clip each patient, add noise, divide, descend."""

from collections.abc import Sequence

import torch
from safetensors.torch import load, save

from ml.errors import TrainingRefused
from ml.privacy.csprng import SecureRandom
from ml.training.adalora import RankAllocator
from ml.training.book_keeping import BookKeeping
from ml.training.clipping import ClippedSum, Clipping
from ml.training.dp_head import StepSettings
from ml.training.networks import Network
from ml.training.patient_batches import Patient
from ml.training.released_sums import step_noise
from ml.training.team import Team

BACKENDS = ("book-keeping", "ghost", "hooks")
OPTIMIZERS = ("adamw", "sgd")
RANKS = "ranks."


class EncoderTrainer:
    """Holds what is trained and its optimizer's state; `step` is one private step.

    `allocator` moves ranks between the steps, by what they released; a `team` shares the patients of a step.
    """

    def __init__(
        self,
        network: Network,
        *,
        backend: str = "book-keeping",
        optimizer: str = "adamw",
        allocator: RankAllocator | None = None,
        team: Team | None = None,
    ):
        if backend == "ghost" and network.training:
            raise TrainingRefused(
                "ghost clipping reads each patient twice, and dropout differs between the two, so that "
                "the clip would not hold; train without dropout, or with the backend book-keeping"
            )
        self.gradients = make_backend(network, backend)
        self.parameters = self.gradients.parameters
        self._allocator, self._team = allocator, team
        if team is not None:
            team.take_over([p.data for p in self.parameters])
        if optimizer not in OPTIMIZERS:
            raise TrainingRefused(
                f"there is no optimizer {optimizer!r}; choose one of {', '.join(OPTIMIZERS)}"
            )
        self._optimizer: torch.optim.Optimizer
        if optimizer == "sgd":
            self._optimizer = torch.optim.SGD(self.parameters, lr=1.0, momentum=0.9)
        else:
            self._optimizer = torch.optim.AdamW(self.parameters, lr=1.0)

    def step(self, patients: Sequence[Patient], *, settings: StepSettings, random: SecureRandom) -> None:
        """Clip, add noise, divide by the public batch size, descend; also where nobody was drawn."""
        clipping = Clipping(settings.max_grad_norm, settings.clipping)
        team = self._team
        with step_noise(self.parameters, random) as noise:
            summed = self.gradients.clipped_sum(team.share(patients) if team else list(patients), clipping)
            if team is not None:
                team.add_up(summed)
            if team is None or team.leads:
                noise.release(summed, settings.spread, divisor=settings.expected_batch)
        if team is not None:
            team.take_over(summed)
        for parameter, gradient in zip(self.parameters, summed, strict=True):
            parameter.grad = gradient.to(parameter.dtype)
        self.descend(settings)

    def descend(self, settings: StepSettings) -> None:
        """One step of the optimizer along the gradients that are released."""
        for group in self._optimizer.param_groups:
            group["lr"], group["weight_decay"] = settings.learning_rate, settings.weight_decay
        if self._allocator is not None:
            self._allocator.pull()
        self._optimizer.step()
        if self._allocator is not None:
            self._allocator.follow()
        self._optimizer.zero_grad()

    def state(self) -> bytes:
        """Parameters and the optimizer's moments, by place; all of it noised, and in main memory."""
        kept = {f"{i}.value": p.detach() for i, p in enumerate(self.parameters)}
        for i, parameter in enumerate(self.parameters):
            for name, value in self._optimizer.state[parameter].items():
                kept[f"{i}.{name}"] = value
        if self._allocator is not None:
            kept |= {f"{RANKS}{name}": value for name, value in self._allocator.state().items()}
        here = {name: value.cpu().contiguous() for name, value in kept.items() if value is not None}
        data: bytes = save(here)
        return data

    def restore(self, state: bytes) -> None:
        """Go on from a state."""
        kept = load(state)
        with torch.no_grad():
            for i, parameter in enumerate(self.parameters):
                parameter.copy_(kept[f"{i}.value"])
        for i, parameter in enumerate(self.parameters):
            own = {name.split(".", 1)[1]: v for name, v in kept.items() if name.startswith(f"{i}.")}
            own.pop("value")
            self._optimizer.state[parameter] = {  # torch counts the steps on the processor
                name: value if name == "step" else value.to(parameter.device) for name, value in own.items()
            }
        if self._allocator is not None:
            own = {name.removeprefix(RANKS): v for name, v in kept.items() if name.startswith(RANKS)}
            self._allocator.restore(own)

    def close(self) -> None:
        """Take away what the gradients needed."""
        self.gradients.close()


def make_backend(network: Network, name: str) -> ClippedSum:
    """A way to the clipped sum, by name. Raises TrainingRefused."""
    if name == "hooks":
        from ml.training.opacus_hooks import OpacusHooks  # Opacus takes longer to import than torch

        return OpacusHooks(network)
    if name in BACKENDS:
        return BookKeeping(network, ghost=name == "ghost")
    raise TrainingRefused(f"there is no backend {name!r}; choose one of {', '.join(BACKENDS)}")
