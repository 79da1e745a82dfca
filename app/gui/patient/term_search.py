"""The popup that finds a term for marked words."""

from collections.abc import Callable

from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from app.gui.operations.runner import OperationRunner
from app.gui.patient.search_popup import SearchPopup
from app.gui.shell.furniture import button, label, row
from app.gui.theme.look import Look
from app.workflows.search_terms import TermCatalogue, TermHit
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.terms.term import TermId


class TermSearch:
    """A small dialog over the note; `taken` receives the term and the state."""

    def __init__(
        self, parent: QWidget, look: Look, catalogue: TermCatalogue, runner: OperationRunner
    ) -> None:
        self._taken: Callable[[TermId, FindingState], object] = lambda _term, _state: None
        self.popup = SearchPopup(
            parent, look, runner, search=catalogue.search, wording=_wording, taken=self._take
        )
        self.quote = label("", "muted", wrap=True)
        self.state = QComboBox()
        self.state.addItem("Present (observed)", FindingState.OBSERVED)
        self.state.addItem("Absent (excluded)", FindingState.EXCLUDED)
        self._lay_out()

    def ask(
        self,
        *,
        title: str,
        quote: str,
        query: str,
        state: FindingState,
        taken: Callable[[TermId, FindingState], object],
    ) -> None:
        """Open the popup with a first query, usually the marked words."""
        self._taken = taken
        self.popup.dialog.setWindowTitle(title)
        self.quote.setText(f"“{quote}”" if quote else "")
        self.state.setCurrentIndex(self.state.findData(state))
        self.popup.open(query)

    def clear(self) -> None:
        """Forget the words that were to be marked, and what to do with the term."""
        self._taken = lambda _term, _state: None
        self.popup.clear()
        self.quote.clear()

    def _take(self, hit: TermHit) -> None:
        self._taken(hit.term_id, self.state.currentData())

    def _lay_out(self) -> None:
        popup = self.popup
        popup.query.setPlaceholderText("Term, words of your own or HP: number")
        popup.query.setAccessibleName("Search a term")
        popup.hits.setAccessibleName("Terms found")
        self.state.setAccessibleName("Present or absent")
        column = QVBoxLayout(popup.dialog)
        column.setSpacing(10)
        column.addWidget(self.quote)
        column.addLayout(row(popup.query, self.state))
        column.addWidget(popup.hits, 1)
        column.addLayout(popup.last_line(button("Take term", popup.take, role="primary")))


def _wording(hit: TermHit) -> tuple[str, str]:
    also = f"   ({'like' if hit.likeness else 'also'}: {hit.synonym})" if hit.synonym else ""
    return f"{hit.name}{also}", str(hit.term_id)
