"""Every backend gives each scope the sum of micro-batches of one patient; every parameter has its part."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from ml.errors import TrainingRefused
from ml.training import own_gradients
from ml.training.book_keeping import BookKeeping
from ml.training.clipping import Clipping
from ml.training.dp_encoder import EncoderTrainer, make_backend
from ml.training.networks import Labelled, Network, TokenNetwork
from ml.training.patient_batches import Part, Patient, micro_batches, size
from ml.training.scopes import SCOPES
from tests.ml.training.grouped import ALL_TOGETHER, grouped
from tests.ml.training.tiny_people import (
    CLIP,
    distance,
    largest_difference,
    one_by_one,
    own_gradient,
    read_people,
    tiny,
)
from tests.watching import watch

FLAT = Clipping(CLIP)
LOOPS = "each alone"
WAYS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    LOOPS: nullcontext,
    "all together": lambda: grouped(ALL_TOGETHER),
    "in groups": grouped,
}
pytestmark = pytest.mark.filterwarnings("ignore:Full backward hook:UserWarning")


@pytest.fixture(params=[0.0, 1e9], ids=["written out", "by Gram matrices"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_gradients, "WRITTEN_OUT_FROM", request.param)


@pytest.fixture(params=WAYS)
def _device(request: pytest.FixtureRequest) -> Iterator[None]:
    with WAYS[request.param]():
        yield


def clipped(
    network: Network, people: list[Patient], clipping: Clipping = FLAT, **more: object
) -> list[torch.Tensor]:
    engine = BookKeeping(network, **more)  # type: ignore[arg-type]
    try:
        return engine.clipped_sum(people, clipping)
    finally:
        engine.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "way"),
    [*((backend, way) for way in WAYS for backend in ("book-keeping", "ghost")), ("hooks", LOOPS)],
)
@pytest.mark.parametrize("scope", SCOPES)
def test_every_backend_equals_micro_batches_of_one(scope: str, backend: str, way: str) -> None:
    _, network, people = tiny(scope)
    slow = one_by_one(network, people)
    with WAYS[way]():
        engine = make_backend(network, backend)
        assert largest_difference(engine.clipped_sum(people, FLAT), slow) < 1e-5
    engine.close()
    assert all(p.requires_grad for p in engine.parameters)


@pytest.mark.slow
@pytest.mark.usefixtures("_device")
@pytest.mark.parametrize("scope", ["full", "lora"])
def test_sums_agree_with_opacus(scope: str) -> None:
    _, network, people = tiny(scope)
    found = clipped(network, people)
    theirs = make_backend(network, "hooks").clipped_sum(people, FLAT)
    assert largest_difference(found, theirs) < 1e-5


@pytest.mark.usefixtures("_way", "_device")
@pytest.mark.parametrize("scope", ["full", "top"])
def test_both_ways_to_a_length_equal_micro_batches_of_one(scope: str) -> None:
    _, network, people = tiny(scope)
    assert largest_difference(clipped(network, people), one_by_one(network, people)) < 1e-5


@pytest.mark.parametrize("scope", SCOPES)
def test_every_trained_parameter_has_a_part_in_somebodys_gradient(scope: str) -> None:
    classifier, network, people = tiny(scope)
    trained = {id(p) for p in classifier.parameters() if p.requires_grad}
    parameters = [p for p in network.parameters() if p.requires_grad]
    assert {id(p) for p in parameters} == trained
    names = {id(p): name for name, p in classifier.named_parameters()}
    moved = [
        sum(own_gradient(network, p, parameters)[i].abs().sum() for p in people)
        for i in range(len(parameters))
    ]
    still = {names[id(p)] for p, m in zip(parameters, moved, strict=True) if float(m) < 1e-9}
    # attention does not change when all keys of a row move alike, so a key's bias has no gradient at all
    assert all(name.endswith("key.bias") for name in still)
    ours = clipped(network, people)
    assert {
        names[id(p)] for p, g in zip(parameters, ours, strict=True) if not float(g.abs().sum()) > 0
    } <= still


@pytest.mark.usefixtures("_device")
def test_a_patient_larger_than_a_pass_is_taken_alone_and_exactly() -> None:
    classifier, network, people = tiny("full")
    many = read_people(classifier, "full", [("fever arm", "no leg", "weak") * 12])
    everybody = [*people, *many]
    assert (
        largest_difference(clipped(network, everybody, most_tokens=40), one_by_one(network, everybody)) < 1e-5
    )


@pytest.mark.usefixtures("_device")
@pytest.mark.parametrize("notes", [1, 20, 1000])
@pytest.mark.parametrize("scope", ["full", "prefix", "top"])
def test_one_patient_moves_the_sum_by_at_most_the_clip_whatever_her_notes(scope: str, notes: int) -> None:
    classifier, network, people = tiny(scope)
    her = read_people(classifier, scope, [("weak leg no",) * notes])
    for clipping in (Clipping(1e-3), Clipping(1e-3, "automatic")):
        moved = distance(clipped(network, [*people, *her], clipping), clipped(network, people, clipping))
        assert 0 < moved <= 1e-3 * (1 + 1e-4)


@pytest.mark.usefixtures("_way", "_device")
def test_one_patient_alone_in_a_pass_may_have_windows_of_any_length() -> None:
    classifier, network, _ = tiny("full")
    her = read_people(classifier, "full", [("fever", "no leg weak arm short", "arm leg")])
    assert largest_difference(clipped(network, her), one_by_one(network, her)) < 1e-5


def test_automatic_clipping_lengthens_short_gradients_towards_the_norm() -> None:
    _, network, people = tiny("full")
    parameters = [p for p in network.parameters() if p.requires_grad]
    length = distance(own_gradient(network, people[0], parameters), [torch.zeros(())] * len(parameters))
    alone = clipped(network, people[:1], Clipping(50.0, "automatic"))
    assert distance(alone, [torch.zeros(())] * len(alone)) == pytest.approx(
        50 * length / (length + 0.01), rel=1e-4
    )


@pytest.mark.usefixtures("_device")
def test_parts_that_nearly_cancel_are_not_taken_for_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """In single precision Gram matrices lose a length small beside its parts; such patients go alone."""
    taken = watch(monkeypatch, BookKeeping, "_alone")
    monkeypatch.setattr(own_gradients, "WRITTEN_OUT_FROM", 1e9)
    linear = torch.nn.Linear(64, 1, bias=False)
    network = _Cancelling(linear)
    her = Patient((torch.ones(400, 64),), 0)
    slow = one_by_one(network, [her], clip=1e-4)  # type: ignore[arg-type]
    found = clipped(network, [her], Clipping(1e-4))  # type: ignore[arg-type]
    assert [person for _, person, *_ in taken] == [her]
    assert largest_difference(found, slow) < 1e-7


class _Cancelling(Labelled):
    """Logits whose gradient at one token is the negative of that at the next, but for a little."""

    def __init__(self, linear: torch.nn.Linear):
        super().__init__()
        self.linear = linear

    def collate(self, parts: Sequence[Part]) -> tuple[torch.Tensor, ...]:
        return (torch.stack([part for part in parts if isinstance(part, torch.Tensor)]),)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        signs = torch.tensor([100.0, -99.999]).repeat(states.shape[1] // 2)
        one = (self.linear(states)[..., 0] * signs).sum(1, keepdim=True)
        return torch.cat([one, torch.zeros_like(one)], 1)


@pytest.mark.usefixtures("_device")
@pytest.mark.parametrize("backend", ["book-keeping", "ghost", "hooks"])
def test_a_gradient_that_is_not_finite_counts_as_zero(backend: str) -> None:
    _, network, people = tiny("top")
    states = people[1].parts[0]
    assert isinstance(states, torch.Tensor)
    ill = Patient((states * float("nan"),), 0)
    engine = make_backend(network, backend)
    with_ill, without = (engine.clipped_sum(p, FLAT) for p in ([*people, ill], people))
    engine.close()
    assert largest_difference(with_ill, without) < 1e-6


def test_micro_batches_keep_patients_whole_the_smallest_first() -> None:
    classifier, _, _ = tiny("full")
    people = read_people(
        classifier, "full", [("fever",) * n + ("arm leg no " * k,) for n in range(4) for k in range(5)]
    )
    batches = list(micro_batches(people, most_tokens=60))
    assert sorted(id(p) for batch in batches for p in batch) == sorted(map(id, people))
    assert all(len(batch) == 1 or sum(map(size, batch)) <= 60 for batch in batches)
    sizes = [size(p) for batch in batches for p in batch]
    assert sizes == sorted(sizes)
    assert all(  # none is opened before it is needed
        sum(map(size, batch)) + size(after[0]) > 60 for batch, after in pairwise(batches)
    )


def test_ghost_is_refused_under_dropout_and_unknown_names_are_told() -> None:
    _, network, _ = tiny("top")
    with pytest.raises(TrainingRefused, match="dropout"):
        EncoderTrainer(network.train(), backend="ghost")
    with pytest.raises(TrainingRefused, match="book-keeping"):
        EncoderTrainer(network.eval(), backend="none")
    with pytest.raises(TrainingRefused, match="adamw"):
        EncoderTrainer(network, optimizer="none")


@pytest.mark.slow
@pytest.mark.usefixtures("_device")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_peft_adds_has_its_private_gradient(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(3)
    classifier, _, people = tiny("bitfit")
    wanted = get_peft_model(
        classifier, LoraConfig(r=2, target_modules=["query", "value"], init_lora_weights=False)
    )
    network = TokenNetwork(wanted.base_model.model)
    assert any("lora_A" in name for name, p in network.named_parameters() if p.requires_grad)
    assert largest_difference(clipped(network, people), one_by_one(network, people)) < 1e-5


def test_a_layer_without_a_known_gradient_is_refused() -> None:
    _, network, _ = tiny("top")
    network.add_module("odd", torch.nn.PReLU())
    with pytest.raises(TrainingRefused, match="odd"):
        BookKeeping(network)
