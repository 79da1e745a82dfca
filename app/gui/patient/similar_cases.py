"""Patients of this vault and diseases whose findings are like the patient's, in a window of their own."""

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QListWidgetItem, QToolButton, QVBoxLayout

from app.clinical.ids import PatientId
from app.clinical.patient import called
from app.clinical.percent import percent
from app.gui.assistant import Assistant, Opinion
from app.gui.operations.runner import Failure
from app.gui.patient.open_chart import OpenChart
from app.gui.session import OpenSession
from app.gui.shell.dialogs import sentence, size_within
from app.gui.shell.furniture import button, foot, label
from app.gui.shell.worded_list import worded_list
from app.gui.theme.icons import icon
from app.workflows.find_similar import SimilarCases

WHO = Qt.ItemDataRole.UserRole
LOOKING = "Looking through the vault…"
TOLD = "By reviewed and coded findings. Likeness is of findings alone, and no diagnosis."


class SimilarPanel:
    """A panel of the patient page whose widget is one button; a patient that is chosen is opened."""

    def __init__(self, session: OpenSession, open_patient: Callable[[PatientId], object]) -> None:
        self._session = session
        self._open_patient = open_patient
        self._assistant: Assistant | None = None
        self._opinion: Opinion | None = None
        self._patient: PatientId | None = None
        self.widget = QToolButton()
        self.widget.setToolTip("Similar patients and diseases  (Ctrl+M)")
        self.widget.setAccessibleName("Similar patients and diseases")
        self.widget.clicked.connect(lambda _checked=False: self.ask())
        QShortcut(QKeySequence("Ctrl+M"), self.widget).activated.connect(self.widget.click)
        self.dialog = QDialog(self.widget)
        self.list = worded_list(session.look, "Similar patients and diseases")
        self.state = label(LOOKING, "muted", wrap=True)
        self._lay_out()
        session.look.follow(self.widget, self._redraw)
        self._redraw()

    def take_assistant(self, assistant: Assistant) -> None:
        """Similar cases can be looked for from now on."""
        self._assistant = assistant

    def show(self, opened: OpenChart, opinion: Opinion | None) -> None:
        """The chart as it stands; what was shown of an older opinion is put away."""
        self._patient = opened.chart.patient.id
        if opinion is not self._opinion:
            self._opinion = opinion
            self._empty()
        self.widget.setEnabled(opinion is not None)

    def clear(self) -> None:
        """Forget the patient, and every name."""
        self._patient, self._opinion = None, None
        self._empty()
        self.widget.setEnabled(False)

    def ask(self) -> None:
        """Look through the vault and the knowledge."""
        assistant, opinion, patient = self._assistant, self._opinion, self._patient
        if assistant is None or opinion is None or patient is None:
            return
        self._empty()
        self.state.setText(LOOKING)
        self.dialog.resize(size_within(self.dialog, self._session.look, 680, 480))
        self.dialog.show()
        self._session.runner.read(
            lambda: (opinion, assistant.similar(opinion, patient)), self._take, self._refuse
        )

    def _take(self, answer: tuple[Opinion, SimilarCases]) -> None:
        opinion, found = answer
        if opinion is not self._opinion:
            return
        self.list.clear()  # asked twice, it is answered twice
        self.state.setText(TOLD)
        self._head("Patients of this vault" if found.patients else "No patient of this vault is alike")
        for other in found.patients:
            confirmed = f", {other.confirmed}" if other.confirmed else ""
            who = called(other.name, other.record_number)
            self._add(f"{who}{confirmed}", other.likeness, other.shared, who=other.patient_id)
        self._head("Diseases whose picture is most alike")
        for disease in found.diseases:
            self._add(f"{disease.name}  {disease.disease_id}", disease.likeness, disease.shared)
        self.list.setCurrentRow(1 if found.patients else 2)  # below the headings
        self.list.setFocus()

    def _refuse(self, failure: Failure) -> None:
        self.state.setText(sentence(failure.message))

    def _empty(self) -> None:
        self.dialog.hide()
        self.list.clear()

    def _head(self, text: str) -> None:
        item = QListWidgetItem(text, self.list)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        item.setFont(self._session.look.font(12, bold=True))

    def _add(self, text: str, score: float, shared: tuple[str, ...], *, who: PatientId | None = None) -> None:
        item = QListWidgetItem(f"{percent(score)}   {text}\n{', '.join(shared)}", self.list)
        item.setData(WHO, who)
        item.setToolTip(f"{text}\nBoth: {', '.join(shared)}")

    def _chosen(self, item: QListWidgetItem) -> None:
        who = item.data(WHO)
        if who is not None:
            self._open_patient(PatientId(who))

    def _lay_out(self) -> None:
        self.dialog.setWindowTitle("Similar patients and diseases")
        column = QVBoxLayout(self.dialog)
        column.setContentsMargins(18, 14, 18, 14)
        column.setSpacing(10)
        column.addWidget(self.state)
        self.list.itemActivated.connect(self._chosen)
        column.addWidget(self.list, 1)
        close = button("Close", self.dialog.hide, tip="Close (Esc)")
        close.setAutoDefault(False)
        column.addLayout(foot(label("Enter opens the chosen patient.", "small"), close))

    def _redraw(self) -> None:
        look = self._session.look
        self.widget.setIcon(icon(look, "patients"))
        self.widget.setIconSize(QSize(look.px(16), look.px(16)))
