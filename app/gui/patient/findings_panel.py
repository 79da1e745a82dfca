"""The patient's findings from every note and from coded records, each once, with where they stand."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from app.clinical.annotation import Annotation
from app.gui.patient.open_chart import OpenChart
from app.gui.shell.empty_words import EmptyWords
from app.gui.shell.row_delegate import MIDDLE, Index, RowDelegate, draw_elided
from app.gui.theme.look import Look
from app.workflows.gather_findings import GatheredFinding
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.terms.term import TermId

ROW = Qt.ItemDataRole.UserRole


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding of the list; `source` says where it comes from, `first` is a mark to jump to."""

    term_id: TermId
    name: str
    excluded: bool
    source: str
    first: Annotation | None


_SOURCES = {
    "mark": "reviewed",
    "answer": "answered",
    "note": "suggested",
    "feature": "coded",
    "condition": "condition",
    "laboratory": "laboratory",
}


def finding_rows(
    opened: OpenChart, gathered: Iterable[GatheredFinding], name_of: Callable[[TermId], str]
) -> tuple[FindingRow, ...]:
    """Findings by state and name: the clinician's marks, and what the ranking read beside them."""
    rows: dict[tuple[TermId, bool], FindingRow] = {}
    for mark in opened.annotations():
        key = (mark.term_id, mark.state is FindingState.EXCLUDED)
        if not mark.rejected and key not in rows:
            kind = "answer" if mark.is_answer else "mark"
            rows[key] = FindingRow(*_named(key, name_of), _SOURCES[kind], mark)
    suggested = {
        (s.term_id, s.state is FindingState.EXCLUDED): s
        for note in opened.chart.notes
        for s in reversed(opened.open_suggestions(note.id))
    }
    for item in gathered:
        key = (item.finding.term_id, item.finding.state is FindingState.EXCLUDED)
        if item.source != "mark" and key not in rows and (item.source != "note" or key in suggested):
            rows[key] = FindingRow(*_named(key, name_of), _SOURCES[item.source], suggested.get(key))
    return tuple(
        sorted(rows.values(), key=lambda r: (r.source == "suggested", r.excluded, r.name.casefold()))
    )


def _named(key: tuple[TermId, bool], name_of: Callable[[TermId], str]) -> tuple[TermId, str, bool]:
    return key[0], name_of(key[0]), key[1]


class FindingDelegate(RowDelegate):
    """Paints a finding with the same shapes as in the note."""

    def __init__(self, look: Look, view: QListWidget) -> None:
        super().__init__(look, view, height=27)

    def paint_row(self, painter: QPainter, rect: QRectF, index: Index) -> None:
        """The state's sign, the name, and how often it was said."""
        found = index.data(ROW)
        self._sign(painter, rect, found)
        self._words(painter, rect, found)

    def _sign(self, painter: QPainter, rect: QRectF, found: FindingRow) -> None:
        look, side = self._look, self._look.px(15)
        suggested, excluded = found.source == "suggested", found.excluded
        box = QRectF(rect.left() + look.px(7), rect.center().y() - side / 2, side, side)
        role = "suggested" if suggested else "excluded" if excluded else "observed"
        painter.setBrush(look.color(f"{role}_fill"))
        shapes = Qt.PenStyle.DotLine, Qt.PenStyle.DashLine, Qt.PenStyle.SolidLine
        style = shapes[0 if suggested else 1 if excluded else 2]
        painter.setPen(QPen(look.color(role), 1.3, style))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QPen(look.color(role), 1.8))
        middle, reach = box.center(), side * 0.24
        painter.drawLine(QLineF(middle.x() - reach, middle.y(), middle.x() + reach, middle.y()))
        if not excluded:
            painter.drawLine(QLineF(middle.x(), middle.y() - reach, middle.x(), middle.y() + reach))

    def _words(self, painter: QPainter, rect: QRectF, found: FindingRow) -> None:
        look, source = self._look, found.source
        room = rect.adjusted(look.px(31), 0, -8, 0)
        font = look.font(12.5)
        font.setStrikeOut(found.excluded)
        painter.setFont(font)
        painter.setPen(look.color("text"))
        metrics = painter.fontMetrics()
        draw_elided(painter, room, found.name, MIDDLE)
        room.setLeft(room.left() + metrics.horizontalAdvance(found.name) + 8)
        painter.setFont(look.font(11.5))
        painter.setPen(look.color("muted"))
        if painter.fontMetrics().horizontalAdvance(source) <= room.width():  # the name comes first
            painter.drawText(room, int(MIDDLE | Qt.AlignmentFlag.AlignRight), source)


class FindingsPanel:
    """The list of findings; choosing one jumps to its mark."""

    def __init__(self, look: Look, jump: Callable[[Annotation], object]) -> None:
        self._jump = jump
        self.widget = QListWidget()
        self._delegate = FindingDelegate(look, self.widget)
        self.widget.setItemDelegate(self._delegate)
        self.widget.setProperty("role", "bare")
        self.widget.setAccessibleName("Findings")
        self.widget.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        EmptyWords(self.widget, "No findings yet. Mark words in the note, or accept what is suggested.")
        self.widget.itemActivated.connect(self._chosen)
        self.widget.itemClicked.connect(self._chosen)
        look.follow(self.widget, self.widget.doItemsLayout)

    def show(self, rows: tuple[FindingRow, ...]) -> None:
        """Show these findings."""
        self.widget.clear()
        for found in rows:
            item = QListWidgetItem(found.name, self.widget)
            item.setData(ROW, found)
            state = "absent" if found.excluded else "present"
            item.setToolTip(f"{found.name}\n{found.term_id}, {state} ({found.source})")
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{found.name}, {state}")

    def _chosen(self, item: QListWidgetItem) -> None:
        found = item.data(ROW)
        if found.first is not None:
            self._jump(found.first)
