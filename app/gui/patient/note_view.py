"""The note with its findings marked in colour and in shape, so that neither is needed alone.

Observed: filled, solid underline. Excluded: filled, struck through, dashed underline. Suggested:
dotted outline (struck through where the suggestion is an absence). The current mark has a frame.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from PySide6.QtCore import QEvent, QLineF, QPoint, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
)
from PySide6.QtWidgets import QTextEdit, QToolTip

from app.clinical.ids import AnnotationId
from app.gui.patient.mark import Mark
from app.gui.patient.sentence_wash import Wash, line_below, wash_below
from app.gui.patient.text_offsets import TextOffsets
from app.gui.shell.reading import limit_lines
from app.gui.theme.look import Look

LINE_HEIGHT_PERCENT = 150.0
NOTE_PX = 760  # at 100 % text; about 95 characters of a note's own size
Painted = TypeVar("Painted", Mark, Wash)


@dataclass(frozen=True, slots=True)
class _Spans(Generic[Painted]):
    """What is painted, by its start in Qt's offsets; `longest` is the longest span."""

    rows: tuple[tuple[int, int, Painted], ...] = ()
    starts: tuple[int, ...] = ()
    longest: int = 0

    @classmethod
    def of(cls, offsets: TextOffsets, painted: Sequence[Painted]) -> "_Spans[Painted]":
        rows = sorted(((offsets.to_qt(p.start), offsets.to_qt(p.end), p) for p in painted), key=_place)
        longest = max((end - start for start, end, _painted in rows), default=0)
        return cls(tuple(rows), tuple(start for start, _end, _painted in rows), longest)

    def touching(self, first: int, last: int) -> Iterator[tuple[int, int, Painted]]:
        """Those that reach into a block of the text."""
        begin = bisect_left(self.starts, first - self.longest)
        for row in self.rows[begin : bisect_left(self.starts, last)]:
            if row[1] > first:
                yield row


