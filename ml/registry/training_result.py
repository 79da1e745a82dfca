"""What a training run hands over to be published: the changed tensors and their privacy.

`tensors` is a safetensors file of every tensor the run changed, each in full (a low-rank change
is merged first) and named as in the classifier. The holder seals the bytes; nothing here does.
"""

from dataclasses import dataclass, field

import msgspec

from ml.errors import ModelFileError
from ml.frames import UNDECODABLE

STRANGER = 0.1  # the share at which what was learned holds by half: few of a site's own patients lie below


@dataclass(frozen=True, slots=True)
class PrivacyClaim:
    """The guarantee under which tensors were learned; epsilon 0 where no patient was used."""

    epsilon: float = 0.0
    delta: float = 0.0
    unit: str = "patient"
    mechanism: str = "none"
    sample_rate: float = 0.0
    noise_multiplier: float = 0.0
    max_grad_norm: float = 0.0
    steps: int = 0


@dataclass(frozen=True, slots=True)
class LearnedFusion:
    """What a site's patients told of the fusion, under the same guarantee: factors of the shipped weights.

    `text` of the text's weight, `power` of the whole, where both graph and text speak. `taught` are the
    labels whose patients told it: of others it says the less, the less the text speaks for one of these.
    """

    text: float = 1.0
    power: float = 1.0
    taught: tuple[str, ...] = ()

    def held_to(self, share: float) -> "LearnedFusion":
        """As far as it holds for whom the text's probabilities of `taught` add up to `share`."""
        held = share**2 / (share**2 + STRANGER**2)
        return LearnedFusion(self.text**held, self.power**held, self.taught)


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """Changed tensors relative to the model version named `base_version`.

    Where `fusion` is None nothing clear was learned of it.
    """

    run_id: str
    base_version: str
    scope: str
    tensors: bytes
    privacy: PrivacyClaim = field(default_factory=PrivacyClaim)
    data_description: str = ""
    fusion: LearnedFusion | None = None

    def to_bytes(self) -> bytes:
        """One msgpack message, to be sealed."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> "TrainingResult":
        """Read it back; refuses anything of another shape."""
        try:
            return msgspec.msgpack.decode(data, type=cls)
        except UNDECODABLE:
            raise ModelFileError("this is not a training result; train again") from None
