"""The window's inside while a vault is open: sidebar, pages, status; made anew at each unlock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.clinical.ids import NoteId, PatientId
from app.config.packs import read_user_packs
from app.gui.about.about_page import AboutPage
from app.gui.assistant import Assistant, load_assistant
from app.gui.audit.audit_page import AuditPage
from app.gui.audit.emergency_card import waiting
from app.gui.guide.help_page import HelpPage
from app.gui.importing.import_dialog import ImportDialog, choose_files
from app.gui.models.models_page import ModelsPage
from app.gui.notes.notes_page import NotesPage
from app.gui.operations.runner import Failure
from app.gui.patient.patient_page import PatientPage
from app.gui.patients.patients_page import PatientsPage
from app.gui.session import OpenSession
from app.gui.shell.backup_watch import BackupWatch
from app.gui.shell.break_glass_dialog import break_glass_dialog
from app.gui.shell.dialogs import sentence
from app.gui.shell.field_dialog import FieldDialog
from app.gui.shell.furniture import label, set_role
from app.gui.shell.sidebar import PLACES, Sidebar
from app.gui.shell.status import Status
from app.gui.shell.width_watch import WidthWatch
from app.gui.shell.withheld import read_only_words
from app.gui.training.training_page import TrainingPage
from app.gui.training.training_run import TrainingRun
from app.gui.update.update_page import UpdatePage
from app.store.break_glass import emergencies
from app.store.header import Role
from app.store.people import Person
from app.store.rights import Right

ROOM_FOR_NAMES = 1100  # pixels at 100 % text
DRAWN_FIRST_MS = 50  # what loads in the background holds Python's lock for a tenth of a second and longer


@dataclass(frozen=True)
class WindowDeeds:
    """What pages ask of the window around them."""

    lock: Callable[[], object]
    set_theme: Callable[[str], object]
    set_percent: Callable[[int], object]
    ask_for_new_keys: Callable[[Sequence[Person]], object]


class Page(Protocol):
    """Anything with a widget."""

    @property
    def widget(self) -> QWidget:
        """What is shown."""


class Workspace:
    """Holds the pages of one open vault and moves between them."""

    def __init__(self, session: OpenSession, deeds: WindowDeeds, run: TrainingRun) -> None:
        self.session = session
        self.assistant: Assistant | None = None
        self.importing: ImportDialog | None = None
        self.glass: FieldDialog | None = None
        self.here = "patients"
        self.widget = QWidget()
        self.status = Status()
        self.read_only = label(read_only_words(session), "read-only", wrap=True)
        if not session.vault.read_only:
            self.read_only.hide()
        self.sidebar = Sidebar(session.look, self.go, deeds.lock)
        self.sidebar.user.setText(session.vault.user)
        self._stack = QStackedWidget()
        self.patients = PatientsPage(session, self.open_patient, self.import_files, self._data_changed)
        self.patient = PatientPage(session, lambda: self.go("patients"), self._data_changed)
        self.notes = NotesPage(session, self.open_patient)
        self.models = ModelsPage(session, self.load_assistant)
        self.training = TrainingPage(session, run, publish=self.publish, open_patient=self.open_patient)
        self.update = UpdatePage(session)
        self.audit = AuditPage(session)
        self.about = AboutPage(session, deeds.set_theme, deeds.set_percent, deeds.ask_for_new_keys)
        self.help = HelpPage(session.look)
        self._pages: dict[str, QWidget] = {}
        self._refresh: dict[str, Callable[[], object]] = {}
        self._focus: dict[str, QWidget] = {}
        self._add_pages()
        self._lay_out()
        self.sidebar.set_compact(True)  # so that the window need not grow before it is fitted
        self._watch = WidthWatch(self.widget, session.look, self._fit)
        session.runner.busy_changed.connect(self.status.show_busy)
        self.status.show_vault(session.vault)
        self.backups = BackupWatch(self.widget, session, self.status)
        for place in PLACES:
            self.sidebar.enable(place.name, place.name in self._pages and place.name != "patient")
        self._soon = QTimer(self.widget, singleShot=True, interval=DRAWN_FIRST_MS)
        self._begin()

    def _begin(self) -> None:
        """The first page; the knowledge follows once it has been drawn."""
        self._soon.timeout.connect(self.load_assistant)
        self._soon.start()
        self.status.show_loading()
        self._tell_emergencies()
        self.go("patients")

    def go(self, name: str) -> None:
        """Show a page; the notes only to those who may open them."""
        if name == "notes" and not self._may_open_charts(lambda: self.go(name)):
            self.sidebar.show_place(self.here)
            return
        self.here = name
        self._stack.setCurrentWidget(self._pages[name])
        self.sidebar.show_place(name)
        self._refresh[name]()
        self._focus[name].setFocus()

    def show_help(self) -> None:
        """The help, at what belongs to the page that is shown."""
        reading = self.here == "patient" and self.patient.note.view.hasFocus()
        self.help.turn_to("note" if reading else self.here)
        self.go("help")

    def page(self, name: str) -> QWidget:
        """The widget of a page."""
        return self._pages[name]

    def places(self) -> tuple[str, ...]:
        """The pages by name."""
        return tuple(self._pages)

    def open_patient(self, patient_id: PatientId, note_id: NoteId | None = None) -> None:
        """Open a patient's chart, at a note where one is named, to those who may."""
        if not self._may_open_charts(lambda: self.open_patient(patient_id, note_id)):
            return
        self.sidebar.enable("patient", True)
        self.patient.open(patient_id, note_id)
        self.go("patient")

    def load_assistant(self) -> None:
        """Load knowledge and the current model in the background; again after a model has changed."""
        vault, around = self.session.vault, self.session.around
        self.status.show_loading()
        self.session.runner.read(
            lambda: load_assistant(
                vault, around.cache_dir, around.policy, read_user_packs(around.settings_file.parent)
            ),
            self._take_assistant,
            self._without_assistant,
        )

    def import_files(self, paths: list[Path] | None) -> None:
        """Import files, asking which where none are given."""
        why = read_only_words(self.session)
        if why:
            self.status.tell(why)
            return
        chosen = paths or choose_files(self.widget)
        if chosen:
            self.importing = ImportDialog(self.widget, self.session, self.patients.refresh)
            self.importing.start(chosen)

    def publish(self) -> None:
        """Publish the training result that waits, on the page where its progress is shown."""
        self.go("models")
        self.models.publish()

    def _may_open_charts(self, then: Callable[[], object]) -> bool:
        """Whether charts may be opened now; otherwise a reason is asked for, and `then` follows it."""
        if self.session.vault.may(Right.CHARTS):
            return True
        self.glass = break_glass_dialog(self.widget, self.session, then)
        self.glass.open()
        return False

    def _tell_emergencies(self) -> None:
        """The privacy officer learns at once that something waits for her."""
        vault = self.session.vault
        if vault.role is Role.PRIVACY_OFFICER:
            self.session.runner.read(lambda: len(emergencies(vault)), self._tell_waiting)

    def _tell_waiting(self, count: int) -> None:
        if count:
            self.status.tell(f"{waiting(count)}: Audit (Ctrl+6)", seconds=60.0)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.sidebar.widget)
        row.addWidget(self._stack, 1)
        column = QVBoxLayout(self.widget)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.read_only)
        column.addLayout(row, 1)
        column.addWidget(self.status.bar)

    def _fit(self, width: float) -> None:
        self.sidebar.set_compact(width < ROOM_FOR_NAMES)

    def _add_pages(self) -> None:
        self._add("patients", self.patients, self.patients.search, self.patients.refresh)
        self._add("patient", self.patient, self.patient.note.view)
        self._add("notes", self.notes, self.notes.search, self.notes.refresh)
        self._add("training", self.training, self.training.plan.epsilon, self.training.refresh)
        self._add("models", self.models, self.models.list, self.models.refresh)
        self._add("update", self.update, self.update.version, self.update.refresh)
        self._add("audit", self.audit, self.audit.table, self.audit.refresh)
        self._add("about", self.about, self.about.theme, self.about.refresh)
        self._add("help", self.help, self.help.topics)

    def _add(
        self, name: str, page: Page, focus: QWidget, refresh: Callable[[], object] = lambda: None
    ) -> None:
        """A page with the widget that the keyboard goes to, and how to ask the vault again."""
        self._pages[name], self._focus[name], self._refresh[name] = page.widget, focus, refresh
        self._stack.addWidget(page.widget)

    def _take_assistant(self, assistant: Assistant) -> None:
        self.assistant = assistant
        self.status.show_assistant(assistant)
        self.patient.take_assistant(assistant)
        self.about.show_assistant(assistant)

    def _without_assistant(self, failure: Failure) -> None:
        self.status.knowledge.setText("No knowledge loaded")
        set_role(self.status.knowledge, "warn")
        self.patient.differential.do_without_ranking(sentence(failure.message))
        self.session.runner.failed.emit(failure)

    def _data_changed(self) -> None:
        """A write has landed; the list is asked again when it is shown next."""
        self.status.tell("Saved", seconds=2.0)

    def close(self) -> None:
        """Empty the pages; returns when the writes under way are done."""
        runner = self.session.runner
        self._soon.stop()
        runner.busy_changed.disconnect(self.status.show_busy)
        self.backups.stop()
        runner.forget()
        self.assistant = None
        for page in (self.patients, self.patient, self.notes, self.training, self.update, self.audit):
            page.clear()
        if self.importing is not None:
            self.importing.clear()
        self.status.bar.clearMessage()
        runner.settle_writes()
