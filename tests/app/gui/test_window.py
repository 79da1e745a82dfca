"""The window offscreen, on a real vault: pages, keys, log, search, lock."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from time import process_time

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.clinical.ids import PatientId
from app.clinical.patient import Identifier, Patient
from app.errors import VaultError
from app.gui.guide.help_page import TOPICS, help_text
from app.gui.shell.main_window import MainWindow
from app.gui.shell.sidebar import PLACES
from app.gui.shell.window_settings import WindowSettings, read_settings, write_settings
from app.gui.training.run_view import RunProgress, RunRequest
from app.store.header import Role
from app.store.key_derivation import KdfParameters
from app.store.people import add_user
from app.store.vault import Vault
from app.workflows.stop_wish import StopWish
from tests.app.gui.clinic import MARFAN
from tests.app.gui.conftest import PASSPHRASE, PATIENCE_S, USER, Clock
from tests.app.gui.hands import Hands, enter, open_chart

pytestmark = pytest.mark.slow
Settle = Callable[[], None]


class _ShownWindows(QObject):
    """Notes every window of its own that is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[QWidget] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.shown.append(watched)
        return False


def test_opening_a_vault_shows_no_other_window_and_keeps_the_keyboard(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    qtbot.waitUntil(window.isActiveWindow)
    seen = _ShownWindows()
    app = QApplication.instance()
    assert app is not None
    app.installEventFilter(seen)
    window.take_vault(vault)
    settle()
    app.removeEventFilter(seen)
    assert seen.shown == []
    assert window.isActiveWindow()
    assert window.workspace is not None
    assert window.workspace.patients.search.hasFocus()


def test_every_page_opens(window: MainWindow, vault: Vault, settle: Settle) -> None:
    open_chart(window, vault, settle)
    assert window.workspace is not None
    assert set(window.workspace.places()) == {place.name for place in PLACES}
    for name in window.workspace.places():
        window.workspace.go(name)
        settle()
        assert window.workspace.here == name


def test_the_window_needs_neither_torch_nor_scipy() -> None:
    """In a process of its own, since other tests load them into theirs."""
    heavy = "{'torch', 'opacus', 'scipy'}"
    code = f"import sys, app.gui.screens, app.gui.program; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_two_patients_of_one_name_are_told_apart_and_found(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    other = Patient(
        PatientId("other"), "Lindqvist, Jonas", "1971-06-30", identifiers=(Identifier("", "88-1"),)
    )
    vault.put_records([other], origin="synthetic")
    workspace = enter(window, vault, settle)
    page = workspace.patients
    page.search.setText("lindqvist")
    settle()
    shown = {tuple(page.model.index(row, column).data() for column in range(3)) for row in range(2)}
    assert shown == {
        ("Lindqvist, Jonas", "MRN 204-118", "2010-02-11"),
        ("Lindqvist, Jonas", "88-1", "1971-06-30"),
    }
    for words, row in (("88-1 jonas", "other"), ("2010-02-11", MARFAN), ("MRN 204", MARFAN)):
        page.search.setText(words)
        settle()
        assert (page.model.rowCount(), page.model.patient_id(0)) == (1, row)
    workspace.open_patient(PatientId("other"))
    settle()
    assert "88-1" in workspace.patient.heading.facts.text()
    assert "1971-06-30" in workspace.patient.heading.facts.text()


