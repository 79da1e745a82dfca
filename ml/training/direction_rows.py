"""The rows of a head as a run makes them from directions: begun once, added to by steps, kept, resumed."""

from collections.abc import Callable, Sequence

import numpy as np

from ml.privacy.csprng import SecureRandom
from ml.training.coordinates import Coordinates
from ml.training.directions import Floats, Frame, Released, Seen, axes_for, made_rows, row_sums, strength
from ml.training.dp_head import HeadState, PatientFeatures, StepSettings
from ml.training.looks import Doubles, Looks

NAME = "directions"
MADE_LIFTED = 0.25  # as LIFTED of `coordinates`: rows that are less sure stand less high above all others
AXES, CENTRE, MOST = f"{NAME}.axes", f"{NAME}.centre", f"{NAME}.most"


class DirectionRows:
    """Takes `wanted` steps; `read` gives the public messages' features, once it is begun."""

    def __init__(self, wanted: int, patients: float, read: Callable[[], Floats]):
        self._wanted, self._patients, self._read = wanted, patients, read
        self._frame: Frame | None = None
        self._looks, self._most = Looks(NAME, 0, wanted), 1.0

    @property
    def begun(self) -> bool:
        """Whether the run learns in this way."""
        return self._frame is not None

    def begin(self, state: HeadState, settings: StepSettings, coordinates: Coordinates, seen: Seen) -> None:
        """Learn in this way from now on, unless all public messages are alike.

        How many axes there are depends on public constants alone.
        """
        noise = settings.noise_multiplier / (settings.expected_batch * np.sqrt(max(self._wanted, 1)))
        features = coordinates.features(self._read())
        count = axes_for(strength(noise, len(state.rows)), features.shape[1])
        frame = Frame.of_public(features, count, seen)
        if frame.axes.size:
            self._hold(frame, settings.max_grad_norm, len(state.rows))

    def look(
        self,
        state: HeadState,
        patients: Sequence[PatientFeatures],
        *,
        settings: StepSettings,
        random: SecureRandom,
    ) -> None:
        """One counted step, taken also where nobody was drawn."""
        assert self._frame is not None
        total = row_sums(state, self._frame, patients, settings)
        self._looks.add(total.ravel(), settings=settings, random=random)

    def made(self, state: HeadState) -> Floats:
        """The trained rows (rows, hidden + 1) that the sums so far make of the start's."""
        assert self._frame is not None
        deviation = self._looks.deviation() / self._most
        sums = self._looks.mean().reshape(len(state.rows), -1) / self._most
        return (
            made_rows(state, self._frame, Released(sums, deviation, self._patients))
            if deviation
            else start_rows(state)
        )

    def state(self) -> dict[str, Doubles]:
        """Released and public numbers to go on from; nothing where it was not begun."""
        if self._frame is None:
            return {}
        public = {AXES: self._frame.axes, CENTRE: self._frame.centre, MOST: np.array([self._most])}
        return self._looks.state() | public

    def restore(self, kept: dict[str, Doubles], rows: int) -> None:
        """Go on from a state, if it holds any of this."""
        if AXES in kept:
            self._hold(Frame(kept[AXES].copy(), kept[CENTRE].copy()), float(kept[MOST][0]), rows)
            self._looks.restore(kept)

    def _hold(self, frame: Frame, most: float, rows: int) -> None:
        self._frame, self._most = frame, most
        self._looks = Looks(NAME, rows * (frame.axes.shape[1] + 1), self._wanted)


def start_rows(state: HeadState) -> Floats:
    """The trained rows as they stand."""
    rows: Floats = state.weights[state.rows]
    return rows
