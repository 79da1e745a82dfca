"""What the promise rests on where a run's last steps look at the fusion's weights; as in `centre_checks`."""

from collections.abc import Callable
from dataclasses import replace
from math import exp, log
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ml.privacy.csprng import SecureRandom
from ml.training import fusion_looks
from ml.training.dp_head import StepSettings
from ml.training.looks import Looks
from ml.training.messages import TrainingJob, TrainingPatient
from tests.ml.tiny_job import tiny_job
from tests.ml.tiny_model import LABELS
from tests.ml.training.centre_checks import QUIET, worker_state
from tests.ml.training.dp_checks import PLAN, head, patient
from tests.ml.training.fusion_people import LEADERS, beside, slow_gains
from tests.ml.training.whole_run import frames_of

PEOPLE = [
    TrainingPatient(0, ("seizure and fever",), 1, beside(0)),
    TrainingPatient(1, ("weak arm .",), 3, beside(1)),
    TrainingPatient(2, ("short leg", "fever"), 1),
]
STEPS, WANTED = 50, 4


def shown(people: list[Any], others: list[Any]) -> npt.NDArray[np.float64]:
    """What a look is shown of them."""
    return fusion_looks.fused_gains(head(), people, others, LEADERS)


def released(what: npt.NDArray[np.float64], settings: StepSettings = PLAN) -> npt.NDArray[np.float64]:
    """What one look adds up to, times the public size."""
    taken = Looks("fusion", what.shape[1], 1)
    taken.look(what, settings=fusion_looks.look_settings(settings), random=SecureRandom())
    return np.asarray(taken.state()["fusion.sum"]) * settings.expected_batch


def one_patient_moves_a_look_at_the_fusion_by_at_most_the_clip() -> None:
    """With 1 to 1,000 notes, whatever the graph says of her, and whoever else was drawn."""
    people, others = [patient(2, seed=1), patient(1, seed=2)], [beside(1), beside(2)]
    alone, longest = released(shown(people, others), QUIET), 0.0
    for notes in (1, 3, 1000):
        for scale in (0.1, 3.0, 1e4):
            for spread in (1.0, 30.0, 1e4):
                her, own = patient(notes, seed=5, scale=scale), beside(5, spread=spread)
                moved = released(shown([*people, her], [*others, own]), QUIET) - alone
                longest = max(longest, float(np.linalg.norm(moved)))
    assert 0 < longest <= fusion_looks.LONGEST * (1 + 1e-9)


def a_look_at_the_fusion_is_the_sum_of_clipped_gains() -> None:
    """Each of the whole patient, against diseases gone through one by one."""
    people = [patient(n, seed=n, scale=s) for n, s in ((1, 3.0), (2, 0.05), (5, 3.0))]
    others, slow = [beside(n) for n in range(3)], np.zeros(len(fusion_looks.CANDIDATES))
    for person, other in zip(people, others, strict=True):
        gains = np.array(slow_gains(head(), person, other))
        slow += gains * min(1.0, fusion_looks.LONGEST / float(np.linalg.norm(gains)))
    assert np.allclose(released(shown(people, others), QUIET), slow, atol=1e-5)


def who_is_not_told_of_by_both_shows_nothing() -> None:
    """Neither she who has no findings, nor she who has no notes."""
    assert not shown([patient(2), patient(0)], [None, beside()]).any()


def a_look_at_what_is_not_finite_counts_nothing() -> None:
    """NaN or infinity in one patient leave the others' sum alone."""
    well = shown([patient(2, seed=1)], [beside(1)])
    for value in (np.nan, np.inf, -np.inf):
        ill = patient(2, seed=2)
        ill.features[0, 0] = value
        with np.errstate(all="ignore"):
            both = shown([patient(2, seed=1), ill], [beside(1), beside(2)])
            assert np.array_equal(released(both, QUIET), released(well, QUIET))


