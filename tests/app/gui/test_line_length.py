"""A large window: no line of a text grows too long to read; columns of dates are wide enough in any."""

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QModelIndex, QSize
from PySide6.QtGui import QTextBlock
from PySide6.QtWidgets import QLabel, QTableView, QTextEdit

from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.gui.shell.main_window import MainWindow
from app.store.vault import Vault
from tests.app.gui.clinic import MARFAN
from tests.app.gui.measuring import visible

pytestmark = pytest.mark.slow
Settle = Callable[[], None]
LONGEST = 115  # characters: about 90 is pleasant, and narrow letters fit more into a line
PROSE = "She has had a cough and a fever since the weekend, and her mother says that she eats little. " * 8


def longest_line(text: QTextEdit) -> int:
    return max((length for block in _blocks(text) for length in _lines(block)), default=0)


def _blocks(text: QTextEdit) -> Iterator[QTextBlock]:
    block = text.document().begin()
    while block.isValid():
        yield block
        block = block.next()


def _lines(block: QTextBlock) -> list[int]:
    layout = block.layout()
    return [layout.lineAt(number).textLength() for number in range(layout.lineCount())]


@pytest.mark.parametrize("size", [QSize(1920, 1080), QSize(3840, 2160)])
def test_no_line_of_a_text_is_too_long_to_read(
    window: MainWindow, vault: Vault, settle: Settle, size: QSize
) -> None:
    vault.put_records([Note(NoteId("prose"), MARFAN, PROSE, written_at="2025-01-01")], origin="t")
    window.resize(size)
    window.take_vault(vault)
    settle()
    workspace, seen = window.workspace, 0
    assert workspace is not None
    workspace.open_patient(MARFAN)
    settle()
    for name in workspace.places():
        workspace.go(name)
        settle()
        for shown in visible(window):
            if isinstance(shown, QTextEdit):
                seen += 1
                assert (name, shown.accessibleName(), longest_line(shown)) <= (
                    name,
                    shown.accessibleName(),
                    LONGEST,
                )
            elif isinstance(shown, QLabel) and shown.wordWrap() and size.width() < 3000:
                letter = shown.fontMetrics().averageCharWidth()
                line = min(shown.width(), shown.fontMetrics().horizontalAdvance(shown.text()))
                assert (name, shown.text(), line / letter) <= (name, shown.text(), LONGEST + 30)
    assert seen >= 4


@pytest.mark.parametrize("width", [1024, 1280, 1920])
def test_dates_times_and_ages_are_never_cut(
    window: MainWindow, vault: Vault, settle: Settle, width: int
) -> None:
    born = Patient(PatientId("infant"), "Abara, Zoe", "2024-02-01")  # 23 months, the longest age there is
    vault.put_records([born], origin="t")
    window.resize(width, 720)
    window.take_vault(vault)
    settle()
    workspace = window.workspace
    assert workspace is not None
    tables: tuple[tuple[str, QTableView, tuple[str, ...]], ...] = (
        ("patients", workspace.patients.table, ("Born", "Age", "Last activity")),
        ("audit", workspace.audit.table, ("When (UTC)",)),
    )
    for name, table, columns in tables:
        workspace.go(name)
        settle()
        model = table.model()
        for column in range(model.columnCount(QModelIndex())):
            title = model.headerData(column, table.horizontalHeader().orientation(), 0)
            if title in columns and not table.isColumnHidden(column):
                room = table.columnWidth(column) - 2 * window.around.look.px(8)
                for row in range(model.rowCount(QModelIndex())):
                    words = model.index(row, column).data()
                    assert (words, table.fontMetrics().horizontalAdvance(words) <= room) == (words, True)
