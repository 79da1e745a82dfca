"""The curve's numbers: of the released model alone, on public notes, and training goes on undisturbed."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ml.inference.version_loading import merged_tensors
from ml.privacy.csprng import SecureRandom
from ml.registry.tensor_file import read_tensors
from ml.text.encoder_files import find_encoder
from ml.text.tokenizer import TextTokenizer
from ml.training.classifier import build_classifier, encode_texts
from ml.training.learner import make_learner
from ml.training.messages import MLM, TrainingJob, TrainingPatient, ValidationNote
from ml.training.scopes import HEAD, SCOPES
from ml.training.validation import Judgement, judged
from ml.training.worker import step_settings
from tests.ml.tiny_job import PEOPLE, tiny_job
from tests.ml.tiny_model import WORDS, head_tensors

KEY = b"k" * 32
LONG = " ".join(["seizure fever weak arm short leg ."] * 60)  # more than one window
NOTES = (
    ValidationNote("short arm . no fever", 1),
    ValidationNote("seizure and weak leg", 3),
    ValidationNote(LONG, 3),
    ValidationNote("fever", 1),
)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> TrainingJob:
    words = (*WORDS, "[MASK]")
    folder = tmp_path_factory.mktemp("tiny")
    return tiny_job(folder, words=words, validation=NOTES, public_texts=("seizure fever", "weak arm"))


def trained(job: TrainingJob, *, judging: bool) -> tuple[list[Judgement], bytes, bytes]:
    """Judgements, state and result of three steps, with noise and dropout that are the same each time."""
    torch.manual_seed(3)
    learner, found = make_learner(job, PEOPLE), []
    for step in range(3):
        if judging:
            found.append(learner.judge())
        learner.step([0, 1, 2], step_settings(job, 0.5, step), SecureRandom(KEY))
    if judging:
        found.append(learner.judge())
    return found, learner.state(), learner.result()


def slow(job: TrainingJob, changed: bytes) -> Judgement:
    """Of the classifier that a result makes, note by note."""
    encoder = find_encoder(Path(job.encoder_dir))
    tensors = merged_tensors(encoder, head_tensors()) | read_tensors(changed)
    classifier = build_classifier(tensors, job.labels, encoder.config)
    tokenizer = TextTokenizer(encoder.tokenizer_json)
    first, ten, losses = 0, 0, []
    for note in job.validation:
        features = torch.from_numpy(encode_texts(classifier, tokenizer, [note.text]))
        logits = {
            row: v for row, v in enumerate(classifier.head(features)[0].tolist()) if row in job.declared
        }
        better = sum(v >= logits[note.label] for row, v in logits.items() if row != note.label)
        first, ten = first + (better < 1), ten + (better < 10)
        losses.append(math.log(sum(math.exp(v) for v in logits.values())) - logits[note.label])
    return Judgement(first / len(losses), ten / len(losses), sum(losses) / len(losses))


def ways(job: TrainingJob) -> list[TrainingJob]:
    """Every scope; all three backends, dropout, and the task without labels."""
    scopes = [replace(job, scope=scope, learning_rate=0.05) for scope in (HEAD, *SCOPES)]
    lora = replace(job, scope="lora", learning_rate=0.05)
    backends = [replace(lora, backend=b, dropout=d) for b, d in (("ghost", 0.0), ("hooks", 0.0))]
    wet = [replace(lora, backend=b, dropout=0.4) for b in ("book-keeping", "hooks")]
    top = replace(job, scope="top", learning_rate=0.05)
    return [
        *scopes,
        *backends,
        *wet,
        replace(lora, task=MLM),
        replace(top, task=MLM),
        replace(top, dropout=0.4),
    ]


@pytest.mark.slow
def test_judging_leaves_every_way_of_training_as_it_was(job: TrainingJob) -> None:
    """Chance, modes, moments and gradients: the same bits come of it."""
    for this in ways(job):
        named = (this.scope, this.backend, this.dropout, this.task)
        _, state, result = trained(this, judging=False)
        found, kept, made = trained(this, judging=True)
        assert len(found) == 4
        assert (kept, made) == (state, result), named


@pytest.mark.slow
def test_what_is_judged_is_the_model_that_would_be_released(job: TrainingJob) -> None:
    for this in ways(job):
        found, _, result = trained(this, judging=True)
        last, expected = found[-1], slow(this, result)
        named = (this.scope, this.backend, this.dropout, this.task)
        assert (last.top1, last.top10) == (expected.top1, expected.top10), named
        assert last.loss == pytest.approx(expected.loss, abs=2e-5), named
        assert len({f.loss for f in found}) > 1, named  # it moves


def test_no_patients_text_moves_the_first_judgement(job: TrainingJob) -> None:
    """Before the first step nobody was learned from, whoever the patients are."""
    others = [TrainingPatient(0, ("no seizure",), 3)]
    for scope in (HEAD, "bitfit"):
        this = replace(job, scope=scope)
        assert make_learner(this, PEOPLE).judge() == make_learner(this, others).judge()


def test_a_judgement_agrees_with_a_slow_one() -> None:
    rng = np.random.default_rng(1)
    logits, truth = rng.normal(size=(40, 14)) * 5, rng.integers(14, size=40).tolist()
    found = judged(logits, truth)
    places = [
        sorted(row, reverse=True).index(row[own]) for row, own in zip(logits.tolist(), truth, strict=True)
    ]
    assert found.top1 == sum(place < 1 for place in places) / 40
    assert found.top10 == sum(place < 10 for place in places) / 40
    losses = [
        -math.log(math.exp(r[y]) / sum(map(math.exp, r))) for r, y in zip(logits.tolist(), truth, strict=True)
    ]
    assert found.loss == pytest.approx(sum(losses) / 40)


def test_a_model_that_has_diverged_has_a_curve_of_finite_numbers() -> None:
    for value in (np.nan, np.inf, -np.inf):
        found = judged(np.array([[value, 0.0], [value, value]]), [1, 0])
        assert math.isfinite(found.loss)
        assert found.top1 <= 0.5  # ties count against a note


def test_adapters_in_evaluation_are_left_in_their_own_mode(job: TrainingJob) -> None:
    """Part by part, not as a whole: Opacus trains some parts of a network that is otherwise in evaluation."""
    learner = make_learner(replace(job, scope="lora", backend="hooks"), PEOPLE)
    classifier = learner._classifier  # type: ignore[attr-defined]
    modes = [part.training for part in classifier.modules()]
    assert len(set(modes)) == 2
    learner.judge()
    assert [part.training for part in classifier.modules()] == modes
