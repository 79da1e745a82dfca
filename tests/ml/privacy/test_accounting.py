"""Our RDP equals Opacus' on the same orders, bounds PRV, and composes as the ledger says."""

import math

import pytest

from ml.privacy.ledger import MECHANISM, LedgerEntry, epsilon_bound, mechanisms, of_patients, spent
from ml.privacy.rdp import ORDERS, epsilon_of_rdp, step_rdp

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
    assert 0 < prv <= epsilon_bound([(noise, rate, steps)], 1e-5) * 1.01


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
