"""What the encoder's guarantee rests on, as checks over whatever code is loaded now; see `dp_checks`."""

from collections.abc import Callable, Sequence

import torch

from ml.privacy.csprng import GRID, SecureRandom
from ml.training import own_gradients, released_sums
from ml.training.adalora import SMOOTHING, AdaLoraLinear, allocate_ranks
from ml.training.book_keeping import BookKeeping
from ml.training.clipping import Clipping
from ml.training.dp_encoder import EncoderTrainer
from ml.training.dp_head import StepSettings
from ml.training.patient_batches import Patient, size
from ml.training.released_sums import step_noise
from ml.training.team import Team
from tests.ml.training.elsewhere import elsewhere
from tests.ml.training.tiny_masked import masked_people, tiny_masked
from tests.ml.training.tiny_people import CLIP, distance, largest_difference, one_by_one, read_people, tiny

PLAN = StepSettings(max_grad_norm=CLIP, noise_multiplier=2.0, expected_batch=8.0, learning_rate=0.1)
SILENT = StepSettings(max_grad_norm=CLIP, noise_multiplier=0.0, expected_batch=8.0, learning_rate=0.1)


def released(
    trainer: EncoderTrainer, people: list[Patient], settings: StepSettings = SILENT
) -> list[torch.Tensor]:
    """What one step hands to the optimizer; a step that releases nothing fails."""
    seen: list[list[torch.Tensor]] = []
    trainer.descend = lambda _settings: seen.append([p.grad.clone() for p in trainer.parameters])  # type: ignore
    trainer.step(people, settings=settings, random=SecureRandom())
    assert len(seen) == 1, "the step was not taken"
    return [gradient * settings.expected_batch for gradient in seen[0]]


def the_encoders_sum_is_of_clipped_patients() -> None:
    """By both backends of ours and both ways to a length, one patient larger than a pass among them."""
    classifier, network, people = tiny("full")
    people += read_people(classifier, "full", [("fever arm", "no leg weak", "arm") * 8])
    slow = one_by_one(network, people)
    kept = own_gradients.WRITTEN_OUT_FROM
    try:
        for way, ghost in ((0.0, False), (1e9, False), (1e9, True)):
            own_gradients.WRITTEN_OUT_FROM = way
            engine = BookKeeping(network, most_tokens=60, ghost=ghost)
            found = engine.clipped_sum(people, Clipping(CLIP))
            engine.close()
            assert largest_difference(found, slow) < 1e-5
    finally:
        own_gradients.WRITTEN_OUT_FROM = kept


def micro_batches_add_up_without_rounding() -> None:
    """As many times the same patient as fill 127 micro-batches are exactly 127 of her, however large."""
    _, network, people = tiny("full")
    engine = BookKeeping(network, most_tokens=size(people[0]))
    one, many = (engine.clipped_sum(people[:1] * count, Clipping(CLIP)) for count in (1, 127))
    engine.close()
    for alone, total in zip(one, many, strict=True):
        assert torch.equal(total, 127 * alone.double())


def one_patient_moves_every_scope_by_at_most_the_clip() -> None:
    """Whatever her notes; the length is over all parameters together."""
    for scope in ("top", "bitfit", "lora", "adalora", "adapter", "prefix"):
        classifier, network, people = tiny(scope)
        for notes in (("leg",), ("weak leg", "no fever", "arm", "short arm .") * 2):
            (her,) = read_people(classifier, scope, [notes])
            for kind in ("flat", "automatic"):
                engine = BookKeeping(network)
                clipping = Clipping(1e-3, kind)
                moved = [engine.clipped_sum(drawn, clipping) for drawn in ([*people, her], people)]
                engine.close()
                assert 0 < distance(*moved) <= 1e-3 * (1 + 1e-3), (scope, kind)


