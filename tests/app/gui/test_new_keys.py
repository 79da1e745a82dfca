"""New keys for a vault, at the window: asked for, given up, agreed to, and what a stop leaves."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.errors import VaultLocked
from app.gui.shell.main_window import MainWindow
from app.gui.unlock.key_card import DONE, GIVEN_UP, KEEP_BOTH
from app.store.header import RECOVERY, Role, read_header
from app.store.key_derivation import KdfParameters
from app.store.people import add_user, list_people
from app.store.rekey import KeyChange
from app.store.vault import Vault
from tests.app.gui.clinic import MARFAN, marfan_records
from tests.app.gui.conftest import PASSPHRASE, USER, Clock
from tests.app.gui.hands import Hands
from tests.app.gui.key_desk import Desk, Settle
from tests.app.gui.left_over import told
from tests.app.gui.measuring import cut_words, lengthen, named, stops
from tests.app.store.disk_states import digest, recorded_states

pytestmark = pytest.mark.slow
FAST = KdfParameters.fast_for_tests()
HERS = "nine blue cups of tea"
PEOPLE = {
    "olga": Role.PRIVACY_OFFICER,
    "tom": Role.TRAINER,
    "ida": Role.ADMINISTRATOR,
    "zoe": Role.CLINICIAN,
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("keys") / "clinic.vault"
    vault, words = Vault.create(path, user=USER, passphrase=PASSPHRASE, kdf=FAST)
    with vault:
        vault.put_records(marfan_records(), origin="synthetic")
        for user, role in PEOPLE.items():
            add_user(vault, user=user, passphrase=HERS, role=role, kdf=FAST)
    return path, words


@pytest.fixture
def desk(template: tuple[Path, str], tmp_path: Path, window: MainWindow, settle: Settle) -> Desk:
    path = Path(shutil.copytree(template[0], tmp_path / "keys.vault"))
    return Desk(window, settle, path, template[1])


def plain(shown: str) -> str:
    """The words of a numbered sheet."""
    return " ".join(word for word in shown.split() if not word.endswith("."))


def test_new_keys_are_made_by_keyboard_and_the_words_are_shown_once(desk: Desk) -> None:
    card, hands = desk.open(), Hands(desk.window, desk.settle)
    card.new_keys.setFocus()
    hands.press(Qt.Key.Key_Space)
    hands.type(PASSPHRASE)
    hands.press(Qt.Key.Key_Tab)
    assert hands.place().accessibleName() == "Passphrase of olga"
    hands.type(HERS)
    QTest.keyClick(hands.place(), Qt.Key.Key_Return)  # not by `hands`, who wait for what a person ends
    keys = desk.until(lambda: desk.card().sheet.noted.isVisible())
    words = plain(keys.sheet.words.text())
    assert len(words.split()) == 12
    assert keys.sheet.more.text() == "To be added again in Settings: tom, zoe."
    assert keys.sheet.noted.hasFocus()
    assert not keys.agree_button.isEnabled()
    QTest.keyClick(keys.sheet.noted, Qt.Key.Key_Space)
    for _press in range(2):
        QTest.keyClick(hands.place(), Qt.Key.Key_Tab)
    assert hands.place() is keys.agree_button
    QTest.keyClick(keys.agree_button, Qt.Key.Key_Return)
    assert desk.said() == f"{DONE} To be added again in Settings: tom, zoe."
    assert desk.window.unlock.passphrase.hasFocus()
    assert not {words, PASSPHRASE, HERS} & set(told().splitlines())
    assert words not in plain(told())
    assert desk.opens(USER, PASSPHRASE)
    assert desk.opens("olga", HERS)
    assert not desk.opens("zoe", HERS)
    assert desk.opens(RECOVERY, words)
    assert not desk.opens(RECOVERY, desk.words)
    with Vault.open(desk.path, user=USER, passphrase=PASSPHRASE) as vault:
        assert {person.user for person in list_people(vault)} == {USER, "olga", "ida"}
        assert "rekeyed" in {event.action for event in vault.audit_events()}


def test_a_passphrase_that_is_wrong_or_missing_is_said_in_the_dialog_and_the_window_stays(
    desk: Desk,
) -> None:
    dialog = desk.ask(zoe=PASSPHRASE)
    assert set(dialog.kept) == {"olga", "tom", "zoe"}  # an administrator holds no key
    dialog.frame.save_button.click()
    desk.settle()
    assert dialog.frame.message.text() == "The passphrase of zoe is wrong; type it again."
    dialog.own.clear()
    dialog.frame.save_button.click()
    desk.settle()
    assert "your own field is empty" in dialog.frame.message.text().lower()
    assert desk.window.workspace is not None
    dialog.frame.leave()
    assert PASSPHRASE not in told()


def test_whoever_may_not_change_access_makes_no_keys_and_is_told_who_may(desk: Desk) -> None:
    card = desk.open("tom", HERS)
    assert not card.new_keys.isEnabled()
    assert "may not change who has access; ask one who may" in card.new_keys.toolTip()
    desk.window.lock()
    assert desk.open("olga", HERS).new_keys.isEnabled()
    desk.window.lock()
    card = desk.open(read_only=True)
    assert not card.new_keys.isEnabled()
    assert "nothing can be changed" in card.new_keys.toolTip().lower()


def test_the_recovery_words_make_new_keys_and_new_words(desk: Desk) -> None:
    desk.open(RECOVERY, desk.words).new_keys.click()
    dialog = desk.window.asking
    assert dialog is not None
    assert dialog.own.accessibleName() == "Recovery words"
    dialog.own.setText(desk.words)
    dialog.frame.save_button.click()
    keys = desk.until(lambda: desk.card().sheet.noted.isVisible())
    words = plain(keys.sheet.words.text())
    keys.sheet.noted.setChecked(True)
    keys.agree_button.click()
    assert desk.said().startswith(DONE)
    assert desk.opens(RECOVERY, words)
    assert not desk.opens(USER, PASSPHRASE)


def test_given_up_at_the_words_nothing_has_changed_and_nothing_is_left_to_read(desk: Desk) -> None:
    names, header = set(digest(desk.path)), read_header(desk.path)
    keys = desk.to_words()
    words = keys.sheet.words.text()
    assert words in told()
    keys.back_button.click()
    assert desk.said() == GIVEN_UP
    assert words not in told()
    assert (set(digest(desk.path)), read_header(desk.path)) == (names, header)
    assert desk.opens("zoe", HERS)
    assert desk.opens(RECOVERY, desk.words)


@pytest.mark.parametrize("way", ["keys", "idle", "sleep"])
def test_a_lock_gives_up_and_takes_back_what_was_copied(desk: Desk, clock: Clock, way: str) -> None:
    keys = desk.to_words()
    QGuiApplication.clipboard().setText(keys.sheet.words.text())
    if way == "keys":
        desk.window.lock()
    elif way == "idle":
        clock.seconds += 61
        desk.window.idle_lock.check()
    else:
        desk.window.suspend_lock.asleep.emit()
    assert desk.said() == GIVEN_UP
    assert QGuiApplication.clipboard().text() == ""
    assert desk.opens(RECOVERY, desk.words)


def test_given_up_while_it_is_prepared_it_ends(desk: Desk) -> None:
    desk.ask().frame.save_button.click()
    keys = desk.until(lambda: True)
    keys.stop_button.click()
    assert not keys.stop_button.isEnabled()
    assert desk.said() == GIVEN_UP
    assert desk.opens("zoe", HERS)
    assert desk.opens(RECOVERY, desk.words)


def test_closing_the_window_at_the_words_leaves_all_as_it_was(desk: Desk) -> None:
    names = set(digest(desk.path))
    desk.to_words()
    desk.window.close()
    assert set(digest(desk.path)) == names
    assert desk.opens(RECOVERY, desk.words)


def test_once_agreed_neither_a_lock_nor_closing_stops_it(desk: Desk) -> None:
    keys = desk.to_words()
    words = plain(keys.sheet.words.text())
    keys.sheet.noted.setChecked(True)
    keys.agree_button.click()
    desk.window.lock()
    desk.window.close()
    assert desk.opens(RECOVERY, words)


def test_another_reader_is_said_with_the_remedy_and_the_old_keys_stay(desk: Desk) -> None:
    dialog = desk.ask()
    with Vault.open(desk.path, user="zoe", passphrase=HERS, read_only=True) as reader:
        reader.patient_count()
        dialog.frame.save_button.click()
        said = desk.said()
    assert "close it first" in said
    assert "No new keys were made." in said
    assert desk.opens("zoe", HERS)


def test_a_stop_while_the_keys_are_put_in_force_says_to_keep_both_sheets(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(change: KeyChange) -> None:
        raise VaultLocked("the change of key stopped; it is settled when the vault is opened next")

    monkeypatch.setattr(KeyChange, "commit", stopped)
    keys = desk.to_words()
    keys.sheet.noted.setChecked(True)
    keys.agree_button.click()
    assert desk.said().endswith(KEEP_BOTH)


def test_while_a_training_run_debits_the_vault_no_keys_are_made(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = desk.open()
    monkeypatch.setattr(desk.window, "training_run", SimpleNamespace(under_way_in=lambda _path: True))
    failures: list[object] = []
    monkeypatch.setattr(desk.window, "_tell_failure", failures.append)
    card.new_keys.click()
    assert "a training run is under way" in str(failures)
    assert desk.window.asking is None
    monkeypatch.undo()


def test_a_kill_at_any_file_operation_leaves_a_vault_that_opens(desk: Desk, tmp_path: Path) -> None:
    with recorded_states(desk.path, tmp_path) as states:
        keys = desk.to_words()
        words = plain(keys.sheet.words.text())
        keys.sheet.noted.setChecked(True)
        keys.agree_button.click()
        desk.settle()
    assert len(states) > 10
    in_force = []
    for state in states:
        with Vault.open(state, user=USER, passphrase=PASSPHRASE) as vault:
            assert vault.has_patient(MARFAN)
            assert not vault.read_only
        desk.path = state
        in_force.append((desk.opens(RECOVERY, desk.words), desk.opens(RECOVERY, words)))
    assert set(in_force) == {(True, False), (False, True)}
    assert sorted(in_force, reverse=True) == in_force


@pytest.mark.parametrize("percent", [100, 150])
def test_dialog_and_cards_fit_a_small_window_with_longer_words(
    qtbot: QtBot, desk: Desk, percent: int
) -> None:
    desk.window.set_percent(percent)
    desk.window.resize(1024, 700)
    dialog = desk.ask(zoe=PASSPHRASE)
    dialog.frame.save_button.click()
    desk.settle()
    for longer in (False, True):
        if longer:
            lengthen(dialog.frame.dialog)
            desk.settle()
        size = dialog.frame.dialog.size()
        assert size.boundedTo(desk.window.size()) == size
        assert cut_words(dialog.frame.dialog) == []
    assert [w for w in stops(dialog.frame.dialog) if not named(w)] == []
    dialog.frame.leave()
    desk.window.lock()
    keys = desk.to_words()
    assert cut_words(desk.window.unlock.widget) == []
    lengthen(keys.widget)
    assert cut_words(desk.window.unlock.widget) == []
    assert [w for w in stops(desk.window.unlock.widget) if not named(w)] == []
    assert desk.window.size().width() <= 1024
    assert desk.window.size().height() <= 700
    keys.give_up()
    desk.settle()
