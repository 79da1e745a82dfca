"""Wrong passphrases in a row cost more and more time, whatever process they were typed into."""

import errno
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.config.settings import state_dir
from app.errors import VaultDamaged, VaultLocked, WrongPassphrase
from app.store import attempt_throttle, writer_lock
from app.store.attempt_throttle import FILE, FREE, LOCK, LONGEST_S, AttemptThrottle
from app.store.clock import lasting_clock
from app.store.header import RECOVERY, Role, read_header
from app.store.people import add_user
from app.store.vault import Vault
from app.store.writer_lock import WriterLock
from tests.app.store.refusal import FAST, SECRET, open_it

ROOT = Path(__file__).parents[3]
WRONG = "wrong horse battery"
GUESSER = """
import os, signal, sys, time
from pathlib import Path
from app.errors import VaultLocked, WrongPassphrase
from app.store.attempt_throttle import AttemptThrottle
print("ready", flush=True)
how = sys.stdin.readline().strip()
try:
    with AttemptThrottle(Path(sys.argv[1])).attempt("v", "ann"):
        print("tried", flush=True)
        if how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.1)
        raise WrongPassphrase("no")
except WrongPassphrase:
    pass
except VaultLocked as refused:
    print(refused, flush=True)
"""


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def throttle(folder: Path, clock: Clock, boot: str = "one") -> AttemptThrottle:
    """A new one each time, as every process makes its own."""
    return AttemptThrottle(folder, clock=clock, boot=boot)


def fail(throttle: AttemptThrottle, error: type[BaseException] = WrongPassphrase, user: str = "ann") -> None:
    with pytest.raises(error), throttle.attempt("v", user):
        raise error("no")


def guessed_before(folder: Path, vault_id: str) -> None:
    """Many wrong ones, hours ago: nobody waits now, but the next wrong one costs minutes."""
    for number in range(9):
        past = Clock(lasting_clock() - (20 - number) * LONGEST_S)
        with suppress(WrongPassphrase), AttemptThrottle(folder, clock=past).attempt(vault_id, "ann"):
            raise WrongPassphrase("no")


def waits(throttle: AttemptThrottle, clock: Clock, user: str = "ann") -> int:
    """Seconds until a try is let through again."""
    for second in range(1000):
        try:
            with throttle.attempt("v", user):
                raise VaultDamaged("let through")
        except VaultDamaged:
            return second
        except VaultLocked:
            clock.now += 1
    raise AssertionError("never let through")


