"""The note's marks: where they are painted, and how fast a long note is repainted."""

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.clinical.annotation import Annotation
from app.clinical.ids import AnnotationId, NoteId
from app.gui.patient.mark import Mark, neighbour, shown_marks
from app.gui.patient.note_view import NoteView
from app.gui.theme.look import Look
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.terms.term import TermId

pytestmark = pytest.mark.slow
TEXT = "Seizures were seen. No fever. Tall stature may be present."


def _mark(words: str, *, excluded: bool = False, suggested: bool = False) -> Mark:
    start = TEXT.index(words)
    state = FindingState.EXCLUDED if excluded else FindingState.OBSERVED
    note = Annotation(AnnotationId(words), NoteId("n"), start, start + len(words), TermId("HP:1"), state)
    return Mark(note, words, suggested)


def _view(qtbot: QtBot, text: str, marks: tuple[Mark, ...]) -> NoteView:
    look = Look()
    look.apply()
    view = NoteView(look)
    qtbot.addWidget(view)
    view.resize(600, 300)
    view.show_note(text)
    view.show_marks(marks)
    view.show()
    return view


def _colors(view: NoteView) -> set[str]:
    image: QImage = view.grab().toImage()
    return {
        image.pixelColor(x, y).name() for x in range(image.width()) for y in range(min(image.height(), 120))
    }


@pytest.mark.parametrize(
    ("mark", "role"),
    [
        (_mark("Seizures"), "observed"),
        (_mark("fever", excluded=True), "excluded"),
        (_mark("Tall stature", suggested=True), "suggested"),
    ],
)
def test_each_kind_has_its_own_fill(qtbot: QtBot, mark: Mark, role: str) -> None:
    view = _view(qtbot, TEXT, (mark,))
    theme = Look().theme
    seen = _colors(view)
    fills = {kind: getattr(theme, f"{kind}_fill") for kind in ("observed", "excluded", "suggested")}
    assert {kind for kind, fill in fills.items() if fill in seen} == {role}


def test_kinds_differ_in_shape_where_colour_is_not_seen(qtbot: QtBot) -> None:
    def shape(mark: Mark) -> bytes:
        image = _view(qtbot, TEXT, (mark,)).grab().toImage().convertToFormat(QImage.Format.Format_Mono)
        return bytes(image.constBits())

    same = {"Seizures": shape(_mark("Seizures"))}
    same["excluded"] = shape(_mark("Seizures", excluded=True))
    same["suggested"] = shape(_mark("Seizures", suggested=True))
    assert len(set(same.values())) == 3


def test_the_selection_is_told_in_code_points_without_blanks(qtbot: QtBot) -> None:
    text = "😀 a fever here"
    view = _view(qtbot, text, ())
    cursor = view.textCursor()
    cursor.setPosition(len("😀 a".encode("utf-16-le")) // 2)
    cursor.setPosition(len("😀 a fever ".encode("utf-16-le")) // 2, cursor.MoveMode.KeepAnchor)
    view.setTextCursor(cursor)
    assert view.selected_span() == (text.index("fever"), text.index("fever") + 5)


def test_only_what_is_in_view_is_painted(qtbot: QtBot) -> None:
    text = "\n".join([TEXT] * 3000)
    step = len(TEXT) + 1
    marks = tuple(
        Mark(
            Annotation(AnnotationId(str(i)), NoteId("n"), i * step, i * step + 8, TermId("HP:1")), "x", False
        )
        for i in range(3000)
    )
    view = _view(qtbot, text, marks)
    assert 5 < len(list(view.visible_rects())) < 60


def test_the_next_suggestion_wraps_around_and_falls_back_to_marks() -> None:
    one, two = _mark("Seizures", suggested=True), _mark("Tall stature", suggested=True)
    assert neighbour((one, two), one.id, 0, 1) == two
    assert neighbour((one, two), two.id, 0, 1) == one
    assert neighbour((one, two), one.id, 0, -1) == two
    standing = _mark("fever", excluded=True)
    assert neighbour((standing,), None, 0, 1) == standing
    assert neighbour((), None, 0, 1) is None


def test_rejected_marks_are_not_shown() -> None:
    kept = _mark("fever").annotation
    gone = Annotation(AnnotationId("x"), NoteId("n"), 0, 3, TermId("HP:1"), rejected=True)
    assert [m.id for m in shown_marks((kept, gone), (), str)] == ["fever"]
