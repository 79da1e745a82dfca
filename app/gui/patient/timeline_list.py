"""The chart's time line as a list: days as headings, notes to be opened, abnormal values marked."""

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QListWidget,
    QListWidgetItem,
)

from app.clinical.ids import NoteId
from app.gui.patient.timeline import TimelineEntry
from app.gui.shell.empty_words import EmptyWords
from app.gui.shell.row_delegate import Index, RowDelegate, draw_elided
from app.gui.theme.icons import pixmap
from app.gui.theme.look import Look

ENTRY = Qt.ItemDataRole.UserRole


class TimelineDelegate(RowDelegate):
    """Paints a heading, or an icon with title and detail."""

    def __init__(self, look: Look, view: QListWidget) -> None:
        super().__init__(look, view, height=26)

    def height_of(self, index: Index) -> int:
        """Headings are a little higher than entries; entries with a detail are higher still."""
        entry = index.data(ENTRY)
        if entry is None:
            return 28
        return 40 if entry.detail else 26

    def paint_row(self, painter: QPainter, rect: QRectF, index: Index) -> None:
        """One row."""
        entry = index.data(ENTRY)
        if entry is None:
            self._heading(painter, rect, str(index.data()))
        else:
            self._entry(painter, rect, entry)

    def _heading(self, painter: QPainter, rect: QRectF, text: str) -> None:
        painter.setFont(self._look.font(11, bold=True))
        painter.setPen(self._look.color("muted"))
        inner = rect.adjusted(self._look.px(6), 0, 0, -self._look.px(4))
        painter.drawText(inner, int(Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft), text)

    def _entry(self, painter: QPainter, rect: QRectF, entry: TimelineEntry) -> None:
        look = self._look
        role = "warn" if entry.alert else "accent" if entry.note_id else "muted"
        at = QPointF(rect.left() + look.px(6), rect.top() + look.px(6))
        painter.drawPixmap(at, pixmap(look, entry.kind, role=role, size=15))
        left = look.px(28)
        self._line(painter, rect.adjusted(left, look.px(4), -6, 0), entry.title, struck=entry.in_error)
        if entry.detail:
            detail = ("! " if entry.alert else "") + entry.detail
            second = rect.adjusted(left, look.px(20), -6, 0)
            self._line(painter, second, detail, role="warn" if entry.alert else "muted")

    def _line(
        self, painter: QPainter, rect: QRectF, text: str, *, role: str = "", struck: bool = False
    ) -> None:
        """A detail in its role's colour, or the title."""
        font = self._look.font(11.5 if role else 12.5)
        font.setStrikeOut(struck)
        painter.setFont(font)
        painter.setPen(self._look.color(role or "text"))
        draw_elided(painter, rect, text)


class TimelineList:
    """The list; choosing a note opens it."""

    def __init__(self, look: Look, open_note: Callable[[NoteId], object]) -> None:
        self._open_note = open_note
        self.widget = QListWidget()
        self._delegate = TimelineDelegate(look, self.widget)
        self.widget.setItemDelegate(self._delegate)
        self.widget.setProperty("role", "bare")
        self.widget.setAccessibleName("Time line")
        self.widget.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.widget.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        EmptyWords(self.widget, "This chart holds no entries.")
        self.widget.currentItemChanged.connect(self._chosen)
        look.follow(self.widget, self.widget.doItemsLayout)

    def show(self, entries: tuple[TimelineEntry, ...]) -> None:
        """Show these entries."""
        self.widget.blockSignals(True)
        self.widget.clear()
        day = None
        for entry in entries:
            if entry.day != day:
                day = entry.day
                heading = QListWidgetItem(day, self.widget)
                heading.setFlags(Qt.ItemFlag.NoItemFlags)
            item = QListWidgetItem(f"{entry.title} {entry.detail}", self.widget)
            item.setData(ENTRY, entry)
            item.setToolTip(f"{entry.kind.capitalize()}: {entry.title}\n{entry.detail}".strip())
        self.widget.blockSignals(False)

    def select(self, note_id: NoteId) -> None:
        """Mark a note as the one shown."""
        self.widget.blockSignals(True)
        for number in range(self.widget.count()):
            entry = self.widget.item(number).data(ENTRY)
            if entry is not None and entry.note_id == note_id:
                self.widget.setCurrentRow(number)
        self.widget.blockSignals(False)

    def _chosen(self, item: QListWidgetItem | None) -> None:
        entry = item.data(ENTRY) if item is not None else None
        if entry is not None and entry.note_id is not None:
            self._open_note(entry.note_id)