def an_encoders_noise_has_its_spread_whoever_was_drawn() -> None:
    """Within 1 % on 10^5 coordinates, over every parameter, new in each."""
    _, network, people = tiny("full", labels=12_000, rows=range(12_000))
    trainer = EncoderTrainer(network)
    spread = PLAN.noise_multiplier * CLIP
    for drawn in (people[:0], people[:1]):
        told = zip(released(trainer, drawn, PLAN), released(trainer, drawn), strict=True)
        sums = [noise - silent for noise, silent in told]
        for part in sums:
            if part.numel() >= 64:
                assert 0.6 < float(part.std()) / spread < 1.4
        numbers = torch.cat([part.flatten() for part in sums])
        assert len(numbers) > 1e5
        assert len(torch.unique(numbers)) > 0.9 * len(numbers)
        assert abs(float(numbers.std()) / spread - 1) < 0.01


def an_encoders_noise_hides_the_last_bits() -> None:
    """What a step releases is a whole number of one grid's units, odd as often as even, whatever the sum."""
    for odd in (0, 1):
        total = torch.full((20_000,), 0.75 + odd * 2.0**-24)
        noise = torch.from_numpy(SecureRandom().grid_gaussians(len(total)))
        units = released_sums.noisy(total, noise, 2.0) / (2.0 / GRID)
        assert float((units - units.round()).abs().max()) < 1e-3
        assert abs(float((units.round() % 2).mean()) - 0.5) < 0.02


def noise_is_new_in_every_stretch_and_step() -> None:
    """Whoever makes it, in place or ahead: no number of two generators' two steps comes twice."""
    made: list[torch.Tensor] = []
    with elsewhere() as there:
        for device in (torch.device("cpu"), there):
            for random in (SecureRandom(), SecureRandom()):
                for _ in range(2):
                    sums = [
                        torch.zeros(count, dtype=torch.float64).to(device) for count in (300_000, 5, 200_000)
                    ]
                    with step_noise(sums, random) as noise:
                        noise.release(sums, 1.0, divisor=1.0)
                    made += [total.cpu() for total in sums]
    numbers = torch.cat(made)
    assert abs(float(numbers.std()) - 1) < 0.01
    assert len(torch.unique(numbers)) > 0.999 * len(numbers)


def an_encoders_divisor_is_public() -> None:
    """The same whether one patient or five were drawn."""
    _, network, people = tiny("top")
    trainer = EncoderTrainer(network)
    one, five = (released(trainer, people[:1] * count) for count in (1, 5))
    assert largest_difference([5 * g for g in one], five) < 1e-4


def an_encoder_counts_no_gradient_that_is_not_finite() -> None:
    """NaN and infinity in one patient leave the others' sum alone."""
    _, network, people = tiny("top")
    well, ill = people[:2], people[2].parts[0]
    assert isinstance(ill, torch.Tensor)
    trainer = EncoderTrainer(network)
    alone = released(trainer, well)
    for value in (float("nan"), float("inf")):
        spoilt = Patient((ill * value,), people[2].label)
        assert largest_difference(released(trainer, [*well, spoilt]), alone) < 1e-6


def ranks_are_chosen_by_what_was_released() -> None:
    """Scores follow from the parameters and the gradients that a step hands out, noise included; ranks go."""
    classifier, network, people = tiny("adalora")
    allocator = allocate_ranks(classifier, 10)
    trainer = EncoderTrainer(network, allocator=allocator)
    layers = [m for m in classifier.modules() if isinstance(m, AdaLoraLinear)]
    descend, follow, handed_out = trainer.descend, allocator.follow, list[torch.Tensor]()
    smooth = [torch.zeros_like(p) for p in trainer.parameters]
    spread = [torch.zeros_like(p) for p in trainer.parameters]

    def watched(settings: StepSettings) -> None:
        handed_out[:] = [p.grad.clone() for p in trainer.parameters]  # type: ignore[union-attr]
        descend(settings)

    def judged() -> None:
        for i, p in enumerate(trainer.parameters):
            now = (p.detach() * handed_out[i]).abs()
            smooth[i] = SMOOTHING * smooth[i] + (1 - SMOOTHING) * now
            spread[i] = SMOOTHING * spread[i] + (1 - SMOOTHING) * (now - smooth[i]).abs()
        follow()

    trainer.descend, allocator.follow = watched, judged  # type: ignore[method-assign]
    allocator.pull = lambda: None  # type: ignore[method-assign]
    for _ in range(6):
        trainer.step(people, settings=PLAN, random=SecureRandom())
    counted: dict[torch.Tensor, torch.Tensor]
    counted = {p: s * u for p, s, u in zip(trainer.parameters, smooth, spread, strict=True)}
    for layer, scores in zip(layers, allocator.scores(), strict=True):
        left, values, right = (counted[p] for p in layer.parts())
        assert torch.allclose(scores, left.mean(0) + values + right.mean(1), rtol=1e-3), (
            "not what was released"
        )
    given_up = sum(int((layer.values.weight == 0).sum()) for layer in layers)
    assert 0 < given_up < sum(len(layer.values.weight) for layer in layers)


