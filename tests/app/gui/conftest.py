"""The window's fixtures: a small vault, surroundings with a given clock, an open window."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import process_time

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from pytestqt.qtbot import QtBot

from app.config.policy import Policy
from app.gui.operations.runner import OperationRunner
from app.gui.session import Surroundings
from app.gui.shell.main_window import MainWindow
from app.gui.theme.look import Look
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault
from tests.app.gui.clinic import crowd, marfan_records

PASSPHRASE = "correct horse battery staple"
USER = "dr.okafor"
PATIENCE_S = 20.0  # of this process's own time: on a busy machine that is many minutes


@dataclass
class Clock:
    """A clock that a test turns."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed vault with one full chart and sixty plain ones."""
    path = tmp_path_factory.mktemp("clinic") / "clinic.vault"
    made, _words = Vault.create(path, user=USER, passphrase=PASSPHRASE, kdf=KdfParameters.fast_for_tests())
    made.put_records(marfan_records() + crowd(60), origin="synthetic")
    made.close()
    return path


@pytest.fixture
def vault(clinic: Path, tmp_path: Path) -> Iterator[Vault]:
    """A copy of it, opened."""
    path = shutil.copytree(clinic, tmp_path / clinic.name)
    with Vault.open(path, user=USER, passphrase=PASSPHRASE) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    """Stands at zero until a test turns it."""
    return Clock()


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, public_cache: Path, clock: Clock) -> Iterator[MainWindow]:
    """The locked window."""
    look, runner = Look(), OperationRunner()
    look.apply()
    around = Surroundings(
        look=look,
        runner=runner,
        policy=Policy(idle_lock_s=60),
        cache_dir=public_cache,
        settings_file=tmp_path / "window.json",
        today=lambda: date(2026, 1, 1),
    )
    made = MainWindow(around, clock=clock)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # else later ones dress it too


@pytest.fixture
def settle(window: MainWindow) -> Callable[[], None]:
    """Waits until nothing is under way, pauses of timers included."""

    def wait() -> None:
        end = process_time() + PATIENCE_S
        while not window.settle():
            assert process_time() < end

    return wait
