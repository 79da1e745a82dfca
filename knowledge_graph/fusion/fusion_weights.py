"""How much graph and text count in the fused differential, alone and together; learned, with their hash.

Temperatures more than tastes: each pair is such that stated probabilities come true. One or two findings
fit more diseases than are known, and many repeat each other, so the graph's weight rises with the first
few and falls again. Patients tell less, and in other words, than clinicians write, and what is common in a
setting is known by expert estimates alone: a power below 1, which moves no disease past another, says so.
"""

import hashlib
import tomllib
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from knowledge_graph.terms.occurrence import Setting

FEW = 1.5  # findings with which the weight reaches half: the first few fit too many diseases
REPEATING = 10.0  # findings at which a damping of 1 halves the weight


class Told(StrEnum):
    """How the patient is told of: by findings, by a clinician's note, or in her own words."""

    FINDINGS = "findings"
    NOTE = "note"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """`*_alone` where the other is missing. `text_unread` where no finding was read in the text.

    `abstain_below`: no disease is put forward when even the first is less likely than this. The powers:
    `message` in the rare-disease clinic, `common_*` where common diseases count beforehand.
    """

    graph_alone: float
    text_alone: float
    graph: float
    text: float
    damping: float
    text_unread: float = 0.5
    prior: float = 1.0
    abstain_below: float = 0.1
    message: float = 1.0
    common_note: float = 1.0
    common_message: float = 1.0

    @classmethod
    @cache
    def load(cls) -> "FusionWeights":
        """The weights that ship with the program. A file edited by hand is our fault: ValueError."""
        return cls.of_text(files("resources.fusion").joinpath("weights.toml").read_text("utf-8"))

    @classmethod
    def of_text(cls, text: str) -> "FusionWeights":
        """Weights from TOML, their hash checked."""
        values = tomllib.loads(text)
        weights = cls(**{field.name: float(values[field.name]) for field in fields(cls)})
        if values.get("sha256") != weights.sha256:
            raise ValueError("weights.toml does not match its sha256; rebuild it by the command in it")
        return weights

    @property
    def sha256(self) -> str:
        """The hash that names these weights."""
        return hashlib.sha256(self._lines().encode()).hexdigest()

    def of_graph(self, observed: int, *, with_text: bool) -> float:
        """What the graph's score of a patient with so many observed findings is multiplied by."""
        return (self.graph if with_text else self.graph_alone) * float(damped(observed, self.damping))

    def of_text_model(self, *, with_graph: bool, read: bool = True) -> float:
        """What the text's log probability is multiplied by."""
        return self.text if with_graph else self.text_alone if read else self.text_unread

    def sureness(self, setting: Setting, told: Told) -> float:
        """The power of everything that is weighed for a patient who is told of so in this setting."""
        rare = setting is Setting.RARE_DISEASE_CLINIC
        if told is Told.MESSAGE:
            return self.message if rare else self.common_message
        return self.common_note if told is Told.NOTE and not rare else 1.0

    def learned(self, *, text: float, power: float) -> "FusionWeights":
        """For graph and text together, with the text's weight times `text` and everything's times `power`."""
        return replace(
            self, graph=self.graph * power, text=self.text * text * power, prior=self.prior * power
        )

    def to_text(self, remarks: str) -> str:
        """As TOML, with remarks (comment lines without #) on where they come from."""
        comment = "".join(f"# {line}\n" for line in remarks.splitlines())
        return f'{comment}{self._lines()}sha256 = "{self.sha256}"\n'

    def _lines(self) -> str:
        return "".join(f"{field.name} = {getattr(self, field.name):.4f}\n" for field in fields(self))


def damped(observed: npt.ArrayLike, damping: float) -> npt.NDArray[np.float64]:
    """What the graph's weight is multiplied by: n / (n + FEW) * (1 + n / REPEATING) ** -damping."""
    n = np.asarray(observed, np.float64)
    factor: npt.NDArray[np.float64] = n / (n + FEW) * (1 + n / REPEATING) ** -damping
    return factor
