"""The evidence for a disease as a drawing, and the same in words beside it."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QListWidgetItem,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.gui.patient.evidence_canvas import EvidenceCanvas
from app.gui.patient.graph_places import edge_sentence, unmet
from app.gui.shell.dialogs import size_within
from app.gui.shell.furniture import button, foot, label
from app.gui.shell.worded_list import worded_list
from app.gui.theme.look import Look
from knowledge_graph.rationale.evidence_graph import EvidenceEdge, EvidenceGraph

ENDS = Qt.ItemDataRole.UserRole


class EvidenceDialog:
    """Drawing at the left, one line an edge at the right; each shows what is chosen in the other."""

    def __init__(self, parent: QWidget, look: Look) -> None:
        self._look = look
        self._graph = EvidenceGraph((), ())
        self.dialog = QDialog(parent)
        self.title = label("", "heading", wrap=True)
        self.canvas = EvidenceCanvas(look)
        self.list = worded_list(look, "Evidence in words")
        self.waiting = label("Drawing… the first time takes a few seconds.", "muted")
        self._scroll = QScrollArea()
        self._stack = QStackedWidget()
        self._lay_out()
        self.canvas.node_chosen.connect(self._choose_node)
        self.list.currentItemChanged.connect(lambda item, _old: self._choose(item))

    def open(self, name: str) -> None:
        """Open for a disease; its graph is on the way."""
        self.clear()
        self.dialog.setWindowTitle("Evidence as a graph")
        self.title.setText(name)
        self.waiting.setText("Drawing… the first time takes a few seconds.")
        self._stack.setCurrentIndex(0)
        self.dialog.resize(size_within(self.dialog, self._look, 1240, 680))
        self.dialog.show()

    def show_graph(self, graph: EvidenceGraph) -> None:
        """Draw a graph, and list its edges."""
        self._graph = graph
        self.canvas.show_graph(graph)
        for edge in graph.edges:
            self._add(edge_sentence(graph, edge), edge)
        for node in unmet(graph):
            self._add(f"{node.name} meets no finding of the disease", node.node_id)
        self._stack.setCurrentIndex(1)
        self.list.setFocus()

    def show_message(self, text: str) -> None:
        """Say why there is no drawing."""
        self.waiting.setText(text)
        self._stack.setCurrentIndex(0)

    def clear(self) -> None:
        """Forget what was shown."""
        self.dialog.hide()
        self._graph = EvidenceGraph((), ())
        self.list.clear()
        self.canvas.show_graph(self._graph)
        self.title.clear()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self.dialog)
        column.setContentsMargins(18, 14, 18, 14)
        column.setSpacing(10)
        column.addWidget(self.title)
        self.waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack.addWidget(self.waiting)
        self._stack.addWidget(self._both())
        column.addWidget(self._stack, 1)
        hint = label("Solid: present. Dashed and struck through: absent. Dotted: borrowed from kin.", "small")
        close = button("Close", self.dialog.hide, tip="Close (Esc)")
        close.setAutoDefault(False)
        column.addLayout(foot(hint, close))

    def _both(self) -> QSplitter:
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setHandleWidth(12)
        split.setChildrenCollapsible(False)
        self._scroll.setWidget(self.canvas)
        self._scroll.setAccessibleName("Drawing of the evidence")
        self._scroll.viewport().setAutoFillBackground(False)
        split.addWidget(self._scroll)
        split.addWidget(self.list)
        split.setSizes([880, 330])
        split.setStretchFactor(0, 1)
        return split

    def _add(self, text: str, what: EvidenceEdge | str) -> None:
        item = QListWidgetItem(text, self.list)
        references = what.references if isinstance(what, EvidenceEdge) else ()
        ends = frozenset((what,) if isinstance(what, str) else (what.source, what.target))
        item.setData(ENDS, ends)
        item.setToolTip("\n".join((text, *references)))

    def _choose(self, item: QListWidgetItem | None) -> None:
        ends: frozenset[str] = frozenset() if item is None else item.data(ENDS)
        self.canvas.choose(ends)
        for node in ends:
            middle = self.canvas.place_of(node).center()
            self._scroll.ensureVisible(int(middle.x()), int(middle.y()), 120, 60)

    def _choose_node(self, node_id: str) -> None:
        for number in range(self.list.count()):
            if node_id in self.list.item(number).data(ENDS):
                self.list.setCurrentRow(number)
                self.list.scrollToItem(self.list.item(number))
                return
