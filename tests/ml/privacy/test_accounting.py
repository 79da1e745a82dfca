"""Our RDP equals Opacus' on the same orders, bounds PRV, and composes as the ledger says."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import ndtr

from ml.privacy.ledger import (
    MECHANISM,
    LedgerEntry,
    Mechanism,
    epsilon_bound,
    followed_by,
    mechanisms,
    of_patients,
    spent,
)
from ml.privacy.loss_distribution import _composed, _grid, least_deltas, least_epsilon
from ml.privacy.rdp import ORDERS, epsilon_of_rdp, step_rdp
from tests.ml.privacy.dp_accounting_values import DELTAS, EPSILONS, LONG_RUNS

SETTINGS = [(1.0, 0.01, 1000), (0.7, 0.05, 200), (2.0, 0.1, 400), (5.0, 0.5, 50), (1.3, 1.0, 10)]


def entry(run: str, *, steps: int = 10, epsilon: float = 0.0, patients: str = "all") -> LedgerEntry:
    return LedgerEntry(run, patients, MECHANISM, 0.1, 1.0, 1.0, steps, 1e-5, epsilon, "2026-01-01")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Optimal order:UserWarning")
@pytest.mark.parametrize(("noise", "rate", "steps"), SETTINGS)
def test_our_rdp_equals_opacus(noise: float, rate: float, steps: int) -> None:
    from opacus.accountants.analysis.rdp import compute_rdp, get_privacy_spent

    theirs = compute_rdp(q=rate, noise_multiplier=noise, steps=steps, orders=list(ORDERS))
    assert steps * step_rdp(rate, noise) == pytest.approx(theirs, rel=1e-6)
    expected, _ = get_privacy_spent(orders=list(ORDERS), rdp=theirs, delta=1e-5)
    assert epsilon_bound([(noise, rate, steps)], 1e-5) == pytest.approx(expected, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("noise", "rate", "steps"), SETTINGS)
def test_the_bound_lies_above_prv(noise: float, rate: float, steps: int) -> None:
    from ml.training.accountant import epsilon_prv

    prv = epsilon_prv([(noise, rate, steps)], 1e-5)
    assert 0 < prv <= epsilon_bound([(noise, rate, steps)], 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("history", "target", "delta", "steps"),
    [
        ([(6.25, 0.5, 100)], 3.25, 1e-4, 100),
        ([(noise, 0.1, 3) for noise in (0.553, 0.411, 0.356, 0.326, 0.306)], 24.0, 1e-3, 2),
    ],
)
def test_what_rdp_overstates_of_a_history_may_still_be_spent(
    history: list[Mechanism], target: float, delta: float, steps: int
) -> None:
    from ml.training.accountant import epsilon_prv, noise_for

    rate = history[0][1]
    assert epsilon_prv(history, delta) < target < epsilon_bound(history, delta)
    noise = noise_for(target, history=history, sample_rate=rate, steps=steps, delta=delta)
    assert noise is not None
    assert epsilon_prv([*history, (noise, rate, steps)], delta) <= target
    spent_already = epsilon_prv(history, delta)
    assert noise_for(spent_already, history=history, sample_rate=rate, steps=steps, delta=delta) is None


FIFTY = [
    (noise, rate, steps, delta)
    for rate, pairs in (
        (1.0, ((1.5, 1), (3.0, 1), (40.0, 1), (15.0, 100), (5.4, 100), (24.0, 40), (8.9, 40), (300.0, 4))),
        (0.5, ((4.6, 40), (12.0, 40), (39.0, 40), (1.9, 40), (8.0, 10))),
        (0.1, ((2.3, 200), (1.05, 200), (0.8, 5), (17.0, 50))),
        (0.01, ((0.87, 1000), (0.6, 100), (1.7, 5), (0.75, 50))),
        (0.001, ((0.6, 500), (0.7, 100), (0.5, 20), (1.4, 200))),
    )
    for noise, steps in pairs
    for delta in (1e-5, 1e-7)
]


@pytest.mark.slow
def test_prv_lies_between_an_independent_lower_bound_and_rdp_on_fifty_settings() -> None:
    """The bracket is computed without Opacus: a loss distribution rounded down, and Renyi divergences."""
    from ml.training.accountant import epsilon_prv

    assert len(FIFTY) == 50
    for noise, rate, steps, delta in FIFTY:
        history = [(noise, rate, steps)]
        low, prv = least_epsilon(history, delta), epsilon_prv(history, delta)
        high = epsilon_bound(history, delta)
        assert low <= prv <= min(high, low + 0.04 * high + 0.012), (noise, rate, steps, delta)


@pytest.mark.slow
def test_every_bound_agrees_with_dp_accounting_on_fifty_settings() -> None:
    """What is claimed is at most 0.012 above Google's accountant, never below; the bracket holds it."""
    from ml.training.accountant import epsilon_prv

    settings = [((*s, d), e) for s, both in EPSILONS.items() for d, e in zip(DELTAS, both, strict=True)]
    assert len(settings) == 50
    for (noise, rate, steps, delta), known in settings:
        history = [(noise, rate, steps)]
        assert known <= epsilon_prv(history, delta) <= known + 0.012, (noise, rate, steps, delta)
        assert least_epsilon(history, delta) <= known <= epsilon_bound(history, delta)


