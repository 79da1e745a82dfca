"""On a device other than the processor all of a step lies there; what is noised, kept and told does not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load
from torch.utils._pytree import tree_leaves

from ml.errors import TrainingRefused
from ml.privacy.csprng import SecureRandom
from ml.training import devices, dp_encoder, encoder_learner, head_learner
from ml.training.book_keeping import BookKeeping
from ml.training.classifier import Classifier
from ml.training.clipping import ClippedSum, Clipping
from ml.training.devices import CUDA, tokens_at_once, training_device
from ml.training.dp_encoder import make_backend
from ml.training.learner import make_learner
from ml.training.messages import MLM, TrainingJob, decode_start, encode_start
from ml.training.networks import Network
from ml.training.patient_batches import Patient, micro_batches
from ml.training.released_sums import NoiseAhead, step_noise
from ml.training.scopes import HEAD, SCOPES
from ml.training.step_timing import PlainTrainer
from ml.training.team import Team
from tests.ml.tiny_job import PEOPLE, tiny_job
from tests.ml.training import elsewhere as elsewhere_module
from tests.ml.training.elsewhere import ELSEWHERE, Elsewhere, elsewhere
from tests.ml.training.test_learner import KEY, trained
from tests.ml.training.tiny_masked import MASKED_WORDS, tiny_masked
from tests.ml.training.tiny_people import CLIP, NOTES, largest_difference, read_people, tiny
from tests.watching import watch

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:Full backward hook:UserWarning")]
FLAT = Clipping(CLIP)
PUBLIC = ("fever and seizure .", "no weak arm , short leg .")


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> TrainingJob:
    return tiny_job(tmp_path_factory.mktemp("tiny"), words=MASKED_WORDS, scope=HEAD, public_texts=PUBLIC)


@pytest.fixture(autouse=True)
def _noise_of_one_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card makes other numbers of a key than the processor does: here both make a card's."""
    monkeypatch.setattr(dp_encoder, "step_noise", NoiseAhead)


@contextmanager
def training_elsewhere() -> Iterator[None]:
    with elsewhere() as place, pytest.MonkeyPatch.context() as patch:
        for where in (encoder_learner, head_learner):
            patch.setattr(where, "training_device", lambda _name: place)
        yield


def assert_alike(left: bytes, right: bytes) -> None:
    ours, theirs = load(left), load(right)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert np.abs(value - theirs[name]).max() < 1e-5, name


@pytest.mark.parametrize(
    ("scope", "task"), [*((scope, "diagnosis") for scope in (HEAD, *SCOPES)), ("full", MLM), ("adalora", MLM)]
)
def test_a_run_elsewhere_is_the_processors_and_is_taken_up_there(
    job: TrainingJob, scope: str, task: str
) -> None:
    this = replace(job, scope=scope, task=task)
    kept, told = trained(this, 2)
    with training_elsewhere():
        kept_there, told_there = trained(this, 2)
        _, gone_on_there = trained(this, 1, kept)
    assert_alike(kept_there, kept)
    assert_alike(told_there, told)
    assert_alike(trained(this, 1, kept_there)[1], gone_on_there)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no graphics card that torch sees")
@pytest.mark.parametrize(
    ("scope", "task"), [*((scope, "diagnosis") for scope in (HEAD, *SCOPES)), ("full", MLM), ("adalora", MLM)]
)
def test_a_run_on_a_real_card_is_the_processors(job: TrainingJob, scope: str, task: str) -> None:
    this = replace(job, scope=scope, task=task)
    _, told = trained(this, 2)
    _, told_there = trained(replace(this, device=CUDA), 2)
    if scope == "adalora":  # the last bits decide between two ranks of like importance
        assert load(told_there).keys() == load(told).keys()
    else:
        assert_alike(told_there, told)


def clipped(engine: ClippedSum, people: list[Patient]) -> list[torch.Tensor]:
    totals = engine.clipped_sum(people, FLAT)
    engine.close()
    return totals


@pytest.mark.parametrize("backend", ["book-keeping", "ghost", "hooks"])
@pytest.mark.parametrize("scope", ["full", "top", "prefix"])
def test_each_backends_clipped_sum_lies_where_the_network_does(scope: str, backend: str) -> None:
    _, network, people = tiny(scope)
    here = clipped(make_backend(network, backend), people)
    with elsewhere() as place:
        _, network, people = tiny(scope)
        there = clipped(make_backend(network.to(place), backend), people)
        assert {type(total) for total in there} == {Elsewhere}
        assert largest_difference([total.cpu() for total in there], here) < 1e-6


