"""Learning without labels: what is hidden, the loss against a slow one, the clip, what is handed over."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ml.errors import TrainingRefused
from ml.inference.version_loading import merged_tensors
from ml.privacy.csprng import SecureRandom
from ml.registry.tensor_file import read_tensors
from ml.text.encoder_files import find_encoder
from ml.text.tokenizer import TextTokenizer, Window
from ml.training.book_keeping import BookKeeping, patient_losses
from ml.training.classifier import build_classifier
from ml.training.clipping import Clipping
from ml.training.dp_encoder import make_backend
from ml.training.learner import make_learner
from ml.training.masked_words import HIDDEN, SHARE, MaskedWindow, MaskedWordsNetwork, Masking, fit_decoder
from ml.training.messages import TrainingJob, TrainingPatient
from ml.training.scopes import SCOPES
from ml.training.worker import step_settings
from tests.ml.tiny_job import tiny_job
from tests.ml.tiny_model import LABELS, head_tensors, tokenizer_json, write_tiny_encoder
from tests.ml.training.grouped import grouped
from tests.ml.training.tiny_masked import MASKED_WORDS, masked_people, tiny_masked
from tests.ml.training.tiny_people import CLIP, distance, largest_difference, one_by_one

pytestmark = pytest.mark.filterwarnings("ignore:Full backward hook:UserWarning")
FLAT = Clipping(CLIP)
LONG = Window(0, (2, *range(100, 4100), 3), ((0, 0), *((i, i + 1) for i in range(4000)), (0, 0)))
PEOPLE = [
    TrainingPatient(0, ("seizure and fever", "no fever"), -1),
    TrainingPatient(1, ("weak arm . no leg",), -1),
    TrainingPatient(2, ("short leg fever weak",), -1),
]


def test_one_token_in_seven_is_to_be_guessed_and_most_of_them_are_hidden() -> None:
    masked = Masking(mask_id=1, words=5000).masked(LONG, step=0)
    assert len(masked.places) == round(SHARE * 4000)
    assert masked.truths == tuple(LONG.ids[place] for place in masked.places)
    others = set(range(len(LONG.ids))) - set(masked.places)
    assert all(masked.ids[place] == LONG.ids[place] for place in others)
    now = [masked.ids[place] for place in masked.places]
    left = sum(a == b for a, b in zip(now, masked.truths, strict=True))
    assert abs(now.count(1) / len(now) - HIDDEN) < 0.06
    assert 0.05 < left / len(now) < 0.16


def test_special_tokens_are_never_hidden_and_a_short_window_has_one_hidden() -> None:
    masking = Masking(mask_id=1, words=12)
    for step in range(50):
        masked = masking.masked(Window(0, (2, 5, 6, 3), ((0, 0), (0, 1), (1, 2), (0, 0))), step)
        assert len(masked.places) == 1
        assert masked.places[0] in (1, 2)
    assert masking.masked(Window(0, (2, 3), ((0, 0), (0, 0))), 0).places == ()


def test_a_mask_follows_from_the_step_and_the_window_alone() -> None:
    masking, people = masked_people()
    first = masking.masked_patients(people, 3)
    assert masking.masked_patients(people[::-1], 3) == first[::-1]
    assert masking.masked_patients(people[1:2], 3) == first[1:2]
    assert any(masking.masked_patients(people, step) != first for step in range(4, 8))


def test_a_loss_is_the_mean_over_windows_of_the_mean_over_their_hidden_words() -> None:
    _, network, people = tiny_masked("full")
    for person in people:
        means: list[float] = []
        for window in person.parts:
            assert isinstance(window, MaskedWindow)
            states = network(*network.collate([window]))[0].detach()
            guesses = [network.decoder(states[place]).log_softmax(-1) for place in window.places]
            means.append(
                -sum(float(g[t]) for g, t in zip(guesses, window.truths, strict=True)) / len(guesses)
            )
        slow = sum(means) / len(means)
        assert float(patient_losses(network, [person]).detach() - slow) == pytest.approx(0, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "way"),
    [
        ("book-keeping", nullcontext),
        ("book-keeping", grouped),
        ("ghost", nullcontext),
        ("ghost", grouped),
        ("hooks", nullcontext),
    ],
)
@pytest.mark.parametrize("scope", SCOPES)
def test_every_backend_equals_micro_batches_of_one(scope: str, backend: str, way: Any) -> None:
    classifier, network, people = tiny_masked(scope)
    slow = one_by_one(network, people)
    engine = make_backend(network, backend)
    owned = {id(p) for p in engine.parameters}
    assert owned <= {id(p) for p in classifier.encoder.parameters()}
    with way():
        found = engine.clipped_sum(people, FLAT)
    engine.close()
    assert largest_difference(found, slow) < 1e-5
    assert distance(found, [torch.zeros(())] * len(found)) > 1e-4


@pytest.mark.parametrize("notes", [1, 300])
def test_one_patient_moves_the_sum_by_at_most_the_clip_whatever_her_notes(notes: int) -> None:
    _, network, people = tiny_masked("full")
    masking, whole = masked_people((("weak leg no fever",) * notes,))
    her = masking.masked_patients(whole, 0)
    engine = BookKeeping(network)
    with_her, without = (engine.clipped_sum(p, Clipping(1e-3)) for p in ([*people, *her], people))
    assert 0 < distance(with_her, without) <= 1e-3 * (1 + 1e-3)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> TrainingJob:
    return tiny_job(
        tmp_path_factory.mktemp("tiny"),
        words=MASKED_WORDS,
        scope="full",
        task="mlm",
        public_texts=("fever and seizure .", "no weak arm , short leg ."),
    )


def trained(job: TrainingJob, steps: int, state: bytes = b"", noise: float = 0.5) -> tuple[bytes, bytes]:
    torch.manual_seed(len(state))
    learner = make_learner(job, PEOPLE)
    if state:
        learner.restore(state)
    for step in range(steps):
        learner.step([0, 1, 2], step_settings(job, noise, step), SecureRandom(b"k" * 32))
    return learner.state(), learner.result()


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["top", "full"])
def test_the_encoder_changes_and_gate_and_head_stay(job: TrainingJob, scope: str) -> None:
    encoder = find_encoder(Path(job.encoder_dir))
    before = merged_tensors(encoder, head_tensors())
    changed = read_tensors(trained(replace(job, scope=scope), 1)[1])
    assert changed
    assert all(name.startswith("encoder.") for name in changed)
    assert (scope == "full") == any("word_embeddings" in name for name in changed)
    build_classifier(before | changed, LABELS, encoder.config)


@pytest.mark.slow
def test_a_run_taken_up_goes_on_as_if_it_had_not_stopped(job: TrainingJob) -> None:
    kept, _ = trained(job, 2)
    _, taken_up = trained(replace(job, done_steps=2), 2, kept)
    _, whole = trained(job, 4)
    for name, value in read_tensors(whole).items():
        assert np.abs(read_tensors(taken_up)[name] - value).max() < 1e-6, name


@pytest.mark.slow
def test_hidden_words_are_guessed_better_after_a_run_without_noise(job: TrainingJob) -> None:
    """By the decoder of the start, on masks that no step has seen."""
    after = read_tensors(trained(replace(job, steps=40), 40, noise=0.0)[1])
    assert masked_loss(job, after) < masked_loss(job, {}) - 0.1


def masked_loss(job: TrainingJob, changed: dict[str, np.ndarray]) -> float:
    encoder = find_encoder(Path(job.encoder_dir))
    start = merged_tensors(encoder, head_tensors())
    tokenizer = TextTokenizer(encoder.tokenizer_json)
    first = build_classifier(start, LABELS, encoder.config)
    masking = Masking(len(MASKED_WORDS) - 1, len(MASKED_WORDS))
    decoder = fit_decoder(first, tokenizer.windows(job.public_texts), masking)
    network = MaskedWordsNetwork(build_classifier(start | changed, LABELS, encoder.config), decoder)
    windows = tokenizer.windows([text for p in PEOPLE for text in p.texts])
    masked = [masking.masked(w, step) for step in range(1000, 1020) for w in windows]
    with torch.no_grad():
        return float(network.losses(masked, torch.empty(0)).mean())


def test_fitting_the_decoder_on_public_notes_lowers_its_loss_there() -> None:
    classifier, plain, _ = tiny_masked("lora")
    masking, people = masked_people()
    windows = [part for p in people for part in p.parts if isinstance(part, Window)]
    fitted = MaskedWordsNetwork(classifier, fit_decoder(classifier, windows, masking))
    masked = [masking.masked(w, 1000) for w in windows]
    before, after = (float(n.losses(masked, torch.empty(0)).mean().detach()) for n in (plain, fitted))
    assert after < before - 0.3


def test_what_cannot_be_learned_so_is_refused_in_words(job: TrainingJob, tmp_path: Path) -> None:
    with pytest.raises(TrainingRefused, match="head names diseases"):
        make_learner(replace(job, scope="head"), PEOPLE)
    with pytest.raises(TrainingRefused, match="diagnosis, mlm"):
        make_learner(replace(job, task="none"), PEOPLE)
    write_tiny_encoder(tmp_path / "maskless")
    with pytest.raises(TrainingRefused, match="no \\[MASK\\]"):
        make_learner(replace(job, encoder_dir=str(tmp_path / "maskless")), PEOPLE)
    assert TextTokenizer(tokenizer_json()).token_id("fever") == MASKED_WORDS.index("fever")
