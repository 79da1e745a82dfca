"""The popup that finds a disease outside the differential, to confirm it or to take the word back."""

from collections.abc import Callable

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.clinical.diagnosis import Decision
from app.gui.operations.runner import OperationRunner
from app.gui.patient.search_popup import SearchPopup
from app.gui.shell.furniture import button, label
from app.gui.theme.look import Look
from app.workflows.search_diseases import DiseaseHit, search_diseases
from knowledge_graph.graph.compiled_graph import CompiledGraph


class DiseaseSearch:
    """A small dialog; `taken` receives the disease and what is said of it."""

    def __init__(
        self,
        parent: QWidget,
        look: Look,
        graph: CompiledGraph,
        runner: OperationRunner,
        *,
        decision_of: Callable[[str], Decision | None],
        taken: Callable[[DiseaseHit, Decision], object],
    ) -> None:
        self._decision_of = decision_of
        self.popup = SearchPopup(
            parent,
            look,
            runner,
            search=lambda text: search_diseases(graph, text),
            wording=self._wording,
            taken=lambda hit: taken(hit, self._word_on(hit)),
        )
        self.take_button = button("Confirm", self.popup.take, role="primary")
        self._lay_out()
        self.popup.hits.currentItemChanged.connect(lambda *_: self._name_deed())

    def ask(self) -> None:
        """Open the popup with an empty query."""
        self.popup.clear()
        self._name_deed()
        self.popup.open()

    def clear(self) -> None:
        """Forget what was typed."""
        self.popup.clear()

    def _lay_out(self) -> None:
        popup = self.popup
        popup.dialog.setWindowTitle("Another diagnosis")
        popup.query.setPlaceholderText("Disease, OMIM: or ORPHA: number")
        popup.query.setAccessibleName("Search a disease")
        popup.hits.setAccessibleName("Diseases found")
        column = QVBoxLayout(popup.dialog)
        column.setSpacing(10)
        why = "For a diagnosis that the differential does not list. It is a label that the model learns from."
        column.addWidget(label(why, "muted", wrap=True))
        column.addWidget(popup.query)
        column.addWidget(popup.hits, 1)
        column.addLayout(popup.last_line(self.take_button))

    def _wording(self, hit: DiseaseHit) -> tuple[str, str]:
        said = self._decision_of(hit.disease_id)
        line = f"{hit.name}   {hit.disease_id}" + (f"   ({said})" if said else "")
        return line, line

    def _word_on(self, hit: DiseaseHit) -> Decision:
        confirmed = self._decision_of(hit.disease_id) is Decision.CONFIRMED
        return Decision.WITHDRAWN if confirmed else Decision.CONFIRMED

    def _name_deed(self) -> None:
        hit = self.popup.current()
        self.take_button.setEnabled(hit is not None)
        withdraws = hit is not None and self._word_on(hit) is Decision.WITHDRAWN
        self.take_button.setText("Take back" if withdraws else "Confirm")