def hidden_words_are_guessed_by_each_patient_for_herself() -> None:
    """Her mask and her gradient are the same whoever was drawn, and what she moves is in the clip."""
    _, network, _ = tiny_masked("full")
    masking, people = masked_people()
    masked = masking.masked_patients(people, 1)
    assert masking.masked_patients(people[::-1], 1)[::-1] == masked, "a mask depends on who else was drawn"
    for clip in (1e-3, 1e3):
        engine = BookKeeping(network)
        found = engine.clipped_sum(masked, Clipping(clip))
        without = engine.clipped_sum(masking.masked_patients(people[1:], 1), Clipping(clip))
        engine.close()
        slow = one_by_one(network, masked, clip)
        assert largest_difference(found, slow) < 1e-5 * max(1.0, float(max(p.abs().max() for p in slow)))
        assert distance(found, without) <= clip * (1 + 1e-3)


class _InTurns(Team):
    """Two members without processes: the second has summed its share before the first adds it up."""

    def __init__(self, rank: int, between: list[torch.Tensor]):
        self.rank, self.size, self._between = rank, 2, between

    def add_up(self, tensors: Sequence[torch.Tensor]) -> None:
        if self.rank == 1:
            self._between[:] = [t.clone() for t in tensors]
        for mine, other in zip(tensors, self._between, strict=True):
            mine += other * (self.rank == 0)

    def take_over(self, _tensors: Sequence[torch.Tensor]) -> None:
        """Only what the first releases is looked at."""


def a_team_counts_everybody_once_and_releases_nothing_without_noise() -> None:
    """What the first of two hands out is the sum of one trainer, and with noise the noise has its spread."""
    alone = _one_members(None, SILENT)
    for settings in (SILENT, PLAN):
        between: list[torch.Tensor] = []
        _one_members(_InTurns(1, between), settings)
        first = _one_members(_InTurns(0, between), settings)
        differ = torch.cat([(a - b).flatten() for a, b in zip(first, alone, strict=True)])
        if settings is SILENT:
            assert float(differ.abs().max()) < 1e-5
        else:
            assert abs(float(differ.std()) / (PLAN.noise_multiplier * CLIP) - 1) < 0.1


def _one_members(team: Team | None, settings: StepSettings) -> list[torch.Tensor]:
    _, network, people = tiny("full", labels=300, rows=range(300))
    return released(EncoderTrainer(network, team=team), people, settings)


ENCODER_CHECKS: tuple[Callable[[], None], ...] = (
    the_encoders_sum_is_of_clipped_patients,
    micro_batches_add_up_without_rounding,
    one_patient_moves_every_scope_by_at_most_the_clip,
    an_encoders_noise_has_its_spread_whoever_was_drawn,
    an_encoders_noise_hides_the_last_bits,
    noise_is_new_in_every_stretch_and_step,
    an_encoders_divisor_is_public,
    an_encoder_counts_no_gradient_that_is_not_finite,
    ranks_are_chosen_by_what_was_released,
    hidden_words_are_guessed_by_each_patient_for_herself,
    a_team_counts_everybody_once_and_releases_nothing_without_noise,
)
