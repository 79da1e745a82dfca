"""Diseases of the differential side by side: a column each, what tells them apart first, sources below."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHeaderView,
    QListWidgetItem,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.clinical.diagnosis import DifferentialLine
from app.clinical.percent import percent, stated
from app.gui.patient.evidence_list import detail_of, references_of
from app.gui.patient.noted_reason import SILENT, signed
from app.gui.shell.dialogs import size_within
from app.gui.shell.furniture import button, foot, label, set_role
from app.gui.shell.worded_list import worded_list
from app.gui.theme.look import Look
from app.workflows.compare_diseases import Comparison
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.terms.term import DiseaseId

ID = Qt.ItemDataRole.UserRole
TOLD = Qt.ItemDataRole.UserRole + 1
HINT = "Up, Down and Left, Right move; Space in the list at the left adds a disease or takes it out."


class ComparisonDialog:
    """Ticked diseases are compared; `compare` is asked for each new choice and answers through `show`."""

    def __init__(self, parent: QWidget, look: Look, compare: Callable[[Sequence[DiseaseId]], object]) -> None:
        self._look = look
        self._compare = compare
        self.dialog = QDialog(parent)
        self.diseases = worded_list(look, "Diseases to compare")
        self.table = QTableWidget()
        self.state = label("", "muted", wrap=True)
        self.sources = label("", "small", wrap=True)
        self._lay_out()
        self.diseases.itemChanged.connect(lambda _item: self._chosen())
        self.table.currentCellChanged.connect(lambda *_: self._tell_sources())
        look.follow(self.dialog, self.dialog.update)

    def open(self, lines: Sequence[DifferentialLine], chosen: DiseaseId) -> None:
        """Open with the chosen disease and the likeliest other one ticked."""
        self.clear()
        first = next((line.disease_id for line in lines if line.disease_id != chosen), None)
        self.diseases.blockSignals(True)
        for line in lines:
            item = QListWidgetItem(f"{stated(line.probability)}   {line.name}", self.diseases)
            item.setData(ID, line.disease_id)
            item.setToolTip(f"{line.name}\n{line.disease_id}")
            ticked = line.disease_id in (chosen, first)
            item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        self.diseases.setCurrentRow(0)
        self.table.verticalHeader().setMinimumSectionSize(self._look.px(30))
        self.diseases.blockSignals(False)
        self.dialog.resize(size_within(self.dialog, self._look, 1100, 640))
        self.dialog.show()
        self.diseases.setFocus()
        self._chosen()

    def ticked(self) -> list[DiseaseId]:
        """The diseases to compare, in the order of the differential."""
        items = [self.diseases.item(place) for place in range(self.diseases.count())]
        return [item.data(ID) for item in items if item.checkState() is Qt.CheckState.Checked]

    def show(self, found: Comparison) -> None:
        """Show a comparison where these diseases are still the ones that are ticked."""
        if {line.disease_id for line in found.lines} != set(self.ticked()):
            return
        self._tell("")
        table = self.table
        table.clear()
        table.setColumnCount(1 + len(found.lines))
        table.setRowCount(len(found.findings) + len(found.open_findings))
        table.setHorizontalHeaderLabels(
            ["Finding", *(f"{stated(line.probability)}\n{line.name}" for line in found.lines)]
        )
        for place, compared in enumerate(found.findings):
            absent = compared.state is FindingState.EXCLUDED
            self._put(place, 0, compared.name, told="absent" if absent else "present", struck=absent)
            for column, said in enumerate(compared.evidence, start=1):
                weight = said.log_likelihood_ratio
                role = "good" if weight >= SILENT else "bad" if weight <= -SILENT else "muted"
                told = "\n".join((detail_of(said), *references_of(said)))
                text = f"{signed(weight)}   {said.frequency_as_met}".rstrip()
                self._put(place, column, text, told=told, role=role)
        for place, expected in enumerate(found.open_findings, start=len(found.findings)):
            self._put(place, 0, f"{expected.name}  (not yet asked)", told="not yet asked", role="muted")
            for column, share in enumerate(expected.shares, start=1):
                text = f"seen in {percent(share)}" if share else "not known of it"
                self._put(place, column, text, told=text, role="text" if share else "muted")
        table.setCurrentCell(0, 0)

    def tell(self, text: str) -> None:
        """Say why there is no comparison."""
        self.table.setRowCount(0)
        self._tell(text)

    def clear(self) -> None:
        """Forget what was shown."""
        self.dialog.hide()
        self.diseases.blockSignals(True)
        self.diseases.clear()
        self.diseases.blockSignals(False)
        self.table.clear()
        self.table.setRowCount(0)
        self.sources.clear()

    def _chosen(self) -> None:
        ids = self.ticked()
        if len(ids) < 2:
            self.tell("Tick two diseases or more.")
        else:
            self._compare(ids)

    def _tell(self, text: str) -> None:
        self.state.setText(text)
        self.state.setVisible(bool(text))

    def _tell_sources(self) -> None:
        item: QTableWidgetItem | None = self.table.currentItem()
        self.sources.setText("" if item is None else "  ·  ".join(str(item.data(TOLD)).splitlines()))

    def _put(
        self, place: int, column: int, text: str, *, told: str, role: str = "text", struck: bool = False
    ) -> None:
        item = QTableWidgetItem(text)
        item.setFlags(Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled)
        item.setForeground(QBrush(self._look.color(role)))
        item.setData(TOLD, told)
        item.setToolTip(told)
        if struck:
            font = item.font()
            font.setStrikeOut(True)
            item.setFont(font)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{text}, absent")
        self.table.setItem(place, column, item)

    def _lay_out(self) -> None:
        self.dialog.setWindowTitle("Diseases side by side")
        column = QVBoxLayout(self.dialog)
        column.setContentsMargins(18, 14, 18, 14)
        column.setSpacing(10)
        column.addWidget(self.state)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setHandleWidth(12)
        split.setChildrenCollapsible(False)
        self.table.setAccessibleName("Comparison")
        split.addWidget(self.diseases)
        split.addWidget(self.table)
        split.setSizes([270, 800])
        split.setStretchFactor(1, 1)
        column.addWidget(split, 1)
        column.addWidget(self.sources)
        self._dress_table()
        close = button("Close", self.dialog.hide, tip="Close (Esc)")
        close.setAutoDefault(False)
        column.addLayout(foot(label(HINT, "small"), close))
        set_role(self.sources, "small")

    def _dress_table(self) -> None:
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideRight)
        self.table.horizontalHeader().setDefaultAlignment(
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag(Qt.TextFlag.TextWordWrap)
        )
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        self.table.setShowGrid(False)
        self.table.setAlternatingRowColors(True)