class NoteView(QTextEdit):
    """Read-only text with painted marks; says which mark or which words were chosen."""

    mark_chosen = Signal(str)
    menu_wanted = Signal(QPoint)
    note_shown = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._offsets = TextOffsets("")
        self._marks: tuple[Mark, ...] = ()
        self._spans: _Spans[Mark] = _Spans()
        self._washes: _Spans[Wash] = _Spans()
        self.current: AnnotationId | None = None
        self._struck = False
        self.setReadOnly(True)
        self.setAcceptDrops(False)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setProperty("role", "bare")
        limit_lines(self, look, longest=NOTE_PX)
        self.setAccessibleName("Note")
        look.changed.connect(self._restyle)

    def show_note(self, text: str, *, struck: bool = False) -> None:
        """Show another note, without marks yet; struck out where it counts nowhere."""
        self._offsets = TextOffsets(text)
        self.current = None
        self.show_marks(())
        self.show_washes(())
        self._struck = struck
        self.setPlainText(text)
        self._restyle()
        self.moveCursor(QTextCursor.MoveOperation.Start)
        self.note_shown.emit()

    def show_marks(self, marks: tuple[Mark, ...]) -> None:
        """Paint these marks from now on; the layout of the text does not change."""
        self._marks = marks
        self._spans = _Spans.of(self._offsets, marks)
        if self.current is not None and all(m.id != self.current for m in marks):
            self.current = None
        self.viewport().update()

    def show_washes(self, washes: Sequence[Wash]) -> None:
        """Paint what sentences say of a disease, below the marks."""
        self._washes = _Spans.of(self._offsets, washes)
        self.viewport().update()

    def reveal(self, start: int) -> None:
        """Bring a place, a code point, into view."""
        cursor = self.textCursor()
        cursor.setPosition(self._offsets.to_qt(start))
        self.setTextCursor(cursor)
        self.ensureCursorVisible()

    def choose(self, mark: Mark | None) -> None:
        """Make a mark the current one and bring it into view."""
        self.current = None if mark is None else mark.id
        if mark is not None:
            self.reveal(mark.start)
        self.viewport().update()

    def current_mark(self) -> Mark | None:
        """The current mark."""
        return next((m for m in self._marks if m.id == self.current), None)

    def selected_span(self) -> tuple[int, int] | None:
        """The selected words as code-point offsets, without blanks at the ends."""
        cursor = self.textCursor()
        start, end = (self._offsets.from_qt(p) for p in (cursor.selectionStart(), cursor.selectionEnd()))
        words = cursor.selectedText()
        start += len(words) - len(words.lstrip())
        end -= len(words) - len(words.rstrip())
        return (start, end) if start < end else None

    def cursor_offset(self) -> int:
        """Where the cursor stands, in code points."""
        return self._offsets.from_qt(self.textCursor().position())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Fills below the text, lines and frames above it."""
        shown, washes = list(self.visible_rects()), list(self._visible(self._washes))
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for wash, rect in washes:
            wash_below(painter, self._look, wash, rect)
        for mark, rect in shown:
            _fill(painter, self._look, mark, rect)
        painter.end()
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for wash, rect in washes:
            line_below(painter, self._look, wash, rect)
        for mark, rect in shown:
            _lines(painter, self._look, mark, rect)
            if mark.id == self.current:
                _frame(painter, self._look, rect)
        painter.end()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click on a mark chooses it."""
        super().mouseReleaseEvent(event)
        mark = self._mark_at(event.position().toPoint())
        if mark is not None and not self.textCursor().hasSelection():
            self.mark_chosen.emit(mark.id)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu belongs to the mark under the mouse."""
        mark = self._mark_at(event.pos())
        if mark is not None:
            self.mark_chosen.emit(mark.id)
        self.menu_wanted.emit(event.globalPos())

    def viewportEvent(self, event: QEvent) -> bool:
        """A tool tip names the finding, else says what the sentence counts."""
        if isinstance(event, QHelpEvent):
            mark, point = self._mark_at(event.pos()), event.pos()
            washed = next((w.told for w, rect in self._visible(self._washes) if rect.contains(point)), "")
            QToolTip.showText(event.globalPos(), mark.sentence() if mark else washed, self)
            return True
        return super().viewportEvent(event)

    def _mark_at(self, point: QPoint) -> Mark | None:
        return next((m for m, rect in self.visible_rects() if rect.contains(point)), None)

    def _restyle(self) -> None:
        cursor = QTextCursor(self.document())
        cursor.select(QTextCursor.SelectionType.Document)
        spacing = QTextBlockFormat()
        spacing.setLineHeight(LINE_HEIGHT_PERCENT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        cursor.mergeBlockFormat(spacing)
        words = QTextCharFormat()
        words.setFontStrikeOut(self._struck)
        words.setForeground(self._look.color("muted" if self._struck else "text"))
        cursor.mergeCharFormat(words)
        self.document().setDocumentMargin(self._look.px(14))
        self.setFont(self._look.font(14))
        self.viewport().update()

    def visible_rects(self) -> Iterator[tuple[Mark, QRectF]]:
        """Each line piece of each mark that can be seen, in viewport coordinates."""
        return self._visible(self._spans)

    def _visible(self, spans: _Spans[Painted]) -> Iterator[tuple[Painted, QRectF]]:
        height = self.viewport().height()
        inside = round(self.document().documentMargin()) + 2  # a point in the margin hits any block
        block = self.cursorForPosition(QPoint(inside, inside)).block()
        block = block.previous() if block.previous().isValid() else block
        while block.isValid():
            top = self.document().documentLayout().blockBoundingRect(block).top()
            if top - self.verticalScrollBar().value() > height:
                return
            first, last = block.position(), block.position() + block.length()
            for start, end, painted in spans.touching(first, last):
                yield from ((painted, r) for r in self._pieces(block, start - first, end - first))
            block = block.next()

    def _pieces(self, block: QTextBlock, start: int, end: int) -> Iterator[QRectF]:
        layout = block.layout()
        origin = self.document().documentLayout().blockBoundingRect(block).topLeft()
        shift_x, shift_y = self.horizontalScrollBar().value(), self.verticalScrollBar().value()
        metrics = self.fontMetrics()
        for number in range(layout.lineCount()):
            line = layout.lineAt(number)
            left = max(start, line.textStart())
            right = min(end, line.textStart() + line.textLength())
            while right > left and block.text()[right - 1].isspace():
                right -= 1  # a blank at a line's end is not worth a mark
            if left >= right:
                continue
            x0, x1 = _x(line.cursorToX(left)), _x(line.cursorToX(right))
            baseline = origin.y() + line.y() + line.ascent() - shift_y
            top = baseline - metrics.ascent() - 1
            yield QRectF(
                origin.x() + min(x0, x1) - shift_x,
                top,
                abs(x1 - x0),
                metrics.ascent() + metrics.descent() + 3,
            )


def _place(row: tuple[int, int, object]) -> tuple[int, int]:
    return row[:2]


def _x(answer: object) -> float:
    """Qt's binding gives the place alone or with the cursor."""
    return float(answer[0] if isinstance(answer, tuple) else answer)  # type: ignore[arg-type]


def _fill(painter: QPainter, look: Look, mark: Mark, rect: QRectF) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(look.color(f"{mark.kind}_fill"))
    painter.drawRoundedRect(rect.adjusted(-1, 0, 1, 0), 3, 3)


def _lines(painter: QPainter, look: Look, mark: Mark, rect: QRectF) -> None:
    color = look.color(mark.kind)
    bottom = rect.bottom() - 0.5
    if mark.suggested:
        _outline(painter, color, rect)
    else:
        style = Qt.PenStyle.DashLine if mark.excluded else Qt.PenStyle.SolidLine
        pen = QPen(color, look.px(2), style, Qt.PenCapStyle.FlatCap)
        if mark.excluded:
            pen.setDashPattern([3.0, 2.0])
        painter.setPen(pen)
        painter.drawLine(QLineF(rect.left(), bottom, rect.right(), bottom))
    if mark.excluded:
        middle = rect.top() + rect.height() * 0.56
        painter.setPen(QPen(color, 1.2))
        painter.drawLine(QLineF(rect.left(), middle, rect.right(), middle))


def _outline(painter: QPainter, color: QColor, rect: QRectF) -> None:
    pen = QPen(color, 1.4, Qt.PenStyle.CustomDashLine, Qt.PenCapStyle.RoundCap)
    pen.setDashPattern([0.1, 2.2])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(rect.adjusted(-1, 0, 1, 0), 3, 3)


def _frame(painter: QPainter, look: Look, rect: QRectF) -> None:
    painter.setPen(QPen(look.color("accent"), look.px(2)))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(rect.adjusted(-3, -2, 3, 2), 4, 4)
