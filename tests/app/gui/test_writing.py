"""A new patient and a new note at the window: saved by keyboard, refused with a reason, kept, thrown away."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMessageBox

from app.gui.patient.note_pane import NO_NOTE
from app.gui.patient.patient_page import PatientPage
from app.gui.shell.main_window import MainWindow
from app.gui.writing.note_dialog import DRAFT, NoteDialog
from app.gui.writing.patient_dialog import TAKEN, PatientDialog
from app.store.header import Role
from app.store.key_derivation import KdfParameters
from app.store.people import add_user
from app.store.vault import Vault
from app.workflows.keep_draft import read_draft
from app.workflows.write_note import TypedNote
from app.workflows.write_patient import TypedPatient
from tests.app.gui.clinic import MARFAN
from tests.app.gui.conftest import PASSPHRASE
from tests.app.gui.hands import CTRL, Hands, open_chart
from tests.app.gui.left_over import assert_forgotten, in_memory, told
from tests.app.gui.measuring import cut_words, lengthen, named, stops

pytestmark = pytest.mark.slow
Settle = Callable[[], None]
TYPED_OBJECTS = (TypedNote, TypedPatient, NoteDialog, PatientDialog)
WORDS = "He has had a headache for two weeks. No nausea."


def first_probability(page: PatientPage) -> float:
    first = page.differential.list.current()
    assert first is not None
    return first.line.probability


def new_note(page: PatientPage, hands: Hands) -> NoteDialog:
    hands.press(Qt.Key.Key_N, CTRL)
    assert page.writing is not None
    assert page.writing.text.hasFocus()
    return page.writing


def new_patient(window: MainWindow, vault: Vault, settle: Settle, hands: Hands) -> PatientDialog:
    window.take_vault(vault)
    settle()
    hands.press(Qt.Key.Key_N, CTRL)
    assert window.workspace is not None
    dialog = window.workspace.patients.writing
    assert dialog is not None
    assert dialog.name.hasFocus()
    return dialog


def test_a_note_is_written_by_keyboard_selected_read_and_weighed(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    hands = Hands(window, settle)
    page = open_chart(window, vault, settle)
    before = first_probability(page)
    new_note(page, hands)
    hands.type(WORDS)
    hands.press(Qt.Key.Key_Return, CTRL)
    assert page.opened is not None
    note = page.opened.chart.notes[-1]
    assert (note.text, note.title, note.written_at) == (WORDS, "Progress note", "2026-01-01")
    assert note.author == vault.user
    assert page.notes.note_id == note.id
    assert page.note.view.toPlainText() == WORDS
    assert page.note.view.hasFocus()
    assert {s.term_id for s in page.opened.suggestions[note.id]} >= {"HP:0002315"}
    assert first_probability(page) != before
    assert [hit.note_id for hit in vault.search_notes("headache weeks")] == [note.id]


def test_an_empty_note_is_refused_and_the_form_stays(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    hands = Hands(window, settle)
    page = open_chart(window, vault, settle)
    dialog = new_note(page, hands)
    hands.press(Qt.Key.Key_Return, CTRL)
    assert dialog.frame.dialog.isVisible()
    assert dialog.frame.message.text() == "The note has no text yet; type or paste it."
    assert dialog.text.hasFocus()
    dialog.day.setText("2026-02-30")
    hands.type(WORDS)
    hands.press(Qt.Key.Key_Return, CTRL)
    assert "YYYY-MM-DD" in dialog.frame.message.text()
    assert dialog.text.toPlainText() == WORDS
    assert len(vault.chart(MARFAN).notes) == 2


def test_return_alone_saves_nothing_and_escape_asks_before_words_go(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    hands = Hands(window, settle)
    page = open_chart(window, vault, settle)
    dialog = new_note(page, hands)
    hands.type(WORDS)
    dialog.day.setFocus()
    hands.press(Qt.Key.Key_Return)
    assert len(vault.chart(MARFAN).notes) == 2
    hands.press(Qt.Key.Key_Escape)
    assert dialog.frame.asking is not None
    assert dialog.frame.asking.isVisible()
    hands.press(Qt.Key.Key_Escape)
    assert dialog.frame.dialog.isVisible()
    assert dialog.text.toPlainText() == WORDS
    dialog.frame.leave()
    away = next(b for b in dialog.frame.asking.buttons() if b.text() == "Throw away")
    away.click()
    assert QApplication.activeModalWidget() is None
    settle()
    assert len(vault.chart(MARFAN).notes) == 2


def test_an_untouched_form_closes_unasked(window: MainWindow, vault: Vault, settle: Settle) -> None:
    hands = Hands(window, settle)
    dialog = new_note(open_chart(window, vault, settle), hands)
    hands.press(Qt.Key.Key_Escape)
    assert dialog.frame.asking is None
    assert QApplication.activeModalWidget() is None


def test_a_new_patient_is_opened_and_her_first_note_written(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    hands = Hands(window, settle)
    dialog = new_patient(window, vault, settle, hands)
    hands.type("Quill, Ada")
    for typed in ("MRN 7", "1990-05-17"):
        hands.press(Qt.Key.Key_Tab)
        hands.type(typed)
    hands.press(Qt.Key.Key_Tab)
    assert dialog.sex.hasFocus()
    hands.press(Qt.Key.Key_F)
    hands.press(Qt.Key.Key_Return, CTRL)
    workspace = window.workspace
    assert workspace is not None
    page = workspace.patient
    assert workspace.here == "patient"
    assert page.opened is not None
    who = page.opened.chart.patient
    assert (who.name, who.record_number, who.birth_date, who.sex) == (
        *("Quill, Ada", "MRN 7", "1990-05-17"),
        "FEMALE",
    )
    assert (page.note.title.text(), page.note.subtitle.text()) == ("No notes", "Ctrl+N writes one")
    assert page.note.view.placeholderText() == NO_NOTE
    assert not page.note.left.isVisible()
    assert not page.note.actions["add"].isEnabled()
    new_note(page, hands)
    hands.type(WORDS)
    hands.press(Qt.Key.Key_Return, CTRL)
    assert page.note.view.toPlainText() == WORDS
    assert page.note.left.isVisible()
    assert page.note.actions["add"].isEnabled()
    assert first_probability(page) > 0


def test_a_number_that_somebody_has_asks_before_a_second_patient_has_it(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    hands = Hands(window, settle)
    dialog = new_patient(window, vault, settle, hands)
    before = vault.patient_count()
    dialog.name.setText("Quill, Ada")
    dialog.number.setText("MRN 204-118")
    hands.press(Qt.Key.Key_Return, CTRL)
    asking = dialog.asking
    assert asking is not None
    assert asking.text() == TAKEN
    assert "Lindqvist, Jonas (born 2010-02-11)" in asking.informativeText()
    hands.press(Qt.Key.Key_Escape)
    assert dialog.frame.dialog.isVisible()
    assert vault.patient_count() == before
    dialog.save()
    settle()
    again = dialog.asking
    assert isinstance(again, QMessageBox)
    next(b for b in again.buttons() if b.text() == "Add a second patient").click()
    settle()
    assert vault.patient_count() == before + 1
    assert len(vault.numbered_patients("MRN 204-118")) == 2


def test_a_lock_closes_and_empties_both_forms_and_the_box_above_them(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    before = {id(o) for o in in_memory(TYPED_OBJECTS)}
    hands = Hands(window, settle)
    dialog = new_patient(window, vault, settle, hands)
    dialog.name.setText("Quill, Ada")
    dialog.number.setText("MRN 204-118")
    dialog.save()
    settle()
    assert "Quill, Ada" in told()
    assert "Lindqvist, Jonas (born" in told()
    window.lock()
    assert "Quill" not in told()
    assert "Lindqvist" not in told()
    window.activateWindow()  # a desktop would, once the form is gone
    again = Vault.open(vault.path, user=vault.user, passphrase=PASSPHRASE)
    form = new_note(open_chart(window, again, settle), hands)
    hands.type(WORDS)
    form.day.setText("2026-02-30")
    hands.press(Qt.Key.Key_Return, CTRL)
    form.frame.leave()
    settle()
    assert WORDS in told()
    assert "Lindqvist, Jonas (MRN" in told()
    del form, dialog
    window.lock()
    left = told()
    assert [secret for secret in (WORDS, "Lindqvist", "2026-02-30") if secret in left] == []
    assert_forgotten(window, settle, TYPED_OBJECTS, before)


def test_a_note_that_a_lock_interrupts_waits_in_the_vault_until_it_is_saved_or_thrown_away(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    hands = Hands(window, settle)
    new_note(open_chart(window, vault, settle), hands).kind.setEditText("Ward round")
    hands.type(WORDS)
    hands.press(Qt.Key.Key_L, CTRL)
    window.activateWindow()
    again = Vault.open(vault.path, user=vault.user, passphrase=PASSPHRASE)
    assert len(again.chart(MARFAN).notes) == 2
    assert WORDS not in "".join(event.detail for event in again.all_audit_events())
    page = open_chart(window, again, settle)
    dialog = new_note(page, hands)
    assert dialog.frame.message.text() == DRAFT
    assert (dialog.text.toPlainText(), dialog.kind.currentText()) == (WORDS, "Ward round")
    hands.press(Qt.Key.Key_Return, CTRL)
    assert [note.title for note in again.chart(MARFAN).notes][-1] == "Ward round"
    dialog = new_note(page, hands)
    assert dialog.text.toPlainText() == ""
    assert read_draft(again, MARFAN) is None


def test_who_may_not_write_is_told_so_before_anything_is_typed(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    hands = Hands(window, settle)
    add_user(
        vault, user="bob", passphrase=PASSPHRASE, role=Role.ANNOTATOR, kdf=KdfParameters.fast_for_tests()
    )
    vault.close()
    page = open_chart(window, Vault.open(vault.path, user="bob", passphrase=PASSPHRASE), settle)
    hands.press(Qt.Key.Key_N, CTRL)
    assert page.writing is None
    box = window.findChild(QMessageBox)
    assert box is not None
    assert "may not write notes or add patients" in box.informativeText()


@pytest.mark.parametrize("which", ["note", "patient"])
def test_both_forms_fit_a_small_window_with_large_text_and_longer_words(
    window: MainWindow, vault: Vault, settle: Settle, which: str
) -> None:
    hands = Hands(window, settle)
    window.set_percent(150)
    window.resize(1024, 700)
    if which == "note":
        frame = new_note(open_chart(window, vault, settle), hands).frame
    else:
        frame = new_patient(window, vault, settle, hands).frame
    frame.save_button.click()
    settle()
    assert frame.message.isVisible()
    for longer in (False, True):
        if longer:
            lengthen(frame.dialog)
            settle()
        assert frame.dialog.size().boundedTo(window.size()) == frame.dialog.size()
        assert cut_words(frame.dialog) == []
    assert [w for w in stops(frame.dialog) if not named(w)] == []
