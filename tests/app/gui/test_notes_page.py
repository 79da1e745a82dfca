"""The search in every note: typing finds, the keyboard alone leads to the note, a lock forgets."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.gui.notes.hit_list import spoken
from app.gui.notes.notes_page import SHOWN, counted
from app.gui.shell.main_window import MainWindow
from app.store import note_search, session
from app.store.note_search import NoteHit, NoteHits, find_notes
from app.store.vault import Vault
from tests.app.gui.clinic import MARFAN, NOTE
from tests.app.gui.hands import enter

pytestmark = pytest.mark.slow
Settle = Callable[[], None]
CHINESE = Note(NoteId("note-zh"), PatientId("patient-00001"), "患者发热三天，皮疹。", "门诊", "2024-06-01")

TYPED = {"发热": 1, "seizur": 9, "hypotonia seizures": 8, '"murmur heard"': 1, "unheardof": 0, "  ": 0}


def _keys_to(qtbot: QtBot, text: str) -> None:
    focused = QApplication.focusWidget()
    assert focused is not None
    qtbot.keyClicks(focused, text)


def test_words_lead_to_their_note_by_the_keyboard_alone(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    workspace = enter(window, vault, settle)
    page = workspace.notes
    qtbot.keyClick(
        window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    )
    qtbot.waitUntil(page.search.hasFocus)  # a button's key shows the button pressed for a moment
    _keys_to(qtbot, "ectopia wrist arachnod")
    settle()
    assert page.count.text() == "1 note"
    qtbot.keyClick(page.search, Qt.Key.Key_Down)
    assert page.hits.widget.hasFocus()
    hit = page.hits.current()
    assert hit is not None
    assert spoken(hit).startswith("Lindqvist, Jonas (MRN 204-118), Genetics consultation, 2024-05-14, ")
    qtbot.keyClick(page.hits.widget, Qt.Key.Key_Return)
    settle()
    assert workspace.here == "patient"
    opened = workspace.patient.opened
    assert opened is not None
    assert opened.chart.patient.id == MARFAN
    assert workspace.patient.notes.note_id == NOTE


def test_prefixes_phrases_and_chinese_are_found(window: MainWindow, vault: Vault, settle: Settle) -> None:
    vault.put_records([CHINESE], origin="synthetic")
    workspace = enter(window, vault, settle)
    workspace.go("notes")
    page = workspace.notes
    for typed, found in TYPED.items():
        page.search.setText(typed)
        settle()
        assert (typed, page.hits.widget.count()) == (typed, found)
        assert page.hits.widget.isVisible() == bool(found)


def test_the_first_hit_opens_with_enter_and_a_lock_forgets_all(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    window.take_vault(vault)
    settle()
    assert window.workspace is not None
    page = window.workspace.notes
    window.workspace.go("notes")
    page.search.setText("hepatomegaly")
    settle()
    qtbot.keyClick(page.search, Qt.Key.Key_Return)
    settle()
    assert window.workspace.here == "patient"
    window.lock()
    assert (page.search.text(), page.count.text(), page.hits.widget.count()) == ("", "", 0)


def test_a_full_page_says_that_there_may_be_more() -> None:
    hit = NoteHit(NoteId("n"), PatientId("p"), "", "", "", "", "")
    assert counted(NoteHits([hit])) == "1 note"
    assert counted(NoteHits([hit] * SHOWN)) == f"the best {SHOWN}; add a word to narrow"


def test_what_had_to_stop_shows_the_newest_and_goes_on_to_all(
    window: MainWindow, vault: Vault, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(note_search, "MAY_COST_S", -1.0)
    monkeypatch.setattr(session, "_STEPS", 1)
    first, *then = find_notes(vault, "seizures", limit=SHOWN, stop=lambda: False)
    assert first.older_left_out
    assert [hits.older_left_out for hits in then] == [False]
    assert len(list(find_notes(vault, "seizures", limit=SHOWN, stop=lambda: True))) == 1
    assert "searching older notes" in counted(first)
    workspace = enter(window, vault, settle)
    workspace.go("notes")
    page = workspace.notes
    page.search.setText("seizures")
    settle()
    assert page.hits.widget.count() == len(then[0]) > 0
    assert page.count.text() == counted(then[0])


def test_the_note_that_was_chosen_stays_chosen_when_older_ones_come(window: MainWindow, vault: Vault) -> None:
    hits = vault.search_notes("seizures")
    window.take_vault(vault)
    assert window.workspace is not None
    listed = window.workspace.notes.hits
    listed.show(hits[:2])
    listed.show(hits, choose=hits[1].note_id)
    assert listed.current() == hits[1]
    listed.show(hits)
    assert listed.current() == hits[0]
