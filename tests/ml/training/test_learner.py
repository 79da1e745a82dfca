"""Each scope trains, is taken up with its optimizer's moments, and hands over what the base can take."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ml.errors import TrainingRefused
from ml.inference.version_loading import merged_tensors
from ml.privacy.csprng import SecureRandom
from ml.registry.tensor_file import read_tensors, write_tensors
from ml.training.added_layers import added_names
from ml.training.classifier import build_classifier
from ml.training.dp_head import StepSettings
from ml.training.learner import make_learner
from ml.training.messages import TrainingJob
from ml.training.schedule import SCHEDULES, schedule_factor
from ml.training.scopes import HEAD, SCOPES
from ml.training.worker import step_settings
from tests.ml.tiny_job import PEOPLE, tiny_job
from tests.ml.tiny_model import LABELS, head_tensors

KEY = b"k" * 32


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> TrainingJob:
    return tiny_job(tmp_path_factory.mktemp("tiny"), scope=HEAD)


def trained(job: TrainingJob, steps: int, state: bytes = b"") -> tuple[bytes, bytes]:
    """State and result after so many steps with noise that is the same each time."""
    torch.manual_seed(len(state))  # what layers start from, where a scope adds some
    learner = make_learner(job, PEOPLE)
    if state:
        learner.restore(state)
    for step in range(steps):
        learner.step([0, 1, 2], step_settings(job, 0.5, step), SecureRandom(KEY))
    return learner.state(), learner.result()


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("scope", [HEAD, *SCOPES])
def test_a_run_taken_up_goes_on_as_if_it_had_not_stopped(
    job: TrainingJob, scope: str, optimizer: str
) -> None:
    """Adam's moments (or the momentum) come back with the weights."""
    this = replace(job, scope=scope, optimizer=optimizer, weight_decay=0.01)
    kept, _ = trained(this, 2)
    _, taken_up = trained(this, 2, kept)
    _, whole = trained(this, 4)
    for name, value in read_tensors(whole).items():
        assert np.abs(read_tensors(taken_up)[name] - value).max() < 1e-6, name


@pytest.mark.parametrize("scope", SCOPES)
def test_a_result_is_a_classifier_of_the_same_labels(job: TrainingJob, scope: str) -> None:
    from ml.text.encoder_files import find_encoder

    encoder = find_encoder(Path(job.encoder_dir))
    before = merged_tensors(encoder, head_tensors())
    changed = read_tensors(trained(replace(job, scope=scope), 1)[1])
    build_classifier(before | changed, LABELS, encoder.config)
    added = set(added_names(changed))
    assert bool(added) == (scope in ("adapter", "prefix"))
    assert set(changed) - added <= set(before)
    moved = [
        row
        for row in range(len(LABELS))
        if "head.weight" in changed and np.any(changed["head.weight"][row] != before["head.weight"][row])
    ]
    assert moved == ([1, 3] if scope == "full" else [])


def test_adapters_are_trained_on_where_the_base_has_them(job: TrainingJob) -> None:
    first = read_tensors(trained(replace(job, scope="adapter"), 1)[1])
    again = replace(job, tensors=write_tensors(head_tensors() | first), scope="adapter")
    second = read_tensors(trained(again, 1)[1])
    assert set(second) == {name for name in first if "adapter" in name}


def test_dropout_changes_what_is_read_and_an_unknown_scope_is_told(job: TrainingJob) -> None:
    this = replace(job, scope="bitfit")
    dry, wet = (read_tensors(trained(replace(this, dropout=d), 1)[1]) for d in (0.0, 0.5))
    assert any(np.abs(dry[n] - wet[n]).max() > 1e-6 for n in dry)
    with pytest.raises(TrainingRefused, match="bitfit"):
        make_learner(replace(job, scope="none"), PEOPLE)


def test_only_the_learning_rate_follows_the_schedule(job: TrainingJob) -> None:
    for name in SCHEDULES:
        rates = [schedule_factor(name, step, 40) for step in range(40)]
        assert 0 < min(rates) <= max(rates) <= 1
        assert name == "constant" or (rates[0] < rates[3] and rates[-1] < 0.1)
    first, last = (step_settings(replace(job, schedule="linear", steps=40), 2.0, s) for s in (0, 39))
    assert isinstance(first, StepSettings)
    assert replace(first, learning_rate=0) == replace(last, learning_rate=0)
