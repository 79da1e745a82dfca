"""The notes that a search found, as a list: whose, which and when, and the words around the match."""

from itertools import cycle

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QListWidget,
    QListWidgetItem,
)

from app.clinical.ids import NoteId
from app.clinical.patient import called
from app.gui.shell.row_delegate import Index, RowDelegate, draw_elided
from app.gui.theme.look import Look
from app.store.note_search import NoteHit

HIT = Qt.ItemDataRole.UserRole


class HitDelegate(RowDelegate):
    """Paints the patient and the note above, the snippet with its matches below."""

    def __init__(self, look: Look, view: QListWidget) -> None:
        super().__init__(look, view, height=50)

    def paint_row(self, painter: QPainter, rect: QRectF, index: Index) -> None:
        """One note."""
        look, hit = self._look, index.data(HIT)
        inner = rect.adjusted(look.px(12), look.px(6), -look.px(12), -look.px(6))
        self._first_line(painter, inner, hit)
        self._snippet(painter, inner.adjusted(0, look.px(20), 0, 0), hit.snippet)

    def _first_line(self, painter: QPainter, rect: QRectF, hit: NoteHit) -> None:
        look, top = self._look, int(Qt.AlignmentFlag.AlignTop)
        painter.setFont(look.font(12))
        painter.setPen(look.color("muted"))
        day = hit.written_at[:10] or "undated"
        painter.drawText(rect, top | int(Qt.AlignmentFlag.AlignRight), day)
        right = rect.right() - painter.fontMetrics().horizontalAdvance(day) - look.px(12)
        left = self._words(painter, rect, rect.left(), right, patient_of(hit), bold=True, role="text")
        left += look.px(10)
        self._words(painter, rect, left, right, hit.title or "Note", bold=False, role="muted")

    def _snippet(self, painter: QPainter, rect: QRectF, snippet: str) -> None:
        """What stands between « and » in bold and in the accent's colour."""
        parts = snippet.replace("\n", " ").replace("»", "«").split("«")
        left = rect.left()
        for text, bold in zip(parts, cycle((False, True)), strict=False):
            role = "accent" if bold else "text"
            left = self._words(painter, rect, left, rect.right(), text, bold=bold, role=role)

    def _words(
        self, painter: QPainter, rect: QRectF, left: float, right: float, text: str, *, bold: bool, role: str
    ) -> float:
        """Draw as much as there is room for; where the next words begin."""
        if right - left < self._look.px(12) or not text:
            return left
        painter.setFont(self._look.font(12.5, bold=bold))
        painter.setPen(self._look.color(role))
        metrics = painter.fontMetrics()
        draw_elided(painter, QRectF(left, rect.top(), right - left, rect.height()), text)
        return left + metrics.horizontalAdvance(text)


class HitList:
    """The list; each row also says itself to a screen reader."""

    def __init__(self, look: Look) -> None:
        self.widget = QListWidget()
        self._delegate = HitDelegate(look, self.widget)
        self.widget.setItemDelegate(self._delegate)
        self.widget.setProperty("role", "bare")
        self.widget.setAccessibleName("Notes found")
        self.widget.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.widget.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        look.follow(self.widget, self.widget.doItemsLayout)

    def show(self, hits: list[NoteHit], *, choose: NoteId | None = None) -> None:
        """Show these, that note chosen, or the first one."""
        self.widget.clear()
        for hit in hits:
            item = QListWidgetItem(spoken(hit), self.widget)
            item.setData(HIT, hit)
        self.widget.setCurrentRow(next((n for n, hit in enumerate(hits) if hit.note_id == choose), 0))

    def current(self) -> NoteHit | None:
        """The chosen note."""
        item: QListWidgetItem | None = self.widget.currentItem()
        chosen: NoteHit | None = item.data(HIT) if item is not None else None
        return chosen


def patient_of(hit: NoteHit) -> str:
    """Whose note it is."""
    return called(hit.patient_name, hit.record_number)


def spoken(hit: NoteHit) -> str:
    """A row in words."""
    told = (patient_of(hit), hit.title, hit.written_at[:10], hit.snippet.replace("«", "").replace("»", ""))
    return ", ".join(part for part in told if part)
