"""AdaLoRA is peft's: the same change, the same pull, the same ranks given up; merged without a trace."""

from typing import Any

import pytest
import torch

from ml.training import adalora
from ml.training.adalora import AdaLoraLinear, RankAllocator, merge_adalora, rank_budget
from tests.ml.training.tiny_people import largest_difference, tiny

STEPS, START, WANTED = 10, 4, 2
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def layers_of(classifier: torch.nn.Module) -> list[AdaLoraLinear]:
    return [m for m in classifier.modules() if isinstance(m, AdaLoraLinear)]


def pefts_twin(classifier: torch.nn.Module) -> tuple[Any, list[list[torch.nn.Parameter]]]:
    """peft's model of the same start, and its left, values and right of each layer."""
    from peft import AdaLoraConfig, get_peft_model

    plain, _, _ = tiny("bitfit")
    ours, ranks = layers_of(classifier), len(layers_of(classifier)[0].values.weight)
    config = AdaLoraConfig(
        init_r=ranks,
        target_r=WANTED,
        tinit=round(adalora.WARM_UP * STEPS),
        tfinal=round(adalora.SETTLED * STEPS),
        total_step=STEPS,
        lora_alpha=round(ours[0].scale * ranks),
        target_modules=["query", "value"],
    )
    model = get_peft_model(plain, config)
    theirs = [m for m in model.modules() if hasattr(m, "ranknum") and hasattr(m, "base_layer")]
    parts = [[m.lora_B["default"], m.lora_E["default"], m.lora_A["default"]] for m in theirs]
    with torch.no_grad():
        for layer, (left, values, right), twin in zip(ours, parts, theirs, strict=True):
            twin.base_layer.load_state_dict(layer.frozen.state_dict())
            for mine, yours in zip(layer.parts(), (left, values, right), strict=True):
                yours.copy_(mine.reshape(yours.shape))
    return model, parts


@pytest.mark.slow
def test_ranks_are_given_up_as_peft_gives_them_up() -> None:
    classifier, _, _ = tiny("adalora")
    layers = layers_of(classifier)
    model, parts = pefts_twin(classifier)
    ours = RankAllocator(layers, steps=STEPS, rank=WANTED)
    theirs = model.base_model.rankallocator
    seen = set()
    for step in range(1, STEPS + 1):
        for layer, twin in zip(layers, parts, strict=True):
            for mine, yours in zip(layer.parts(), twin, strict=True):
                mine.grad = torch.randn_like(mine)
                yours.grad = mine.grad.reshape(yours.shape).clone()
                with torch.no_grad():
                    mine.sub_(0.1 * mine.grad)
                    yours.sub_(0.1 * yours.grad)
        ours.follow()
        theirs.update_and_allocate(model.base_model.model, step)
        kept = torch.cat([layer.values.weight for layer in layers]).detach()
        pefts = torch.cat([values.view(-1) for _, values, _ in parts]).detach()
        assert float((kept - pefts).abs().max()) < 1e-6
        seen.add(int((kept != 0).sum()))
    assert min(seen) == WANTED * len(layers)
    assert len(seen) > 2


@pytest.mark.slow
def test_the_pull_is_the_slope_of_pefts_penalty() -> None:
    classifier, _, _ = tiny("adalora")
    layers = layers_of(classifier)
    ours = RankAllocator(layers, steps=STEPS)
    penalty = torch.stack(
        [
            torch.linalg.matrix_norm(rows @ rows.T - torch.eye(len(rows)))
            for layer in layers
            for rows in (layer.left.weight.T, layer.right.weight)
        ]
    ).mean()
    parts = [part for layer in layers for part in layer.parts()]
    slopes = torch.autograd.grad(adalora.PULL * penalty, parts, allow_unused=True)
    for part in parts:
        part.grad = torch.zeros_like(part)
    ours.pull()
    wanted = [torch.zeros_like(p) if s is None else s for p, s in zip(parts, slopes, strict=True)]
    assert largest_difference([p.grad for p in parts if p.grad is not None], wanted) < 1e-6


@pytest.mark.slow
def test_the_change_is_pefts_and_is_merged_whole() -> None:
    classifier, network, people = tiny("adalora")
    layers = layers_of(classifier)
    _, parts = pefts_twin(classifier)
    inputs = torch.randn(5, layers[0].frozen.in_features)
    for layer, (left, values, right) in zip(layers, parts, strict=True):
        wanted = layer.frozen(inputs) + layer.scale * (inputs @ (right * values).T @ left.T)
        assert torch.allclose(layer(inputs), wanted, atol=1e-5)
    feed = network.collate([people[0].parts[0]])
    adapted = network(*feed)
    merge_adalora(classifier)
    assert not layers_of(classifier)
    assert torch.allclose(network(*feed), adapted, atol=1e-5)


def test_nothing_changes_before_the_first_step() -> None:
    linear = torch.nn.Linear(8, 5)
    inputs = torch.randn(3, 8)
    layer = AdaLoraLinear(linear, rank=4, scale=3.0)
    assert torch.equal(layer(inputs), linear(inputs))
    assert torch.allclose(layer.right.weight @ layer.right.weight.T, torch.eye(4), atol=1e-5)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 30, 1000])
def test_the_budget_never_grows_and_ends_where_it_should(steps: int) -> None:
    budgets = [rank_budget(step, steps, whole=START * 12, wanted=WANTED * 12) for step in range(1, steps + 1)]
    assert budgets == sorted(budgets, reverse=True)
    assert budgets[-1] == WANTED * 12
    assert all(WANTED * 12 <= b <= START * 12 for b in budgets)


def test_a_run_too_short_to_judge_gives_up_no_more_than_the_rest() -> None:
    """All ranks count alike then, and the budget still says how many are left."""
    classifier, _, _ = tiny("adalora")
    layers = layers_of(classifier)
    allocator = RankAllocator(layers, steps=2, rank=WANTED)
    for _ in range(2):
        for layer in layers:
            for part in layer.parts():
                part.grad = torch.ones_like(part)
            with torch.no_grad():
                layer.values.weight.fill_(1.0)
        allocator.follow()
    assert sum(int((layer.values.weight != 0).sum()) for layer in layers) == WANTED * len(layers)