def test_typing_narrows_the_list_and_filters_combine(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    workspace = enter(window, vault, settle)
    page = workspace.patients
    assert page.model.rowCount() == 61
    qtbot.keyClicks(page.search, "lindq")
    settle()
    assert page.model.rowCount() == 1
    assert page.model.patient_id(0) == MARFAN
    page.search.clear()
    page.sex.setCurrentIndex(1)
    settle()
    assert page.model.rowCount() == 30
    page.search.setText("nobody of that name")
    settle()
    assert page.model.rowCount() == 0
    (everybody,) = [b for b in page.widget.findChildren(QPushButton) if b.text() == "Show all patients"]
    assert everybody.isVisible()
    everybody.click()
    settle()
    assert page.model.rowCount() == 61
    assert page.search.hasFocus()


def test_an_idle_window_locks_itself_empties_its_screens_and_closes_the_vault(
    window: MainWindow, vault: Vault, settle: Settle, clock: Clock
) -> None:
    open_chart(window, vault, settle)
    assert window.workspace is not None
    note = window.workspace.patient.note.view
    clock.seconds = 59.0
    window.idle_lock.check()
    assert window.workspace is not None
    clock.seconds = 61.0
    window.idle_lock.check()
    assert window.workspace is None
    assert note.toPlainText() == ""
    with pytest.raises(VaultError):
        vault.patients()


def test_the_unlock_screen_refuses_a_wrong_passphrase_and_opens_with_the_right_one(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    vault.close()
    window.unlock.vault.setText(str(vault.path))
    window.unlock.user.setText(USER)
    window.unlock.passphrase.setText("wrong")
    window.unlock.open()
    settle()
    assert window.workspace is None
    assert window.unlock.message.text().endswith(".")
    assert window.unlock.passphrase.text() == ""
    window.unlock.passphrase.setText(PASSPHRASE)
    window.unlock.open()
    settle()
    assert window.workspace is not None
    assert str(vault.path) in window.settings.recent_vaults


def test_ctrl_l_locks_closes_the_vault_and_drops_its_key(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    page = open_chart(window, vault, settle)
    qtbot.keyClick(page.note.view, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert window.workspace is None
    assert vault.data_key() == b""
    assert not window.unlock.passphrase.text()
    with pytest.raises(VaultError):
        vault.patients()


def test_every_key_of_the_window_is_in_the_help(window: MainWindow, vault: Vault, settle: Settle) -> None:
    window.take_vault(vault)
    settle()
    listed = help_text("keys")
    keys = {s.key().toString() for s in window.findChildren(QShortcut)}
    keys |= {k.toString() for a in window.findChildren(QAction) for k in a.shortcuts()}
    keys |= {place.key for place in PLACES}
    missing = {key for key in keys - {""} if f"{key} " not in listed and f"{key}," not in listed}
    assert missing == set()


@pytest.mark.parametrize("topic", [name for name, _title in TOPICS])
def test_every_help_topic_has_a_text(topic: str) -> None:
    assert help_text(topic).startswith("# ")


def test_larger_text_and_the_dark_theme_are_kept_for_the_next_start(window: MainWindow) -> None:
    window.step_scale(1)
    window.set_theme("dark")
    assert (window.settings.percent, window.settings.theme) == (110, "dark")
    assert '"dark"' in window.around.settings_file.read_text(encoding="utf-8")


def test_a_theme_changes_to_its_counterpart_by_key_in_high_contrast_too(
    window: MainWindow, vault: Vault, settle: Callable[[], None]
) -> None:
    hands = Hands(window, settle)
    window.take_vault(vault)
    settle()
    for theme in ("light", "contrast-light"):
        window.set_theme(theme)
        seen = [theme]
        for _press in range(2):
            hands.press(Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
            seen.append(window.settings.theme)
        assert seen == [theme, theme.replace("light", "dark"), theme]


def test_without_settings_the_systems_wish_for_contrast_counts(tmp_path: Path) -> None:
    settings = read_settings(tmp_path / "none.json", theme="contrast-dark")
    assert settings.theme == "contrast-dark"
    write_settings(tmp_path / "window.json", WindowSettings(theme="light"))
    assert read_settings(tmp_path / "window.json", theme="contrast-dark").theme == "light"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"theme": "dark", "percent": 1e999}',
        "[" * 50_000,
        '"' + "x" * (1 << 20) + '"',
        "\xff",
    ],
)
def test_settings_that_are_not_understood_mean_the_defaults(tmp_path: Path, text: str) -> None:
    (tmp_path / "window.json").write_bytes(text.encode("latin-1"))
    assert read_settings(tmp_path / "window.json") == WindowSettings()


def _lock_in_a_block(
    window: MainWindow, vault: Vault, settle: Settle, go_on: Event, wishes: list[StopWish]
) -> None:
    """Lock while a run is in a block of steps that takes until `go_on`."""
    window.take_vault(vault)
    settle()

    def run(_request: RunRequest, wish: StopWish) -> Iterator[RunProgress]:
        wishes.append(wish)
        while not go_on.wait(0.01):
            yield RunProgress("Training", 1, 2, 0.5)
        yield RunProgress("Stopped" if wish.is_set() else "Training", 1, 2, 0.5)

    window.training_run.start(run, RunRequest(1.0, 2.0, "head"), place=vault.path)
    window.lock()


def _try_to_open(window: MainWindow, vault: Vault, user: str, passphrase: str) -> None:
    """Until the answer is there."""
    window.unlock.vault.setText(str(vault.path))
    window.unlock.user.setText(user)
    window.unlock.passphrase.setText(passphrase)
    window.unlock.open()
    end = process_time() + PATIENCE_S
    while not window.unlock.open_button.isEnabled() and process_time() < end:
        QTest.qWait(20)


def test_a_colleague_learns_what_the_locked_window_does_and_when_she_may_come_in(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    kdf = KdfParameters.fast_for_tests()
    add_user(vault, user="bob", passphrase="passphrase of bob", role=Role.CLINICIAN, kdf=kdf)
    go_on = Event()
    _lock_in_a_block(window, vault, settle, go_on, [])
    _try_to_open(window, vault, "bob", "passphrase of rob")
    assert "passphrase is wrong" in window.unlock.message.text()
    _try_to_open(window, vault, "bob", "passphrase of bob")
    assert window.workspace is None
    told = window.unlock.message.text()
    assert f"A training run that {USER} began ends its block" in told
    assert "wait until this screen says that it is sealed" in told
    go_on.set()
    settle()
    assert "paused and sealed" in window.unlock.message.text()
    _try_to_open(window, vault, "bob", "passphrase of bob")
    assert window.workspace is not None
    assert window.workspace.session.vault.user == "bob"


def test_a_run_ends_its_block_behind_a_lock_and_the_passphrase_leads_back_to_it(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    go_on, wishes = Event(), list[StopWish]()
    _lock_in_a_block(window, vault, settle, go_on, wishes)
    assert window.workspace is None
    assert "pauses" in window.unlock.message.text()
    assert vault.patient_count() == 61  # until the block has ended, behind the unlock screen
    assert wishes[0].is_set()
    _try_to_open(window, vault, USER, "wrong")
    assert window.workspace is None
    _try_to_open(window, vault, USER, PASSPHRASE)
    assert window.workspace is not None
    assert window.workspace.session.vault is vault
    assert not wishes[0].is_set()  # in time: the run goes on as if nothing had been
    window.lock()
    go_on.set()
    settle()
    assert not window.training_run.under_way
    assert vault.closed
    assert window.training_run.paused == RunRequest(1.0, 2.0, "head", resume=True)
    with pytest.raises(VaultError):
        vault.patients()
