"""Slows down guessing: after three wrong passphrases of a user in a row, each waits twice as long.

What was counted lies in the user's own state folder, not in the vault, which a wrong passphrase leaves
as it is. A try is counted before it is made, one at a time, and taken back where it was right. That holds
for every process of the account, window and command line alike, and names nobody. A file that is lost or
spoilt is no delay and no error. Recovery words never wait: nobody guesses 128 bits, and who was locked out
by another's guesses must get in.
"""

import errno
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Annotated

import msgspec

from app.config.settings import state_dir
from app.errors import AnamnesisError, VaultLocked, WrongPassphrase
from app.store.clock import lasting_clock
from app.store.device_secret import find_secret
from app.store.durable_file import read_regular, write_durably
from app.store.header import RECOVERY, Header, UnlockedKeys, unlock
from app.store.writer_lock import WriterLock

FREE, LONGEST_S = 3, 300.0
FILE, LOCK = "attempts.json", "attempts.lock"
PATIENCE_S = 30.0  # many right ones at once take their turns, half a second each
_MOST = 256  # users of vaults; the oldest is forgotten
_LARGEST_BYTES = 1 << 16
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class _Count:
    """Wrong passphrases in a row. `not_before` is on the clock that began with `boot`."""

    wrong: Annotated[int, msgspec.Meta(ge=1, le=64)]
    boot: Annotated[str, msgspec.Meta(max_length=64)]
    not_before: float


_Counts = dict[Annotated[str, msgspec.Meta(min_length=32, max_length=32)], _Count]


class AttemptThrottle:
    """Counts in a folder. `clock` gives seconds that nobody sets back; `boot` names its beginning."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = lasting_clock, boot: str | None = None):
        self._folder = folder
        self._clock = clock
        self._boot = _boot_id() if boot is None else boot

    @contextmanager
    def attempt(self, vault_id: str, user: str) -> Iterator[None]:
        """One try to unlock. Raises VaultLocked where it comes too early: nothing is tried then."""
        name = hashlib.sha256(f"anamnesis/attempts\0{vault_id}\0{user}".encode()).hexdigest()[:32]
        turn = self._turn()  # else many at once would count as one
        try:
            before = self._read().get(name)
            if before is not None and (wait_s := self._wait_s(before)) > 0:
                raise VaultLocked(
                    f"too many wrong passphrases in a row; wait {ceil(wait_s)} seconds, then try again"
                )
            counted = self._one_more(before)
            self._keep(name, counted)  # first: who ends the process before the answer has tried, too
            try:
                yield
            except WrongPassphrase:
                if counted.wrong >= FREE:
                    self._keep(name, self._one_more(before))  # it waits from now on
                raise
            except AnamnesisError:  # nothing was tried, or it was right
                self._keep(name, before)
                raise
            self._keep(name, None)
        finally:
            if turn is not None:
                turn.release()

    def _turn(self) -> WriterLock | None:
        """The place of the one who tries; None where the folder can't be written, or has no locks at all."""
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                return WriterLock(self._folder, LOCK)
            except OSError:
                return None
            except VaultLocked as error:
                if getattr(error.__cause__, "errno", None) in _NO_LOCKS:
                    return None  # some home folders on a network: nobody would ever get in again
                if time.monotonic() >= until:
                    raise VaultLocked(
                        "another try to open a vault is under way; wait for its end, then try again"
                    ) from error
                time.sleep(0.05)

    def _one_more(self, before: _Count | None) -> _Count:
        wrong = min(1 if before is None else before.wrong + 1, 64)
        return _Count(wrong, self._boot, self._clock() + delay_s(wrong))

    def _keep(self, name: str, counted: _Count | None) -> None:
        counts = {key: value for key, value in self._read().items() if key != name}
        if counted is not None:
            counts[name] = counted
        with suppress(OSError):
            write_durably(self._folder / FILE, msgspec.json.encode(dict(list(counts.items())[-_MOST:])))

    def _wait_s(self, counted: _Count) -> float:
        """Never more than the delay itself. A restart of the machine ends the delay; the count stays."""
        wait_s = counted.not_before - self._clock()
        return wait_s if counted.boot == self._boot and wait_s <= delay_s(counted.wrong) else 0.0

    def _read(self) -> _Counts:
        try:
            data = read_regular(self._folder / FILE, largest=_LARGEST_BYTES)
            return msgspec.json.decode(data, type=_Counts)
        except (OSError, ValueError, RecursionError):
            return {}


def unlock_throttled(header: Header, user: str, passphrase: str) -> UnlockedKeys:
    """As `unlock`, but slowed down where guesses came before. Raises VaultLocked."""
    slot = header.slot(user)
    if slot is None or slot.user == RECOVERY:  # nothing to guess
        return unlock(header, user, passphrase)
    if slot.device:
        find_secret(slot.device)  # the desktop may ask to unlock its keyring: no other try waits for that
    with AttemptThrottle(state_dir()).attempt(header.vault_id, slot.user):
        return unlock(header, user, passphrase)


def delay_s(wrong: int) -> float:
    """How long to wait after so many wrong ones in a row."""
    return min(2.0 ** (wrong - FREE + 1), LONGEST_S) if wrong >= FREE else 0.0


def _boot_id() -> str:
    try:
        return _BOOT.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
