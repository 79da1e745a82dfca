"""Compares diseases of the differential: joins its button, the dialog and the assistant."""

from collections.abc import Sequence

from app.gui.assistant import Assistant, Opinion
from app.gui.operations.runner import Failure
from app.gui.patient.comparison_dialog import ComparisonDialog
from app.gui.patient.differential_panel import DifferentialPanel
from app.gui.patient.open_chart import OpenChart
from app.gui.session import OpenSession
from app.gui.shell.dialogs import sentence
from knowledge_graph.terms.term import DiseaseId


class Comparing:
    """A panel of the patient page whose widget is one button; what it shows is of the newest opinion."""

    def __init__(self, session: OpenSession, differential: DifferentialPanel) -> None:
        self._session = session
        self._differential = differential
        self._assistant: Assistant | None = None
        self._opinion: Opinion | None = None
        self.widget = differential.compare
        self.dialog = ComparisonDialog(differential.widget, session.look, self._ask)
        differential.compare.clicked.connect(lambda _checked=False: self._open())

    def take_assistant(self, assistant: Assistant) -> None:
        """Diseases can be compared from now on."""
        self._assistant = assistant

    def show(self, opened: OpenChart, opinion: Opinion | None) -> None:
        """A new opinion closes a comparison of the old one."""
        if opinion is not self._opinion:
            self._opinion = opinion
            self.dialog.clear()

    def clear(self) -> None:
        """Forget the patient."""
        self._opinion = None
        self.dialog.clear()

    def _open(self) -> None:
        chosen = self._differential.list.current()
        if self._opinion is not None and chosen is not None:
            self.dialog.open(self._opinion.differential.lines, chosen.line.disease_id)

    def _ask(self, diseases: Sequence[DiseaseId]) -> None:
        assistant, opinion = self._assistant, self._opinion
        if assistant is None or opinion is None:
            return
        self._session.runner.read(
            lambda: assistant.compare(opinion, diseases), self.dialog.show, self._refuse
        )

    def _refuse(self, failure: Failure) -> None:
        self.dialog.tell(sentence(failure.message))
