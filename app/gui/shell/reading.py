"""Shows Markdown as a page that is pleasant to read: sizes, distances, quiet tables."""

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QBrush,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
)
from PySide6.QtWidgets import QTextBrowser, QTextEdit

from app.gui.shell.width_watch import WidthWatch
from app.gui.theme.look import Look

_HEADING_PX = {1: 20, 2: 15, 3: 13}
LINE_HEIGHT = 145.0
READING_PX = 660  # about 90 characters at 100 % text


def limit_lines(view: QTextEdit, look: Look, *, longest: int = READING_PX) -> None:
    """Break lines where reading on gets hard, however wide the window; `longest` in pixels at 100 % text."""
    viewport = view.viewport()

    def fit(_width: float) -> None:
        view.setLineWrapMode(QTextEdit.LineWrapMode.FixedPixelWidth)
        view.setLineWrapColumnOrWidth(min(viewport.width(), look.px(longest)))

    WidthWatch(viewport, look, fit)


def show_markdown(browser: QTextBrowser, text: str, look: Look) -> None:
    """Show a Markdown text in a browser, in the window's own typography."""
    browser.setFont(look.font())
    browser.document().setDefaultFont(look.font())
    browser.setMarkdown(text)
    browser.document().setDocumentMargin(look.px(8))
    together = QTextCursor(browser.document())
    together.beginEditBlock()  # else each change lays the whole text out anew
    block = browser.document().begin()
    while block.isValid():
        _space(block, look)
        block = block.next()
    for frame in browser.document().rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            _quieten(frame, look)
    together.endEditBlock()
    browser.moveCursor(QTextCursor.MoveOperation.Start)


def _space(block: QTextBlock, look: Look) -> None:
    cursor = QTextCursor(block)
    level = block.blockFormat().headingLevel()
    spacing = QTextBlockFormat()
    in_table = cursor.currentTable() is not None
    height = 115.0 if in_table else LINE_HEIGHT
    spacing.setLineHeight(height, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
    spacing.setBottomMargin(0 if in_table else look.px(3 if block.textList() else 8))
    spacing.setTopMargin(look.px(14) if level > 1 else 0)
    cursor.mergeBlockFormat(spacing)
    if level:
        shape = QTextCharFormat()
        shape.setFont(look.font(_HEADING_PX.get(level, 13), bold=True))
        cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
        cursor.setCharFormat(shape)


def _quieten(table: QTextTable, look: Look) -> None:
    if table.rows() > 1 and all(_is_blank(table, column) for column in range(table.columns())):
        table.removeRows(0, 1)
    quiet = table.format()
    quiet.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
    quiet.setBorderBrush(QBrush(look.color("border")))
    quiet.setBorder(0)
    quiet.setBorderCollapse(True)
    quiet.setCellPadding(look.px(4))
    quiet.setColumnWidthConstraints(
        [QTextLength(QTextLength.Type.PercentageLength, 30), QTextLength(QTextLength.Type.VariableLength, 0)]
    )
    quiet.setWidth(QTextLength(QTextLength.Type.PercentageLength, 100))
    quiet.setAlignment(Qt.AlignmentFlag.AlignLeft)
    table.setFormat(quiet)
    muted = QTextCharFormat()
    muted.setForeground(QBrush(look.color("muted")))
    for number in range(table.rows()):
        cursor = table.cellAt(number, 0).firstCursorPosition()
        cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
        cursor.mergeCharFormat(muted)


def _is_blank(table: QTextTable, column: int) -> bool:
    return not table.cellAt(0, column).firstCursorPosition().block().text()