@pytest.mark.parametrize("make", [tiny, tiny_masked])
@pytest.mark.parametrize("scope", SCOPES)
def test_the_processor_waits_once_a_micro_batch(
    scope: str,
    make: Callable[[str], tuple[Classifier, Network, list[Patient]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing else is read back from there: no number, and no size that depends on one."""
    with elsewhere() as place:
        _, network, people = make(scope)
        engine = BookKeeping(network.to(place))
        told, read_back = watch(monkeypatch, Elsewhere, "tolist"), waiting_calls(monkeypatch)
        engine.clipped_sum(people, FLAT)
        engine.close()
    assert len(told) == len(list(micro_batches(people, tokens_at_once(network)))) == 1
    assert not read_back


def waiting_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what is asked of the device from now on for which a card would be waited for."""
    seen: list[str] = []
    computed = elsewhere_module._computed

    def watched(call: Any, args: Any, kwargs: Any) -> Any:
        name = call.overloadpacket.__name__
        own = any(isinstance(leaf, Elsewhere) for leaf in tree_leaves((args, kwargs)))
        brought = name == "_to_copy" and kwargs.get("device") not in (None, ELSEWHERE)
        if own and (name in ("_local_scalar_dense", "nonzero", "_unique2", "is_nonzero", "equal") or brought):
            seen.append(name)
        return computed(call, args, kwargs)

    monkeypatch.setattr(elsewhere_module, "_computed", watched)
    return seen


@pytest.mark.parametrize("make", [tiny, tiny_masked])
def test_whoever_is_taken_alone_is_read_there_too(
    make: Callable[[str], tuple[Classifier, Network, list[Patient]]],
) -> None:
    _, network, people = make("full")
    here = clipped(BookKeeping(network, most_tokens=6), people)
    with elsewhere() as place:
        there = clipped(BookKeeping(network.to(place), most_tokens=6), people)
        assert largest_difference([total.cpu() for total in there], here) < 1e-6


def test_a_card_reads_more_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the sum is the same."""
    monkeypatch.setattr(devices, "MOST_TOKENS", 16)
    monkeypatch.setattr(devices, "MOST_TOKENS_ON_A_CARD", 64)
    together, passes = BookKeeping._together, list[int]()

    def counted(self: BookKeeping, batch: list[Patient], *more: Any) -> list[Patient]:
        passes.append(len(batch))
        return together(self, batch, *more)

    monkeypatch.setattr(BookKeeping, "_together", counted)
    _, network, people = tiny("full")
    here = clipped(BookKeeping(network), people)
    assert max(passes) < len(people)
    passes.clear()
    with elsewhere() as place:
        there = clipped(BookKeeping(network.to(place)), people)
        assert largest_difference([total.cpu() for total in there], here) < 1e-6
    assert passes == [len(people)]


def test_cached_states_are_kept_in_main_memory() -> None:
    classifier, _, _ = tiny("top")
    with elsewhere() as place:
        people = read_people(classifier.to(place), "top", NOTES)
    assert {type(part) for person in people for part in person.parts} == {torch.Tensor}


def test_the_plain_step_is_timed_there_too() -> None:
    _, network, people = tiny("full")
    with elsewhere() as place:
        plain = PlainTrainer(network.to(place), learning_rate=0.1)
        before = [p.detach().cpu() for p in plain.parameters]
        plain.step(people)
        assert largest_difference([p.detach().cpu() for p in plain.parameters], before) > 0.01


def test_what_is_released_there_is_what_the_processor_releases() -> None:
    sums = [torch.linspace(-1, 1, count).reshape(2, -1) for count in (40_000, 400_000)]
    here = [total.clone() for total in sums]
    with NoiseAhead(here, SecureRandom(KEY)) as noise:
        noise.release(here, 0.7, divisor=3.0)
    assert largest_difference(here, sums) > 0.5
    with elsewhere() as place:
        there = [total.to(place) for total in sums]
        with step_noise(there, SecureRandom(KEY)) as noise:
            noise.release(there, 0.7, divisor=3.0)
        assert {type(total) for total in there} == {Elsewhere}
        assert all(torch.equal(total.cpu(), own) for total, own in zip(there, here, strict=True))


def test_a_tensor_left_on_the_processor_is_found(job: TrainingJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pretended card refuses what a real one would."""
    eye = torch.eye
    monkeypatch.setattr(torch, "eye", lambda count, **_where: eye(count))
    with training_elsewhere(), pytest.raises(RuntimeError, match="two devices"):
        trained(replace(job, scope="adalora"), 1)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a graphics card")
def test_a_card_that_torch_does_not_see_is_refused_with_the_remedy(job: TrainingJob) -> None:
    for scope in (HEAD, "lora"):
        with pytest.raises(TrainingRefused, match="install the CUDA build of torch"):
            make_learner(replace(job, scope=scope, device=CUDA), PEOPLE)
    with pytest.raises(TrainingRefused, match="choose one of cpu, cuda"):
        training_device("tpu")


def test_a_team_trains_on_processors_and_an_older_job_too(job: TrainingJob) -> None:
    with pytest.raises(TrainingRefused, match="processor cores"):
        make_learner(replace(job, scope="lora", device=CUDA), PEOPLE, Team.__new__(Team))
    start = encode_start(job, [])
    del start["job"]["device"]  # type: ignore[attr-defined]
    assert decode_start(start)[0].device == "cpu"
