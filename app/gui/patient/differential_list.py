"""The ranked differential: each disease with its probability bar, both shares and the word on it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from app.clinical.diagnosis import Decision, Differential, DifferentialLine
from app.clinical.percent import percent, stated
from app.gui.shell.row_delegate import Index, RowDelegate, draw_elided
from app.gui.theme.look import Look

ROW = Qt.ItemDataRole.UserRole
ROW_PX, LOW_ROW_PX = 52, 37


@dataclass(frozen=True, slots=True)
class DiseaseRow:
    """One line with what the text alone and the graph alone say, each 0 to 1 among the lines shown."""

    line: DifferentialLine
    text_share: float
    graph_share: float
    decision: Decision | None


def disease_rows(
    differential: Differential, decision_of: Callable[[str], Decision | None]
) -> tuple[DiseaseRow, ...]:
    """The lines with their shares."""
    texts = among([line.text_score for line in differential.lines])
    graphs = among([line.graph_score for line in differential.lines])
    return tuple(
        DiseaseRow(line, text, graph, _decision(line, decision_of))
        for line, text, graph in zip(differential.lines, texts, graphs, strict=True)
    )


def _decision(line: DifferentialLine, decision_of: Callable[[str], Decision | None]) -> Decision | None:
    """The word on the disease, under whichever of its ids it was given."""
    return next((said for i in (line.disease_id, *line.same_as) if (said := decision_of(i))), None)


def among(scores: list[float]) -> list[float]:
    """Log scores as shares of one; all zero where every score is the same (nothing was said)."""
    finite = [s for s in scores if math.isfinite(s)]
    if not finite or max(finite) == min(finite):
        return [0.0] * len(scores)
    weights = [math.exp(s - max(finite)) if math.isfinite(s) else 0.0 for s in scores]
    return [w / sum(weights) for w in weights]


def shares_text(found: DiseaseRow) -> str:
    """Both shares in words."""
    told = (
        f"{who} {percent(share) if share else 'says nothing'}"
        for who, share in (("text", found.text_share), ("graph", found.graph_share))
    )
    return ", ".join(told) + " (each by itself, among the diseases listed)"


def spoken(found: DiseaseRow) -> str:
    """A row as a screen reader says it."""
    line = found.line
    said = f", {found.decision}" if found.decision else ""
    return f"{line.rank}. {line.name}, {stated(line.probability)}{said}, {shares_text(found)}"


_SIGNS: dict[Decision | None, tuple[str, str]] = {
    None: ("", "text"),
    Decision.WITHDRAWN: ("", "text"),
    Decision.CONFIRMED: ("✓ ", "good"),
    Decision.REJECTED: ("✕ ", "bad"),
}


class DiseaseDelegate(RowDelegate):
    """Paints rank, name, probability with its bar, and the two shares below.

    Where there is little room the shares are those of the current disease alone; tool tips tell the others'.
    """

    def __init__(self, look: Look, view: QListWidget) -> None:
        super().__init__(look, view, height=ROW_PX)
        self.short = False
        self.current = -1

    def height_of(self, index: Index) -> int:
        """Lower without the shares."""
        return ROW_PX if self._has_shares(index) else LOW_ROW_PX

    def paint_row(self, painter: QPainter, rect: QRectF, index: Index) -> None:
        """One disease."""
        look, found = self._look, index.data(ROW)
        inner = rect.adjusted(look.px(8), look.px(5), -look.px(10), -look.px(5))
        self._first_line(painter, inner, found)
        self._bars(painter, inner, found, shares=self._has_shares(index))

    def _has_shares(self, index: Index) -> bool:
        return not self.short or index.row() == self.current

    def _first_line(self, painter: QPainter, rect: QRectF, found: DiseaseRow) -> None:
        look, top = self._look, int(Qt.AlignmentFlag.AlignTop)
        painter.setFont(look.font(12.5, bold=True))
        painter.setPen(look.color("text"))
        chance = stated(found.line.probability)
        painter.drawText(rect, top | int(Qt.AlignmentFlag.AlignRight), chance)
        room = rect.adjusted(look.px(24), 0, -painter.fontMetrics().horizontalAdvance(chance) - 10, 0)
        room = self._source(painter, room, found.line.disease_id)
        painter.setFont(look.font(12.5))
        painter.setPen(look.color("muted"))
        painter.drawText(rect, top, f"{found.line.rank}")
        sign, role = _SIGNS[found.decision]
        font = look.font(12.5, bold=found.decision is Decision.CONFIRMED)
        font.setStrikeOut(found.decision is Decision.REJECTED)
        painter.setFont(font)
        painter.setPen(look.color(role))
        draw_elided(painter, room, sign + found.line.name)

    def _source(self, painter: QPainter, room: QRectF, disease_id: str) -> QRectF:
        """The id, since two sources may use one name; the room that is left of it."""
        if room.width() < self._look.px(220):
            return room
        painter.setFont(self._look.font(10.5))
        painter.setPen(self._look.color("muted"))
        painter.drawText(room.adjusted(0, 2, 0, 0), int(Qt.AlignmentFlag.AlignRight), disease_id)
        return room.adjusted(0, 0, -painter.fontMetrics().horizontalAdvance(disease_id) - 10, 0)

    def _bars(self, painter: QPainter, rect: QRectF, found: DiseaseRow, *, shares: bool) -> None:
        look = self._look
        left = rect.left() + look.px(24)
        top = rect.top() + look.px(22)
        whole = QRectF(left, top, rect.right() - left, look.px(6))
        bar(painter, look, whole, found.line.probability, role="accent")
        if not shares:
            return
        half = (whole.width() - look.px(20)) / 2
        below = top + look.px(10)
        for number, (word, share, role) in enumerate(
            (("text", found.text_share, "suggested"), ("graph", found.graph_share, "observed"))
        ):
            area = QRectF(left + number * (half + look.px(20)), below, half, look.px(13))
            self._share(painter, area, (word, share), role=role)

    def _share(self, painter: QPainter, area: QRectF, said: tuple[str, float], *, role: str) -> None:
        look, (word, share) = self._look, said
        painter.setFont(look.font(10))
        painter.setPen(look.color("muted"))
        middle, right = int(Qt.AlignmentFlag.AlignVCenter), int(Qt.AlignmentFlag.AlignRight)
        painter.drawText(area.adjusted(0, -2, 0, 2), middle, word)
        painter.drawText(area.adjusted(0, -2, 0, 2), middle | right, percent(share) if share else "–")
        track = area.adjusted(look.px(36), look.px(4), -look.px(42), -look.px(4))
        bar(painter, look, track, share, role=role)


def bar(painter: QPainter, look: Look, rect: QRectF, share: float, *, role: str) -> None:
    """A rounded bar filled to a share of its track."""
    radius = rect.height() / 2
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(look.color("track"))
    painter.drawRoundedRect(rect, radius, radius)
    if share > 0:
        filled = QRectF(rect)
        filled.setWidth(max(rect.width() * min(share, 1.0), rect.height()))
        painter.setBrush(look.color(role))
        painter.drawRoundedRect(filled, radius, radius)
    painter.setPen(QPen(look.color("text"), 1))


class DifferentialList:
    """The list; the disease that is current is explained beside it."""

    def __init__(self, look: Look, chosen: Callable[[DiseaseRow | None], object]) -> None:
        self._chosen = chosen
        self.widget = QListWidget()
        self._delegate = DiseaseDelegate(look, self.widget)
        self.widget.setItemDelegate(self._delegate)
        self.widget.setProperty("role", "bare")
        self.widget.setAccessibleName("Differential")
        self.widget.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.widget.currentItemChanged.connect(lambda _item, _old: self._turn())
        look.follow(self.widget, self.widget.doItemsLayout)

    def set_short(self, short: bool) -> None:
        """Lower rows where there is little room."""
        self._delegate.short = short
        self._lay_out_rows()

    def _turn(self) -> None:
        """Another disease is current; its row may have another height now."""
        if self._delegate.short:
            self._lay_out_rows()
        self._chosen(self.current())

    def _lay_out_rows(self) -> None:
        self._delegate.current = self.widget.currentRow()
        self.widget.doItemsLayout()

    def show(self, rows: tuple[DiseaseRow, ...]) -> None:
        """Show these diseases; the current one stays so where it is still listed, and so does the place."""
        now, place = self.current(), self.widget.verticalScrollBar().value()
        self.widget.blockSignals(True)
        self.widget.clear()
        for found in rows:
            item = QListWidgetItem(found.line.name, self.widget)
            item.setData(ROW, found)
            item.setToolTip(f"{found.line.name}\n{found.line.disease_id}\n{shares_text(found)}")
            item.setData(Qt.ItemDataRole.AccessibleTextRole, spoken(found))
        ids = [r.line.disease_id for r in rows]
        self.widget.setCurrentRow(ids.index(now.line.disease_id) if now and now.line.disease_id in ids else 0)
        self.widget.blockSignals(False)
        self._lay_out_rows()
        self.widget.verticalScrollBar().setValue(place)
        self._chosen(self.current())

    def current(self) -> DiseaseRow | None:
        """The current disease."""
        item: QListWidgetItem | None = self.widget.currentItem()
        found: DiseaseRow | None = None if item is None else item.data(ROW)
        return found