def the_last_of_the_granted_steps_look_at_the_fusion() -> None:
    """None is taken beside the ledger, and each is noised and clipped as a step; nobody need be drawn."""
    for people in (PEOPLE, []):
        taken: list[tuple[StepSettings, float]] = []
        look = Looks.look

        def recorded(
            self: Looks, what: Any, *, settings: Any, random: Any, kept: Any = taken, real: Any = look
        ) -> None:
            before = self._sum.copy()
            real(self, what, settings=settings, random=random)
            if len(self._sum) == len(fusion_looks.CANDIDATES):
                kept.append((settings, float(np.abs(self._sum - before).max())))

        Looks.look = recorded  # type: ignore
        try:
            frames = run(people)
        finally:
            Looks.look = look  # type: ignore[method-assign]
        (kept,) = [worker_state(frame) for frame in frames if frame["kind"] == "checkpoint"]
        assert [_count(kept, n) for n in ("centre.looks", "sureness.looks", "step")] == [2, 2, 42]
        assert _count(kept, "fusion.looks") == WANTED
        assert sum(frame["kind"] == "progress" for frame in frames) == STEPS
        assert len(taken) == WANTED
        assert all(s.noise_multiplier == 2.0 and s.max_grad_norm > 0 and moved > 0 for s, moved in taken)


def whether_a_run_looks_is_public() -> None:
    """It looks as often where no patient's findings speak; and without leaders, never."""
    silent = [replace(p, beside=None) for p in PEOPLE]
    for people, leaders, looks in ((silent, job_leaders(), WANTED), (PEOPLE, b"", 0)):
        (kept,) = [worker_state(f) for f in run(people, leaders=leaders) if f["kind"] == "checkpoint"]
        assert _count(kept, "fusion.looks") == looks


def _count(kept: dict[str, npt.NDArray[np.float64]], name: str) -> int:
    return int(kept[name][0]) if name in kept else 0


def the_fusion_is_chosen_from_what_was_released() -> None:
    """The result tells what the noised sums of the last checkpoint tell, by a plain reading of them."""
    for noise in (0.5, 2.0, *[100.0] * 4):
        frames = run(PEOPLE, noise_multiplier=noise)
        (kept,) = [worker_state(f) for f in frames if f["kind"] == "checkpoint"]
        assert _count(kept, "fusion.looks") == WANTED
        looks, variance = kept["fusion.looks"].tolist()
        gains = [total / looks for total in kept["fusion.sum"].tolist()]
        told = slow_choice(gains, noise=variance**0.5 / looks)
        found = frames[-1]["fusion"]
        assert [found["text"], found["power"]] == pytest.approx(told, abs=1e-3)
        assert found["taught"] == [LABELS[1], LABELS[3]]


def slow_choice(gains: list[float], *, noise: float) -> tuple[float, float]:
    """The mean of candidates, term by term; shipped weights gain nothing."""
    counted = [(c.text, c.power, gain) for c, gain in zip(fusion_looks.CANDIDATES, gains, strict=True)]
    shares = [
        (text, power, exp(min(700.0, gain / noise))) for text, power, gain in [*counted, (1.0, 1.0, 0.0)]
    ]
    whole = sum(share for *_, share in shares)
    kept = 0.04 / (0.04 + noise**2)
    text = exp(kept * sum(share * log(text) for text, _, share in shares) / whole)
    return text, exp(kept * sum(share * log(power) for _, power, share in shares) / whole)


def run(people: list[TrainingPatient], **changes: Any) -> list[dict[str, Any]]:
    """The frames of a whole run in one block."""
    with TemporaryDirectory() as folder:
        return frames_of(looking_job(Path(folder), **changes), people)


def job_leaders() -> bytes:
    """Every label is shown under its own row."""
    return np.arange(len(LABELS), dtype=np.int32).tobytes()


def looking_job(folder: Path, **changes: Any) -> TrainingJob:
    """Fifty steps, the last of which look at the fusion."""
    usual: dict[str, Any] = {
        "steps": STEPS,
        "block_steps": STEPS,
        "noise_multiplier": 2.0,
        "optimizer": "sgd",
        "public_texts": ("seizure fever", "weak arm"),
        "most_noise": 0.4,
        "leaders": job_leaders(),
    }
    return tiny_job(folder, **(usual | changes))


FUSION_CHECKS: tuple[Callable[[], None], ...] = (
    one_patient_moves_a_look_at_the_fusion_by_at_most_the_clip,
    a_look_at_the_fusion_is_the_sum_of_clipped_gains,
    who_is_not_told_of_by_both_shows_nothing,
    a_look_at_what_is_not_finite_counts_nothing,
    the_last_of_the_granted_steps_look_at_the_fusion,
    whether_a_run_looks_is_public,
    the_fusion_is_chosen_from_what_was_released,
)
