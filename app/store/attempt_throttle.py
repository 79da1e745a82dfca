"""Slows down guessing at the unlock screen: after three wrong passphrases, each waits twice as long."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil

from app.errors import VaultLocked, WrongPassphrase

FREE, LONGEST_S = 3, 300.0


class AttemptThrottle:
    """Counts wrong passphrases in a row, whatever vault and user they were for. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]):
        self._clock = clock
        self._wrong = 0
        self._not_before = clock()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """One try to unlock. Raises VaultLocked where it comes too early: nothing is tried then."""
        wait_s = self._not_before - self._clock()
        if wait_s > 0:
            raise VaultLocked(
                f"too many wrong passphrases in a row; wait {ceil(wait_s)} seconds, then try again"
            )
        try:
            yield
        except WrongPassphrase:
            self._wrong += 1
            if self._wrong >= FREE:
                self._not_before = self._clock() + min(2.0 ** (self._wrong - FREE + 1), LONGEST_S)
            raise
        self._wrong = 0