def test_each_wrong_passphrase_after_the_third_waits_twice_as_long(tmp_path: Path) -> None:
    clock = Clock()
    seen = []
    for _ in range(12):
        fail(throttle(tmp_path / "state", clock))
        seen.append(waits(throttle(tmp_path / "state", clock), clock))
    assert seen == [0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_a_right_passphrase_starts_anew_and_other_troubles_do_not_count(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(5):
        fail(throttle(tmp_path, clock), VaultDamaged)
    assert (tmp_path / FILE).read_bytes() == b"{}"
    for _ in range(2):
        fail(throttle(tmp_path, clock))
        fail(throttle(tmp_path, clock))
        with throttle(tmp_path, clock).attempt("v", "ann"):
            pass
    assert (tmp_path / FILE).read_bytes() == b"{}"


def test_one_users_guesses_cost_another_nothing_and_no_name_is_written(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(6):
        fail(throttle(tmp_path, clock))
        waits(throttle(tmp_path, clock), clock)
    fail(throttle(tmp_path, clock))
    with throttle(tmp_path, clock).attempt("v", "bob"):
        pass
    assert waits(throttle(tmp_path, clock), clock) > 0
    assert b"ann" not in (tmp_path / FILE).read_bytes()


def test_nothing_is_tried_while_it_waits(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(3):
        fail(throttle(tmp_path, clock))
    tried = []
    with pytest.raises(VaultLocked, match="wait 2 seconds"), throttle(tmp_path, clock).attempt("v", "ann"):
        tried.append(1)
    assert tried == []


@pytest.mark.parametrize(
    "spoilt",
    [
        b"",
        b"[]",
        b"\xff\x00",
        b"[" * 60_000,
        b'{"%s":{"wrong":9,"boot":"one","not_before":1e308}}' % (b"a" * 32),
        b" " * 70_000,
    ],
)
def test_a_spoilt_or_lost_file_is_no_delay_and_no_error(tmp_path: Path, spoilt: bytes) -> None:
    clock = Clock()
    for _ in range(4):
        fail(throttle(tmp_path, clock))
        waits(throttle(tmp_path, clock), clock)
    (tmp_path / FILE).write_bytes(spoilt)
    assert waits(throttle(tmp_path, clock), clock) == 0
    fail(throttle(tmp_path, clock))
    (tmp_path / FILE).unlink()
    assert waits(throttle(tmp_path, clock), clock) == 0


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    clock = Clock()
    for _ in range(9):
        fail(throttle(tmp_path / "file" / "state", clock))
    assert waits(throttle(tmp_path / "file" / "state", clock), clock) == 0


@pytest.mark.parametrize("reason", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_folder_without_file_locks_counts_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    def refuses(_handle: int) -> None:
        raise OSError(reason, "no locks here")

    monkeypatch.setattr(writer_lock, "_lock", refuses)
    clock = Clock()
    for _ in range(3):
        fail(throttle(tmp_path, clock))
    assert waits(throttle(tmp_path, clock), clock) == 2


def test_nothing_is_tried_while_another_tries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt_throttle, "PATIENCE_S", 0.0)
    tried, turn = [], WriterLock(tmp_path, LOCK)
    with pytest.raises(VaultLocked, match="under way; wait"), throttle(tmp_path, Clock()).attempt("v", "ann"):
        tried.append(1)
    turn.release()
    assert tried == []
    assert not (tmp_path / FILE).exists()
    fail(throttle(tmp_path, Clock()))


def test_a_try_is_counted_before_it_is_made_and_forgotten_where_it_was_right(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(2):
        fail(throttle(tmp_path, clock))
    with throttle(tmp_path, clock).attempt("v", "ann"):
        assert b'"wrong":3' in (tmp_path / FILE).read_bytes()
    assert (tmp_path / FILE).read_bytes() == b"{}"


def test_who_breaks_a_try_off_has_tried(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(3):
        fail(throttle(tmp_path, clock), KeyboardInterrupt)
    assert waits(throttle(tmp_path, clock), clock) == 2


@pytest.mark.parametrize("moved", [-1e9, -1000.0, -LONGEST_S - 1, 1e9])
def test_a_clock_that_began_anew_ends_the_delay_and_keeps_the_count(tmp_path: Path, moved: float) -> None:
    clock = Clock()
    for _ in range(11):
        fail(throttle(tmp_path, clock))
        clock.now += LONGEST_S
    fail(throttle(tmp_path, clock))
    clock.now += moved
    assert waits(throttle(tmp_path, clock, "one"), clock) == 0
    fail(throttle(tmp_path, clock, "two"))
    assert waits(throttle(tmp_path, clock, "three"), clock) == 0
    assert waits(throttle(tmp_path, clock, "two"), clock) == LONGEST_S


def guessing(folder: Path, how: str, *, at_once: int) -> list[list[str]]:
    """What processes said that all began to guess at the same moment."""
    command, pipe = [sys.executable, "-c", GUESSER, str(folder)], subprocess.PIPE
    guessers = [
        subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) for _ in range(at_once)
    ]
    assert all(guesser.stdout and guesser.stdout.readline() == "ready\n" for guesser in guessers)
    for guesser in guessers:
        assert guesser.stdin
        guesser.stdin.write(f"{how}\n")
        guesser.stdin.flush()
    return [guesser.communicate()[0].splitlines() for guesser in guessers]


@pytest.mark.slow
def test_many_processes_at_once_are_let_through_one_by_one(tmp_path: Path) -> None:
    guessed_before(tmp_path, "v")
    said = guessing(tmp_path, "wrong", at_once=6)
    assert sum(lines == ["tried"] for lines in said) == 1
    assert sum(lines[0].startswith("too many wrong passphrases") for lines in said) == 5


@pytest.mark.slow
def test_of_a_first_burst_of_guesses_no_more_are_tried_than_one_after_another(tmp_path: Path) -> None:
    said = guessing(tmp_path, "wrong", at_once=8)
    assert sum(lines == ["tried"] for lines in said) == FREE
    assert sum(lines[0].startswith("too many wrong passphrases") for lines in said) == 8 - FREE


@pytest.mark.slow
def test_a_guess_whose_process_is_killed_counts(tmp_path: Path) -> None:
    guessed_before(tmp_path, "v")
    assert guessing(tmp_path, "killed", at_once=1) == [["tried"]]
    with pytest.raises(VaultLocked, match="too many"), AttemptThrottle(tmp_path).attempt("v", "ann"):
        raise AssertionError("tried again at once")


def test_what_one_process_counted_another_waits_for_but_the_recovery_words_open(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    fresh, words = Vault.create(tmp_path / "w.vault", user="ann", passphrase=SECRET, kdf=FAST)
    fresh.close()
    guessed_before(state_dir(), read_header(fresh.path).vault_id)
    with pytest.raises(WrongPassphrase):
        Vault.open(fresh.path, user="ann", passphrase=WRONG)
    verb = ["patients", "--vault", str(fresh.path), "--user", "ann", "--passphrase-stdin"]
    done = subprocess.run(
        [sys.executable, "-m", "app", *verb],
        cwd=ROOT,
        env=os.environ,
        input=f"{SECRET}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "too many wrong passphrases in a row; wait" in done.stderr
    Vault.open(fresh.path, user=RECOVERY, passphrase=words).close()
    open_it(path).close()


def test_an_unknown_user_is_not_counted(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for _ in range(4):
        with pytest.raises(WrongPassphrase):
            Vault.open(path, user="nobody", passphrase=WRONG)
    assert not (tmp_path / "state").exists()
    with open_it(path) as vault:
        add_user(vault, user="bob", passphrase=WRONG, role=Role.TRAINER, kdf=FAST)
