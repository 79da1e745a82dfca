"""Who has access, at the window: added, given a role, removed, by those who may and with who must agree."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from app.errors import WrongPassphrase
from app.gui.people.access_dialog import WAITING, AccessDialog
from app.gui.people.people_card import PeopleCard
from app.gui.shell.main_window import MainWindow
from app.store.header import RECOVERY, Role
from app.store.key_derivation import KdfParameters
from app.store.people import add_user, list_people
from app.store.vault import Vault
from tests.app.gui.conftest import PASSPHRASE, USER
from tests.app.gui.hands import Hands
from tests.app.gui.left_over import told
from tests.app.gui.measuring import cut_words, lengthen, named, stops

pytestmark = pytest.mark.slow
Settle = Callable[[], None]
FAST = KdfParameters.fast_for_tests()
HERS, NEW = "nine blue cups of tea", "a lamp over the harbour"


def card_of(window: MainWindow, vault: Vault, settle: Settle) -> PeopleCard:
    window.take_vault(vault)
    settle()
    assert window.workspace is not None
    window.workspace.go("about")
    settle()
    made = window.workspace.about.people
    made.forms.kdf = FAST
    return made


def given(vault: Vault, name: str, role: Role) -> None:
    add_user(vault, user=name, passphrase=HERS, role=role, kdf=FAST)


def roles(vault: Vault) -> dict[str, Role]:
    return {person.user: person.role for person in list_people(vault)}


def shown(card: PeopleCard) -> list[str]:
    return [card.list.item(n).text() for n in range(card.list.count())]


def choose(card: PeopleCard, name: str) -> None:
    card.list.setCurrentRow(next(n for n, words in enumerate(shown(card)) if words.startswith(f"{name}:")))


def asked(card: PeopleCard) -> AccessDialog:
    assert card.asking is not None
    return card.asking


def type_into(dialog: AccessDialog, words: dict[str, str]) -> None:
    """Words into the fields that are called so."""
    fields = {f.accessibleName(): f for f in dialog.frame.dialog.findChildren(QLineEdit)}
    for name, typed in words.items():
        fields[name].setText(typed)


def save(dialog: AccessDialog, settle: Settle) -> str:
    """Do it; what the dialog says then."""
    dialog.frame.save_button.click()
    settle()
    return dialog.frame.message.text() if QApplication.activeModalWidget() else ""


def test_a_person_is_added_by_keyboard_and_can_open_the_vault(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    card, hands = card_of(window, vault, settle), Hands(window, settle)
    assert shown(card) == [f"{USER}: clinician, you"]
    card.add.setFocus()
    hands.press(Qt.Key.Key_Space)
    hands.type("silva")
    hands.press(Qt.Key.Key_Tab)
    hands.press(Qt.Key.Key_T)  # Trainer
    for _field in ("passphrase", "again"):
        hands.press(Qt.Key.Key_Tab)
        assert isinstance(hands.place(), QLineEdit)
        hands.type(HERS)
    hands.press(Qt.Key.Key_Return)
    assert QApplication.activeModalWidget() is None
    assert shown(card) == [f"{USER}: clinician, you", "silva: trainer"]
    window.lock()
    Vault.open(vault.path, user="silva", passphrase=HERS).close()


def test_what_is_wrong_is_said_in_the_form_and_nobody_is_added(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    card = card_of(window, vault, settle)
    card.add.click()
    dialog = asked(card)
    type_into(dialog, {"Name": "silva", "Her passphrase": "short", "Again": "short"})
    assert "at least 12 characters" in save(dialog, settle)
    type_into(dialog, {"Her passphrase": HERS, "Again": NEW})
    assert "differ; type the same one twice" in save(dialog, settle)
    type_into(dialog, {"Name": USER, "Again": HERS})
    assert "in the vault already; remove the user first" in save(dialog, settle)
    assert roles(vault) == {USER: Role.CLINICIAN}


def test_while_the_key_is_worked_on_the_form_says_so_and_the_window_answers(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    card = card_of(window, vault, settle)
    card.add.click()
    dialog = asked(card)
    type_into(dialog, {"Name": "silva", "Her passphrase": HERS, "Again": HERS})
    dialog.frame.save_button.click()  # the deed is handed to the writer; nothing of it is done here
    assert dialog.frame.message.text() == WAITING
    assert not dialog.frame.save_button.isEnabled()
    settle()
    assert "silva" in roles(vault)


def test_another_role_and_a_removal_are_of_the_person_chosen(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    given(vault, "tom", Role.ANNOTATOR)
    given(vault, "zoe", Role.CLINICIAN)
    card = card_of(window, vault, settle)
    choose(card, "tom")
    card.another_role.click()
    dialog = asked(card)
    box = dialog.frame.dialog.findChild(QComboBox)
    assert box is not None
    box.setCurrentIndex(box.findData("adjudicator"))
    type_into(dialog, {"Her passphrase": PASSPHRASE})
    assert "wrong" in save(dialog, settle)
    type_into(dialog, {"Her passphrase": HERS})
    assert save(dialog, settle) == ""
    assert roles(vault)["tom"] is Role.ADJUDICATOR
    chosen = card.chosen()
    assert chosen is not None
    assert chosen.user == "tom"
    card.remove.click()
    assert asked(card).frame.dialog.focusWidget() is asked(card).frame.cancel
    assert save(asked(card), settle) == ""
    assert set(roles(vault)) == {USER, "zoe"}
    assert [e.action for e in vault.audit_events(limit=2)] == ["user-removed", "user-role-changed"]


def test_ones_own_passphrase_is_changed_by_the_old_one(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    card = card_of(window, vault, settle)
    card.own.click()
    type_into(asked(card), {"Old passphrase": HERS, "New passphrase": NEW, "Again": NEW})
    assert "wrong" in save(asked(card), settle)
    type_into(asked(card), {"Old passphrase": PASSPHRASE})
    assert save(asked(card), settle) == ""
    window.lock()
    with pytest.raises(WrongPassphrase):
        Vault.open(vault.path, user=USER, passphrase=PASSPHRASE)
    Vault.open(vault.path, user=USER, passphrase=NEW).close()


def test_where_the_policy_asks_an_administrator_agrees_by_her_own_passphrase(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    window.around = replace(
        window.around, policy=replace(window.around.policy, people_need_administrator=True)
    )
    card = card_of(window, vault, settle)
    card.add.click()
    type_into(asked(card), {"Name": "silva", "Her passphrase": HERS, "Again": HERS})
    assert "first add one" in save(asked(card), settle)
    asked(card).frame.leave()
    given(vault, "it", Role.ADMINISTRATOR)
    card.refresh()
    settle()
    card.add.click()
    type_into(asked(card), {"Name": "silva", "Again": HERS})
    fields = [
        f for f in asked(card).frame.dialog.findChildren(QLineEdit) if f.accessibleName() == "Her passphrase"
    ]
    fields[0].setText(HERS)
    assert "wants an administrator to agree" in save(asked(card), settle)
    asked(card).administrator.setText("it")
    asked(card).agreement.setText(PASSPHRASE)
    assert "wrong" in save(asked(card), settle)
    assert "silva" not in roles(vault)
    asked(card).agreement.setText(HERS)
    assert save(asked(card), settle) == ""
    assert vault.audit_events(limit=1)[0].detail == "silva as clinician, approved by it"


def test_who_may_not_change_access_sees_it_and_changes_her_own_passphrase(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    given(vault, "tom", Role.TRAINER)
    vault.close()
    card = card_of(window, Vault.open(vault.path, user="tom", passphrase=HERS), settle)
    assert shown(card) == [f"{USER}: clinician", "tom: trainer, you"]
    for deed in (card.add, card.another_role, card.remove):
        assert not deed.isEnabled()
        assert "may not change who has access; ask one who may" in deed.toolTip()
    assert card.own.isEnabled()
    assert not card.forgotten.isVisible()


def test_the_recovery_words_replace_a_forgotten_passphrase(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    made, words = Vault.create(vault.path.with_name("w.vault"), user="ann", passphrase=PASSPHRASE, kdf=FAST)
    made.close()
    card = card_of(window, Vault.open(made.path, user=RECOVERY, passphrase=words), settle)
    assert not card.own.isVisible()
    choose(card, "ann")
    card.forgotten.click()
    type_into(asked(card), {"Her new passphrase": NEW, "Again": NEW})
    assert save(asked(card), settle) == ""
    window.lock()
    Vault.open(made.path, user="ann", passphrase=NEW).close()


def test_a_lock_empties_the_form_that_stands_open(window: MainWindow, vault: Vault, settle: Settle) -> None:
    card = card_of(window, vault, settle)
    card.add.click()
    type_into(asked(card), {"Name": "silva", "Her passphrase": HERS, "Again": HERS})
    assert HERS in told()
    window.lock()
    assert HERS not in told()


@pytest.mark.parametrize("percent", [100, 150])
def test_card_and_form_fit_a_small_window_with_longer_words(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle, percent: int
) -> None:
    window.set_percent(percent)
    window.resize(1024, 700)
    card = card_of(window, vault, settle)
    card.add.click()
    save(asked(card), settle)
    dialog = asked(card).frame.dialog
    for longer in (False, True):
        if longer:
            lengthen(dialog)
            settle()
        assert dialog.size().boundedTo(window.size()) == dialog.size()
        assert cut_words(dialog) == []
    assert [w for w in stops(dialog) if not named(w)] == []
    asked(card).frame.leave()
    assert cut_words(card.widget) == []
