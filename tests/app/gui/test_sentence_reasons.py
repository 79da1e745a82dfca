"""What sentences count for the chosen disease: painted by side and strength, listed, forgotten in time."""

from collections.abc import Callable

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.text_reason import NotePart, PartKind, TextReason
from app.gui.patient.evidence_list import ROW
from app.gui.patient.note_view import NoteView
from app.gui.patient.noted_reason import NotedReason, sentences, strongest, washes
from app.gui.patient.patient_page import PatientPage
from app.gui.patient.sentence_wash import Wash
from app.gui.shell.main_window import MainWindow
from app.gui.theme.look import Look
from app.gui.theme.palette import THEMES, contrast
from app.store.vault import Vault
from tests.app.gui.clinic import MARFAN, NOTE

Settle = Callable[[], None]
TEXT = "Tall stature was seen. No fever."


def reason(start: int, end: int, weight: float) -> TextReason:
    return TextReason(NotePart(0, PartKind.SENTENCE, ((start, end),)), weight)


def noted() -> tuple[NotedReason, ...]:
    note = Note(NoteId("n"), PatientId("p"), TEXT, "Clinic", "2024-01-01")
    weak = reason(0, 3, 0.01)
    return sentences([note], [reason(0, 22, 2.0), reason(23, 32, -0.5), weak])


def test_the_strongest_sentence_sets_the_scale_and_the_faintest_are_left_out() -> None:
    found = noted()
    assert [(w.strength, w.role) for w in washes(found, NoteId("n"), "X")] == [(1.0, "good"), (-0.25, "bad")]
    assert washes(found, NoteId("other"), "X") == ()
    assert [r.quote for r in strongest(found)] == ["Tall stature was seen.", "No fever."]


@pytest.mark.slow
@pytest.mark.parametrize("theme", sorted(THEMES))
def test_a_sentence_for_and_one_against_differ_in_colour_and_in_line(qtbot: QtBot, theme: str) -> None:
    look = Look(THEMES[theme])
    look.apply()
    view = NoteView(look)
    qtbot.addWidget(view)
    view.resize(600, 200)
    view.show_note(TEXT)
    view.show_washes((Wash(0, 22, 1.0, "for"), Wash(23, 32, -1.0, "against")))
    view.show()
    image: QImage = view.grab().toImage()
    lines: dict[str, list[int]] = {"good": [], "bad": []}
    for role, places in lines.items():
        color = look.color(role)
        rows = [[x for x in range(600) if image.pixelColor(x, y) == color] for y in range(60)]
        longest = max(rows, key=len)
        places.extend(longest)
    solid, dotted = lines["good"], lines["bad"]
    assert solid == list(range(solid[0], solid[-1] + 1))
    assert len(dotted) < 0.8 * (dotted[-1] - dotted[0])
    ground = image.pixelColor(solid[0] + 2, 8 + look.px(14)).name()
    assert contrast(THEMES[theme].text, ground) >= THEMES[theme].text_contrast
    view.show_note("Another note.")
    image = view.grab().toImage()
    assert look.color("good") not in [image.pixelColor(x, y) for x in range(300) for y in range(60)]


def _rows(page: PatientPage) -> list[str]:
    shown = page.differential.evidence.widget
    return [shown.item(i).text() for i in range(shown.count())]


@pytest.mark.slow
def test_the_page_explains_on_demand_and_turns_to_the_sentence(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    window.take_vault(vault)
    settle()
    assert window.workspace is not None
    page = window.workspace.patient
    page.open(MARFAN, NOTE)
    settle()
    heading = "Read in the notes, by the text model"
    assert heading not in _rows(page)
    page.differential.sentences.toggle()
    settle()
    assert heading in _rows(page)
    shown = page.differential.evidence.widget
    item = next(
        shown.item(i)
        for i in range(shown.count())
        if shown.item(i).data(ROW).noted is not None and shown.item(i).data(ROW).noted.note_id != NOTE
    )
    page.differential.evidence.widget.itemClicked.emit(item)
    assert page.notes.note_id == item.data(ROW).noted.note_id
    assert page.note.view.cursor_offset() == item.data(ROW).noted.start
    page.differential.sentences.toggle()
    assert heading not in _rows(page)
