"""The first screen has room for what it says: with little height it scrolls, and no field is squeezed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLineEdit

from app.gui.session import Surroundings
from app.gui.shell.main_window import MainWindow
from app.gui.shell.window_settings import WindowSettings
from app.gui.unlock.unlock_page import UnlockPage
from tests.app.gui.measuring import ROUNDS, cut_words, visible

pytestmark = pytest.mark.slow
Settle = Callable[[], None]
LONG = "The vault has new keys. Type your passphrase to go on. To be added again in Settings: " + "eve, " * 12


@pytest.mark.parametrize("percent", [100, 150])
def test_a_long_notice_above_many_recent_vaults_squeezes_no_field(window: MainWindow, percent: int) -> None:
    around: Surroundings = window.around
    around.look.set_percent(percent)
    recent = tuple(f"/srv/records/clinic-{n}.vault" for n in range(6))
    page = UnlockPage(around, replace(WindowSettings(), recent_vaults=recent), lambda _vault: None)
    window.setCentralWidget(page.widget)
    window.resize(1024, 700)
    page.tell_locked(LONG)
    for _round in range(ROUNDS):
        QApplication.processEvents()
    fields = [w for w in visible(page.widget) if isinstance(w, QLineEdit)]
    assert len(fields) == 3
    assert [f.accessibleName() for f in fields if f.height() < f.minimumSizeHint().height()] == []
    assert cut_words(page.widget) == []
    assert window.height() <= 700


def test_enter_pressed_twice_opens_once_and_misses_no_passphrase(
    window: MainWindow, tmp_path: Path, settle: Settle
) -> None:
    page = window.unlock
    page.vault.setText(str(tmp_path / "none.vault"))
    page.passphrase.setText("four unrelated words here")
    page.open()
    page.open()
    assert page.message.isHidden()
    settle()
    assert "none.vault" in page.message.text()
