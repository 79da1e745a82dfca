"""Labels that contradict each other: found when asked for, each a way to the patient's chart."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from threading import Event

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
LOOK = "Look for contradictions"
NOT_LOOKED = "Charts are read here on this machine; nothing is changed."
NOTHING = "No confirmed diagnosis contradicts another."


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to look at: whose chart, and what is said about it."""

    patient_id: PatientId
    text: str


class LabelCard:
    """A list of questions, which grows while the charts are read; the chosen one opens its chart."""

    def __init__(self, session: OpenSession, open_patient: Callable[[PatientId], object]) -> None:
        self._session = session
        self._open = open_patient
        self._looking = False
        self._stop = Event()  # asks the reading under way to end
        self.shown: Callable[[], object] = lambda: None  # who scrolls hears that there is something to see
        self.state = label(NOT_LOOKED, "muted", wrap=True)
        self.turn = button(LOOK, self._turn)
        self.list = worded_list(session.look, "Diagnoses to check", role="bare")
        self.list.setMinimumHeight(session.look.px(110))
        self.list.hide()
        self.list.itemActivated.connect(self._go)
        self.widget: QWidget
        self.widget, column = card(spacing=8)
        head = row(label("Diagnoses to check", "heading"), None, self.turn)
        column.addLayout(head)
        column.addWidget(self.state)
        column.addWidget(self.list)

    def look(self) -> None:
        """Read every chart's labels, off the window's thread."""
        vault, cache = self._session.vault, self._session.around.cache_dir
        self._empty()
        self._tell_reading(0.0)
        self._show_looking(True)
        self._stop = self._session.runner.read_on(
            lambda stop: ((stop, told) for told in questions(vault, load_compiled(cache), stop)),
            self._take,
            self._tell_failure,
        )

    def stop(self) -> None:
        """Read no further; what was found stays."""
        self._stop.set()
        self._end(f"Stopped before all charts were read. {self._counted()} so far.")

    def clear(self) -> None:
        """Forget whose charts are listed."""
        self._stop.set()
        self._show_looking(False)
        self._empty()
        self.state.setText(NOT_LOOKED)

    def _turn(self) -> None:
        if self._looking:
            self.stop()
        else:
            self.look()

    def _take(self, answer: tuple[Event, Question | float]) -> None:
        asked_to_stop, told = answer
        if asked_to_stop.is_set():
            return
        if isinstance(told, Question):
            item = QListWidgetItem(told.text, self.list)
            item.setData(PATIENT, told.patient_id)
            self.list.show()
        elif told < 1:
            self._tell_reading(told)
        else:
            self._end(f"{self._counted()}. Enter opens the chart." if self.list.count() else NOTHING)

    def _tell_reading(self, share: float) -> None:
        found = f" {self._counted()} so far." if self.list.count() else ""
        self.state.setText(f"Reading the charts, {share:.0%}.{found}")

    def _counted(self) -> str:
        return f"{self.list.count()} to check"

    def _end(self, said: str) -> None:
        self._show_looking(False)
        self.state.setText(said)
        self.shown()

    def _show_looking(self, looking: bool) -> None:
        """One button for both, so that the keyboard stays where it is."""
        self._looking = looking
        self.turn.setText("Stop" if looking else LOOK)

    def _empty(self) -> None:
        self.list.clear()
        self.list.hide()

    def _tell_failure(self, failure: Failure) -> None:
        if not self._stop.is_set():
            self._end(sentence(failure.message))

    def _go(self, item: QListWidgetItem) -> None:
        self._open(item.data(PATIENT))


def questions(vault: Vault, graph: CompiledGraph, stop: Event) -> Iterator[Question | float]:
    """The conflicts of a vault in words and how far it is read, until `stop` is set."""
    people = vault.people().items()
    names = {str(patient): called(who.name, who.record_number) for patient, who in people}
    for found in takewhile(lambda _: not stop.is_set(), find_conflicts(vault, DiseaseNames(graph))):
        yield found if isinstance(found, float) else Question(found.patient_id, _words(found, graph, names))


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
