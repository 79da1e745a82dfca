"""Labels that contradict each other: found when asked for, each a way to the patient's chart."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidgetItem, QWidget

from app.clinical.ids import PatientId
from app.clinical.label import LabelConflict
from app.clinical.patient import called
from app.gui.operations.runner import Failure
from app.gui.session import OpenSession
from app.gui.shell.dialogs import sentence
from app.gui.shell.furniture import button, card, label, row
from app.gui.shell.worded_list import worded_list
from app.store.vault import Vault
from app.workflows.find_conflicts import DiseaseNames, find_conflicts
from knowledge_graph.graph.cache import load_compiled
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId

PATIENT = Qt.ItemDataRole.UserRole
NOT_LOOKED = "Charts are read here on this machine; nothing is changed."
NOTHING = "No confirmed diagnosis contradicts another."


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to look at: whose chart, and what is said about it."""

    patient_id: PatientId
    text: str


class LabelCard:
    """A list of questions; the chosen one opens its chart."""

    def __init__(self, session: OpenSession, open_patient: Callable[[PatientId], object]) -> None:
        self._session = session
        self._open = open_patient
        self.shown: Callable[[], object] = lambda: None  # who scrolls hears that there is something to see
        self.state = label(NOT_LOOKED, "muted", wrap=True)
        self.look_button = button("Look for contradictions", self.look)
        self.list = worded_list(session.look, "Diagnoses to check", role="bare")
        self.list.setMinimumHeight(session.look.px(110))
        self.list.hide()
        self.list.itemActivated.connect(self._go)
        self.widget: QWidget
        self.widget, column = card(margin=14, spacing=8)
        head = row(label("Diagnoses to check", "heading"), None, self.look_button)
        column.addLayout(head)
        column.addWidget(self.state)
        column.addWidget(self.list)

    def look(self) -> None:
        """Read every chart's labels, off the window's thread."""
        vault, cache = self._session.vault, self._session.around.cache_dir
        self.look_button.setEnabled(False)
        self.state.setText("Reading the charts…")
        self._session.runner.read(
            lambda: questions(vault, load_compiled(cache)), self._show, self._tell_failure
        )

    def clear(self) -> None:
        """Forget whose charts are listed."""
        self.list.clear()
        self.list.hide()
        self.state.setText(NOT_LOOKED)

    def _show(self, found: tuple[Question, ...]) -> None:
        self.look_button.setEnabled(True)
        self.list.clear()
        self.list.setVisible(bool(found))
        self.state.setText(f"{len(found)} to check. Enter opens the chart." if found else NOTHING)
        self.shown()
        for question in found:
            item = QListWidgetItem(question.text, self.list)
            item.setData(PATIENT, question.patient_id)

    def _tell_failure(self, failure: Failure) -> None:
        self.look_button.setEnabled(True)
        self.state.setText(sentence(failure.message))

    def _go(self, item: QListWidgetItem) -> None:
        self._open(item.data(PATIENT))


def questions(vault: Vault, graph: CompiledGraph) -> tuple[Question, ...]:
    """The conflicts of a vault in words."""
    people = vault.people().items()
    names = {str(patient): called(who.name, who.record_number) for patient, who in people}
    found = find_conflicts(vault, DiseaseNames(graph))
    return tuple(Question(c.patient_id, _words(c, graph, names)) for c in found)


def _words(conflict: LabelConflict, graph: CompiledGraph, names: dict[str, str]) -> str:
    about = ", ".join(_called(name, graph, names) for name in conflict.about)
    return f"{names.get(conflict.patient_id, '(no name)')}: {conflict.kind}\n{about}"


def _called(about: str, graph: CompiledGraph, names: dict[str, str]) -> str:
    """A disease or a term by its name; another record by its id."""
    if about in names:
        return f"the other record, {about[:8]}"
    if about.startswith("HP:"):
        return graph.term_names[graph.term_number(graph.resolve(about))]
    number = graph.disease_index.get(DiseaseId(about))
    return about if number is None else f"{graph.disease_names[number]} ({about})"
