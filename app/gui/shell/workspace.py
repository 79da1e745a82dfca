"""The window's inside while a vault is open: sidebar, pages, status; made anew at each unlock."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.clinical.ids import PatientId
from app.gui.assistant import Assistant, load_assistant
from app.gui.operations.runner import Failure
from app.gui.patient.patient_page import PatientPage
from app.gui.patients.patients_page import PatientsPage
from app.gui.session import OpenSession
from app.gui.shell.dialogs import sentence
from app.gui.shell.sidebar import Sidebar
from app.gui.shell.status import Status


class Workspace:
    """Holds the pages of one open vault and moves between them."""

    def __init__(self, session: OpenSession, *, lock: Callable[[], object]) -> None:
        self.session = session
        self.assistant: Assistant | None = None
        self.widget = QWidget()
        self.status = Status()
        self.sidebar = Sidebar(session.look, self.go, lock)
        self.sidebar.user.setText(session.vault.user)
        self._stack = QStackedWidget()
        self.patients = PatientsPage(session, self.open_patient, self.import_files)
        self.patient = PatientPage(session, lambda: self.go("patients"), self._data_changed)
        self._pages: dict[str, QWidget] = {}
        self._refresh: dict[str, Callable[[], object]] = {"patients": self.patients.refresh}
        self._add("patients", self.patients.widget)
        self._add("patient", self.patient.widget)
        self._lay_out()
        session.runner.busy_changed.connect(self.status.show_busy)
        self.status.show_vault(session.vault)
        self.sidebar.enable("patient", False)
        self.load_assistant()
        self.go("patients")

    def go(self, name: str) -> None:
        """Show a page."""
        if name not in self._pages:
            return
        self.here = name
        self._stack.setCurrentWidget(self._pages[name])
        self.sidebar.show_place(name)
        self._refresh.get(name, lambda: None)()

    def open_patient(self, patient_id: PatientId) -> None:
        """Open a patient's chart."""
        self.sidebar.enable("patient", True)
        self.patient.open(patient_id)
        self.go("patient")

    def load_assistant(self) -> None:
        """Load knowledge and the current model in the background; again after a model has changed."""
        vault, cache = self.session.vault, self.session.around.cache_dir
        self.status.show_loading()
        self.session.runner.read(
            lambda: load_assistant(vault, cache), self._take_assistant, self._without_assistant
        )

    def import_files(self, paths: list[Path] | None) -> None:
        """Import files, asking which where none are given."""

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.sidebar.widget)
        row.addWidget(self._stack, 1)
        column = QVBoxLayout(self.widget)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row, 1)
        column.addWidget(self.status.bar)

    def _add(self, name: str, page: QWidget) -> None:
        self._pages[name] = page
        self._stack.addWidget(page)

    def _take_assistant(self, assistant: Assistant) -> None:
        self.assistant = assistant
        self.status.show_assistant(assistant)
        self.patient.take_assistant(assistant)

    def _without_assistant(self, failure: Failure) -> None:
        self.status.knowledge.setText(sentence(failure.message))

    def _data_changed(self) -> None:
        """A write has landed; the list is asked again when it is shown next."""

    def close(self) -> None:
        """Empty the pages; returns when the writes under way are done."""
        runner = self.session.runner
        runner.busy_changed.disconnect(self.status.show_busy)
        runner.forget()
        self.patient.clear()
        runner.settle_writes()
