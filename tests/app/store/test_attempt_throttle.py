"""Wrong passphrases in a row cost more and more time; a right one, or another trouble, costs none."""

import pytest

from app.errors import VaultDamaged, VaultLocked, WrongPassphrase
from app.store.attempt_throttle import AttemptThrottle


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def fail(throttle: AttemptThrottle, error: type[Exception] = WrongPassphrase) -> None:
    with pytest.raises(error), throttle.attempt():
        raise error("no")


def waits(throttle: AttemptThrottle, clock: Clock) -> int:
    """Seconds until a try is let through again."""
    for second in range(1000):
        try:
            with throttle.attempt():
                raise VaultDamaged("let through")
        except VaultDamaged:
            return second
        except VaultLocked:
            clock.now += 1
    raise AssertionError("never let through")


def test_each_wrong_passphrase_after_the_third_waits_twice_as_long() -> None:
    clock = Clock()
    throttle = AttemptThrottle(clock)
    seen = []
    for _ in range(12):
        fail(throttle)
        seen.append(waits(throttle, clock))
    assert seen == [0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_a_right_passphrase_starts_anew_and_other_troubles_do_not_count() -> None:
    throttle = AttemptThrottle(Clock())
    for _ in range(5):
        fail(throttle, VaultDamaged)
    fail(throttle)
    fail(throttle)
    with throttle.attempt():
        pass
    fail(throttle)
    fail(throttle)
    with throttle.attempt():
        pass


def test_nothing_is_tried_while_it_waits() -> None:
    throttle = AttemptThrottle(Clock())
    for _ in range(3):
        fail(throttle)
    tried = []
    with pytest.raises(VaultLocked, match="wait 2 seconds"), throttle.attempt():
        tried.append(1)
    assert tried == []