@pytest.mark.slow
def test_what_a_run_debits_at_its_end_agrees_with_dp_accounting_on_fifty_settings() -> None:
    """The ledger's epsilon, worked out along a run's blocks; a first part may be of an earlier run."""
    from ml.training.accountant import epsilons_along

    settings = [((*s, d), e) for s, both in EPSILONS.items() for d, e in zip(DELTAS, both, strict=True)]
    for (noise, rate, steps, delta), known in settings:
        for parts in (
            [steps],
            [steps // 3, steps - steps // 3],
            [steps // 4, steps // 4, steps - 2 * (steps // 4)],
        ):
            blocks = [(noise, rate, size) for size in parts if size]
            fresh = [*epsilons_along((), blocks, delta)]
            resumed = [*epsilons_along(blocks[:1], blocks[1:], delta)]
            assert known <= fresh[-1] <= known + 0.012, (noise, rate, steps, delta, parts)
            assert not resumed or resumed == pytest.approx(fresh[1:], abs=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("noise", "rate"), LONG_RUNS)
def test_what_a_run_of_ten_thousand_steps_debits_agrees_with_dp_accounting(noise: float, rate: float) -> None:
    from ml.training.accountant import epsilon_prv, epsilons_along

    for place, delta in enumerate(DELTAS):
        along = list(epsilons_along((), [(noise, rate, 5)] * 2000, delta))
        assert along == sorted(along)
        for steps, known in LONG_RUNS[noise, rate].items():
            assert known[place] <= along[steps // 5 - 1] <= known[place] + 0.012
        opacus = epsilon_prv([(noise, rate, 10_000)], delta)
        assert opacus - 1e-9 <= along[-1] <= opacus + 1e-5


def test_the_loss_distribution_meets_the_gaussian_mechanism_exactly() -> None:
    """Balle, Wang 2018: delta = Phi(1/(2s) - eps s) - exp(eps) Phi(-1/(2s) - eps s)."""
    for sigma, steps in ((1.0, 1), (3.0, 4), (20.0, 100)):
        total = sigma / math.sqrt(steps)
        found = least_epsilon([(sigma, 1.0, steps)], 1e-5)
        exact = brentq(
            lambda e, s=total: ndtr(1 / (2 * s) - e * s) - math.exp(e) * ndtr(-1 / (2 * s) - e * s) - 1e-5,
            0,
            50,
        )
        assert exact * 0.97 <= found <= exact * 1.0001


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Optimal order:UserWarning")
@pytest.mark.parametrize("history", [[(4.5, 0.5, 40)], [(4.0, 0.5, 40), (3.4, 0.5, 5)], [(0.9, 0.01, 900)]])
def test_prv_on_our_grid_gives_what_opacus_gives(history: list[tuple[float, float, int]]) -> None:
    from opacus.accountants import PRVAccountant

    from ml.training.accountant import epsilon_prv

    plain = PRVAccountant()
    plain.history = list(history)
    assert epsilon_prv(history, 1e-5) == pytest.approx(plain.get_epsilon(delta=1e-5), rel=1e-3)


LONG = [
    ((), (13.3, 0.3), 40 * [5], 1e-5),
    ((), (0.9, 0.01), [100, 100, 7], 1e-7),
    (((4.0, 0.5, 40), (3.4, 0.5, 5)), (6.0, 0.4), [5, 5, 5, 1], 1e-6),
    (((1.1, 0.02, 300),), (1.1, 0.02), [50, 50], 1e-9),
    ((), (40.0, 1.0), [1, 1, 1], 1e-5),
    ((), (0.5, 0.001), [20, 20], 1e-5),
    ((), (300.0, 1.0), [4, 4], 1e-3),
]


@pytest.mark.slow
@pytest.mark.parametrize(("history", "mechanism", "sizes", "delta"), LONG)
def test_the_deltas_along_a_run_are_those_of_the_loss_distribution_counted_out(
    history: tuple[Mechanism, ...], mechanism: tuple[float, float], sizes: list[int], delta: float
) -> None:
    blocks = [(*mechanism, size) for size in sizes]
    edges, done, shown, slow = _grid([*history, *blocks], delta), list(history), [], []
    for block in blocks:
        done.append(block)
        shown.append(0.97 * least_epsilon(done, delta))
        both = (_composed(done, edges, removed=removed) for removed in (True, False))
        slow.append(max((p * np.maximum(1 - np.exp(shown[-1] - edges[:-1]), 0)).sum() for p in both))
    assert list(least_deltas(history, blocks, shown, delta=delta)) == pytest.approx(slow, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("history", "mechanism", "sizes", "delta"), LONG)
def test_a_blocks_epsilon_is_told_too_small_where_the_slow_bound_lies_above_it(
    history: tuple[Mechanism, ...], mechanism: tuple[float, float], sizes: list[int], delta: float
) -> None:
    blocks = [(*mechanism, size) for size in sizes]
    least = [least_epsilon([*history, *blocks[: n + 1]], delta) for n in range(len(blocks))]
    assert min(least_deltas(history, blocks, [0.9999 * e for e in least], delta=delta)) > delta
    assert list(least_deltas(history, blocks, least, delta=delta))[-1] == pytest.approx(delta, rel=1e-3)
    honest = [epsilon_bound([*history, *blocks[: n + 1]], delta) for n in range(len(blocks))]
    assert max(least_deltas(history, blocks, honest, delta=delta)) < delta


@pytest.mark.slow
@pytest.mark.parametrize(("history", "mechanism", "sizes", "delta"), LONG)
def test_the_epsilons_along_a_run_are_those_of_each_history_by_itself(
    history: tuple[Mechanism, ...], mechanism: tuple[float, float], sizes: list[int], delta: float
) -> None:
    from ml.training.accountant import epsilon_prv, epsilons_along

    done, slow = history, []
    for size in sizes:
        done = followed_by(done, (*mechanism, size))
        slow.append(epsilon_prv(done, delta))
    shown = list(epsilons_along(history, [(*mechanism, size) for size in sizes], delta))
    assert shown == pytest.approx(slow, rel=1e-3)
    assert shown[-1] == pytest.approx(slow[-1], rel=1e-5)  # what the noise was chosen by
    assert shown == sorted(shown)


def test_a_composed_history_costs_more_than_its_parts_and_less_than_their_sum() -> None:
    first, second = (4.0, 0.5, 20), (6.0, 0.3, 30)
    alone = [least_epsilon([m], 1e-5) for m in (first, second)]
    together = least_epsilon([first, second], 1e-5)
    assert max(alone) < together < sum(alone)
    assert least_epsilon([], 1e-5) == 0.0


@pytest.mark.slow
@pytest.mark.parametrize(("target", "rate", "steps"), [(0.05, 1.0, 40), (0.02, 0.1, 1), (50.0, 0.01, 200)])
def test_small_and_large_targets_find_their_noise_too(target: float, rate: float, steps: int) -> None:
    from ml.training.accountant import epsilon_prv, noise_for

    noise = noise_for(target, history=[], sample_rate=rate, steps=steps, delta=1e-5)
    assert noise is not None
    assert 0.5 * target < epsilon_prv([(noise, rate, steps)], 1e-5) <= target


def test_steps_that_follow_alike_are_one_entry_for_longer() -> None:
    assert followed_by(followed_by((), (1.0, 0.1, 5)), (1.0, 0.1, 7)) == ((1.0, 0.1, 12),)
    assert followed_by(((1.0, 0.1, 5),), (1.1, 0.1, 7)) == ((1.0, 0.1, 5), (1.1, 0.1, 7))


@pytest.mark.slow
def test_the_noise_found_for_a_target_meets_it_closely() -> None:
    from ml.training.accountant import epsilon_prv, noise_for

    history = [(3.0, 0.1, 20)]
    noise = noise_for(3.0, history=history, sample_rate=0.1, steps=60, delta=1e-5)
    assert noise is not None
    epsilon = epsilon_prv([*history, (noise, 0.1, 60)], 1e-5)
    assert 2.8 < epsilon <= 3.0
    assert noise_for(0.1, history=[(1.0, 0.1, 500)], sample_rate=0.1, steps=1, delta=1e-5) is None


def test_a_plain_gaussian_has_its_known_rdp() -> None:
    assert step_rdp(1.0, 2.0) == pytest.approx([a / 8 for a in ORDERS])
    single = epsilon_of_rdp(step_rdp(1.0, 4.0), 1e-5)
    assert single == pytest.approx(math.sqrt(2 * math.log(1 / 1e-5)) / 4, rel=0.3)


@pytest.mark.parametrize(("rate", "noise"), [(0.0, 1.0), (1.1, 1.0), (0.1, 0.0), (0.1, float("nan"))])
def test_impossible_parameters_are_refused(rate: float, noise: float) -> None:
    with pytest.raises(ValueError, match="noise multiplier"):
        step_rdp(rate, noise)


def test_all_runs_over_the_same_patients_compose() -> None:
    entries = [entry("a"), entry("b"), entry("c", patients="other")]
    assert mechanisms(of_patients(entries, "all")) == ((1.0, 0.1, 20),)
    assert epsilon_bound(mechanisms(entries[:2]), 1e-5) > epsilon_bound(mechanisms(entries[:1]), 1e-5)


def test_an_empty_ledger_has_spent_nothing() -> None:
    assert spent([]) == 0.0
    assert epsilon_bound([], 1e-5) == 0.0
    assert spent([entry("a", epsilon=0.4), entry("b", epsilon=0.9)]) == 0.9
