"""The window locks when the machine sleeps: told on the system's bus, or seen by the clocks at waking."""

import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QObject
from PySide6.QtDBus import QDBusConnection, QDBusMessage
from pytestqt.qtbot import QtBot

from app.errors import VaultLocked
from app.gui.shell.main_window import LOCKED_ASLEEP, MainWindow
from app.gui.shell.suspend_lock import LOGIND, SuspendLock, awake_clock
from app.store.clock import lasting_clock
from app.store.vault import Vault
from tests.app.gui.conftest import Clock


@pytest.fixture
def watched(qtbot: QtBot) -> tuple[SuspendLock, Clock, Clock, list[str]]:
    lasting, awake, heard = Clock(), Clock(), list[str]()
    lock = SuspendLock(lasting=lasting, awake=awake)
    lock.asleep.connect(lambda: heard.append("asleep"))
    return lock, lasting, awake, heard


def test_time_that_one_clock_has_lost_was_slept_once(
    watched: tuple[SuspendLock, Clock, Clock, list[str]],
) -> None:
    lock, lasting, awake, heard = watched
    lasting.seconds, awake.seconds = 500.0, 499.0  # a busy minute is not a sleep
    lock.check()
    assert heard == []
    lasting.seconds = 4000.0
    lock.check()
    lock.check()
    assert heard == ["asleep"]


def test_what_was_slept_before_the_vault_was_opened_does_not_count(
    watched: tuple[SuspendLock, Clock, Clock, list[str]],
) -> None:
    lock, lasting, _awake, heard = watched
    lasting.seconds = 4000.0
    lock.start()
    lock.check()
    lock.stop()
    assert heard == []


def test_the_real_clocks_run_side_by_side(qtbot: QtBot) -> None:
    lock = SuspendLock(lasting=lasting_clock, awake=awake_clock)
    heard: list[str] = []
    lock.asleep.connect(lambda: heard.append("asleep"))
    for _ in range(100):
        lock.check()
    assert heard == []


@pytest.fixture
def address() -> Iterator[str]:
    daemon = shutil.which("dbus-daemon")
    if daemon is None:
        pytest.skip("this machine has no dbus-daemon")
    child = subprocess.Popen(
        [daemon, "--session", "--nofork", "--print-address"], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    yield child.stdout.readline().strip()
    child.terminate()
    child.communicate()


def test_the_system_says_so_before_it_sleeps(
    qtbot: QtBot, address: str, watched: tuple[SuspendLock, Clock, Clock, list[str]]
) -> None:
    """A bus of our own, on which the test is logind."""
    system = QDBusConnection.connectToBus(address, "test-system")
    ours = QDBusConnection.connectToBus(address, "test-ours")
    service, path, interface = LOGIND
    assert system.registerService(service)
    keeper = QObject()
    assert system.registerObject(path, keeper)
    lock, _lasting, _awake, heard = watched
    assert lock.listen(ours)

    def tell(going: bool) -> None:
        message = QDBusMessage.createSignal(path, interface, "PrepareForSleep")
        message.setArguments([going])
        assert system.send(message)

    tell(False)
    tell(True)
    qtbot.waitUntil(lambda: heard == ["asleep"])
    del keeper
    QDBusConnection.disconnectFromBus("test-system")
    QDBusConnection.disconnectFromBus("test-ours")


def test_a_bus_that_is_not_there_is_no_fault(watched: tuple[SuspendLock, Clock, Clock, list[str]]) -> None:
    lock, *_ = watched
    assert not lock.listen(QDBusConnection("nobody made this one"))


@pytest.mark.slow
def test_a_sleeping_machine_leaves_a_locked_window(
    window: MainWindow, vault: Vault, settle: Callable[[], None], clock: Clock
) -> None:
    window.take_vault(vault)
    settle()
    clock.seconds += 30.0  # less than the idle limit; the window's other clock went on as ever
    window.suspend_lock.check()
    assert window.workspace is None
    assert window.unlock.message.text() == LOCKED_ASLEEP
    with pytest.raises(VaultLocked):
        vault.patients()
