"""Draws the evidence for a disease as nodes and edges; the list beside it says the same in words."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui.patient.graph_places import BETWEEN, DISEASE, FINDINGS, GENES, STATED, Place, graph_places
from app.gui.shell.row_delegate import MIDDLE, draw_elided
from app.gui.theme.look import Look
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.rationale.evidence_graph import EvidenceEdge, EvidenceGraph, EvidenceNode

_HEADS = {
    GENES: "Genes",
    DISEASE: "Disease",
    STATED: "Its findings",
    BETWEEN: "Terms between",
    FINDINGS: "The patient's findings",
}
_WIDTHS = {GENES: 74, DISEASE: 150, STATED: 166, BETWEEN: 144, FINDINGS: 166}
GAP, ROW, NODE, HEAD = 34, 38, 30, 30  # pixels at 100 % text


class EvidenceCanvas(QWidget):
    """The drawing; a click on a node chooses it."""

    node_chosen = Signal(str)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._graph = EvidenceGraph((), ())
        self._places: tuple[Place, ...] = ()
        self._chosen: frozenset[str] = frozenset()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Drawing of the evidence; the list beside it says the same")
        look.changed.connect(self._rescale)

    def show_graph(self, graph: EvidenceGraph) -> None:
        """Draw a graph; one without nodes draws nothing."""
        self._graph, self._chosen = graph, frozenset()
        self._places = graph_places(graph) if graph.nodes else ()
        self._rescale()

    def choose(self, nodes: frozenset[str]) -> None:
        """Bring nodes out, and the edges between them."""
        self._chosen = nodes
        self.update()

    def place_of(self, node_id: str) -> QRectF:
        """Where a node is drawn; empty where it is not."""
        return next((self._rect(p) for p in self._places if p.node.node_id == node_id), QRectF())

    def sizeHint(self) -> QSize:
        """Room for every row."""
        right = max((self._rect(p).right() for p in self._places), default=0.0)
        bottom = max((self._rect(p).bottom() for p in self._places), default=0.0)
        return QSize(round(right) + self._look.px(12), round(bottom) + self._look.px(12))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click on a node chooses it."""
        hit = [p for p in self._places if self._rect(p).contains(event.position())]
        if hit:
            self.node_chosen.emit(hit[0].node.node_id)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Headings, edges below, nodes above."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._heads(painter)
        rects = {p.node.node_id: self._rect(p) for p in self._places}
        for edge in self._graph.edges:
            self._edge(painter, edge, rects)
        for place in self._places:
            self._node(painter, place.node, rects[place.node.node_id])
        painter.end()

    def _rescale(self) -> None:
        self.setFixedSize(self.sizeHint())
        self.update()

    def _columns(self) -> dict[int, float]:
        """The left edge of each column that is used."""
        lefts, x = {}, 12.0
        for column in sorted({p.column for p in self._places}):
            lefts[column] = x
            x += _WIDTHS[column] + GAP
        return lefts

    def _rect(self, place: Place) -> QRectF:
        px = self._look.px
        left = self._columns()[place.column]
        top = HEAD + place.row * ROW
        return QRectF(px(left), px(top + 1), px(_WIDTHS[place.column]), px(NODE))

    def _heads(self, painter: QPainter) -> None:
        painter.setFont(self._look.font(11, bold=True))
        painter.setPen(self._look.color("muted"))
        for column, left in self._columns().items():
            at = QRectF(self._look.px(left), 0, self._look.px(_WIDTHS[column] + GAP), self._look.px(HEAD - 4))
            painter.drawText(at, int(Qt.AlignmentFlag.AlignVCenter), _HEADS[column])

    def _edge(self, painter: QPainter, edge: EvidenceEdge, rects: dict[str, QRectF]) -> None:
        one, other = sorted((rects[edge.source], rects[edge.target]), key=lambda r: r.left())
        chosen = {edge.source, edge.target} <= self._chosen
        color = self._look.color("accent" if chosen else "control")
        style = Qt.PenStyle.DotLine if edge.borrowed_from else Qt.PenStyle.SolidLine
        style = Qt.PenStyle.DashLine if edge.relation == "not_phenotype" else style
        painter.setPen(QPen(color, self._look.px(2) if chosen else 1.2, style))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if one.left() == other.left():
            painter.drawPath(_beside(*sorted((one, other), key=lambda r: r.top())))
            return
        start = QPointF(one.right(), one.center().y())
        end = QPointF(other.left(), other.center().y())
        bend = QPointF((end.x() - start.x()) / 2, 0)
        path = QPainterPath(start)
        path.cubicTo(start + bend, end - bend, end)
        painter.drawPath(path)

    def _node(self, painter: QPainter, node: EvidenceNode, rect: QRectF) -> None:
        role = _role(node)
        color = self._look.color(role)
        excluded = node.state is FindingState.EXCLUDED
        style = Qt.PenStyle.DashLine if excluded else Qt.PenStyle.SolidLine
        chosen = node.node_id in self._chosen
        painter.setPen(QPen(color, self._look.px(2.6) if chosen else 1.4, style))
        painter.setBrush(self._fill(role))
        radius = rect.height() / 2 if node.kind == "gene" else self._look.px(6)
        painter.drawRoundedRect(rect, radius, radius)
        font = self._look.font(12, bold=node.kind == "disease")
        font.setStrikeOut(excluded)
        painter.setFont(font)
        painter.setPen(self._look.color("text"))
        inner = rect.adjusted(self._look.px(8), 0, -self._look.px(8), 0)
        draw_elided(painter, inner, node.name, MIDDLE)

    def _fill(self, role: str) -> QColor:
        grounds = {"observed": "observed_fill", "excluded": "excluded_fill", "accent": "selected"}
        return self._look.color(grounds.get(role, "raised"))


def _role(node: EvidenceNode) -> str:
    if node.state is not None:
        return str(node.state)
    return "accent" if node.kind == "disease" else "control"


def _beside(upper: QRectF, lower: QRectF) -> QPainterPath:
    """Between two nodes of one column: out at the right and back."""
    path = QPainterPath(QPointF(upper.right(), upper.center().y()))
    out = QPointF(upper.height() * 0.6, 0)
    end = QPointF(lower.right(), lower.center().y())
    path.cubicTo(QPointF(upper.right(), upper.center().y()) + out, end + out, end)
    return path
