"""A run's curve: of synthetic notes alone, always the same, and kept for a run that is taken up again."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from app.store.vault import Vault
from app.workflows.plan_training import completed
from app.workflows.resume_training import kept_curve
from app.workflows.train_model import train_model
from app.workflows.training_curve import (
    MOST_SHARE,
    VALIDATION_NOTES,
    CurvePoint,
    blocks_between,
    told_speed,
    validation_notes,
)
from tests.app.workflows.thread_process import train_in_a_thread
from tests.app.workflows.training_site import DISEASES, PLAN, confirmed_site, frames_sent

pytestmark = pytest.mark.slow
ROWS = {disease: row for row, disease in enumerate(DISEASES)}


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with confirmed_site(tmp_path) as made:
        yield made


def points(reports: list[Any]) -> list[CurvePoint]:
    return [report for report in reports if isinstance(report, CurvePoint)]


def test_a_run_has_a_point_at_its_start_and_after_each_block_also_taken_up_again(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_in_a_thread(monkeypatch)
    sent, pause = frames_sent(monkeypatch), Event()
    first: list[Any] = []
    for report in train_model(vault, PLAN, pause=pause):
        first.append(report)
        if getattr(report, "step", 0) == 3:
            pause.set()
    assert [p.step for p in points(first)] == [0, 2, 4]
    assert kept_curve(vault) == tuple(points(first))
    second = list(train_model(vault, replace(PLAN, resume=True)))
    assert [p.step for p in points(second)] == [6]
    whole = points([*first, *second])
    assert [p.epsilon for p in whole] == [0.0, *(e.epsilon_after for e in vault.ledger())]
    assert all(0 <= p.top1 <= p.top10 <= 1 for p in whole)
    assert kept_curve(vault) == tuple(whole)
    assert [p.steps_per_second > 0 for p in whole] == [False, True, True, True]
    _judged_on_public_notes(sent)


def _judged_on_public_notes(sent: list[dict[str, Any]]) -> None:
    """Both starts carry the notes that anybody can write, and no patient's text is among them."""
    starts = [frame for frame in sent if frame["kind"] == "start"]
    expected = {note.text for note in validation_notes(DISEASES, ROWS)}
    for start in starts:
        notes = {note["text"] for note in start["job"]["validation"]}
        assert notes == expected
        assert not notes & {text for patient in start["patients"] for text in patient["texts"]}
        assert not notes & set(start["job"]["public_texts"])


def test_the_notes_are_always_the_same_and_of_declared_diseases() -> None:
    notes = validation_notes(DISEASES, ROWS)
    assert len(notes) == VALIDATION_NOTES
    assert notes == validation_notes(DISEASES, ROWS)
    assert {note.label for note in notes} == set(ROWS.values())
    assert validation_notes(["LOCAL:nothing"], {}) == ()


@pytest.mark.parametrize("expected", [10, 200, 5000])
def test_an_encoder_is_judged_seldom_enough_by_public_numbers(expected: int) -> None:
    asked = replace(PLAN, scope="lora", steps=0, sample_rate=0.0, delta=1e-6, expected_patients=expected)
    plan = completed(asked)
    passes = 3 * plan.block_steps * plan.sample_rate * expected
    assert MOST_SHARE * passes * blocks_between(plan) >= VALIDATION_NOTES
    assert blocks_between(replace(plan, scope="head")) == 1


def test_a_speed_is_told_so_coarsely_that_one_patient_hardly_moves_it() -> None:
    told = [told_speed(speed) for speed in (0.0, 0.074, 0.4, 1.3, 1.6, 3.4, 7.6, 18.0, 34.0, 90.0)]
    assert told == [0.0, 0.05, 0.5, 1.0, 2.0, 2.0, 10.0, 20.0, 20.0, 100.0]
