"""The lines above a chart: who the patient is, and what is confirmed."""

from collections.abc import Callable
from datetime import date

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout

from app.clinical.diagnosis import Diagnosis
from app.clinical.patient import Patient
from app.gui.patient.open_chart import OpenChart
from app.gui.patients.patient_item_model import age_at, age_text
from app.gui.shell.elided_label import ElidedLabel
from app.gui.theme.icons import icon
from app.gui.theme.look import Look
from knowledge_graph.findings.finding import Sex


class Heading:
    """Name, sex, age, identifiers, and badges of confirmed diseases."""

    def __init__(self, look: Look, go_back: Callable[[], object]) -> None:
        self.name = ElidedLabel("title")
        self.facts = ElidedLabel("muted")
        self.confirmed = ElidedLabel("badge-good")
        self._look = look
        self._back = back = QToolButton()
        look.follow(back, self._redraw)
        self._redraw()
        back.setToolTip("Back to the patients  (Alt+Left)")
        back.setAccessibleName("Back to the patients")
        back.clicked.connect(lambda _checked=False: go_back())
        who = QVBoxLayout()  # two lines: neither a long name nor the number that tells namesakes apart is cut
        who.setSpacing(0)
        self.layout = QHBoxLayout()
        self.layout.setSpacing(10)
        self.layout.addWidget(back)
        self.layout.addLayout(who, 1)
        for part in (self.name, self.facts):
            who.addWidget(part)
        self.layout.addWidget(self.confirmed, 0, Qt.AlignmentFlag.AlignVCenter)
        self.clear()

    def show(self, opened: OpenChart, today: date) -> None:
        """Show a patient."""
        patient = opened.chart.patient
        self.name.setText(patient.name or "(no name)")
        facts = (
            str(patient.sex).capitalize() if patient.sex is not Sex.UNKNOWN else "Sex unknown",
            _age(patient, today),
            patient.record_number,  # before what may be cut where there is little room
            f"born {patient.birth_date}" if patient.birth_date else "",
        )
        self.facts.setText("  ·  ".join(fact for fact in facts if fact))

    def show_confirmed(self, confirmed: tuple[Diagnosis, ...]) -> None:
        """Show the confirmed diseases, or nothing."""
        self.confirmed.setText("✓ " + ", ".join(d.name for d in confirmed))
        self.confirmed.setVisible(bool(confirmed))

    def clear(self) -> None:
        """Forget the patient."""
        for part in (self.name, self.facts, self.confirmed):
            part.setText("")
        self.confirmed.hide()

    def _redraw(self) -> None:
        self._back.setIcon(icon(self._look, "back"))
        self._back.setIconSize(QSize(self._look.px(16), self._look.px(16)))


def _age(patient: Patient, today: date) -> str:
    """How old she is; of who has died, that she has, when, and how old she was then, as far as is known."""
    if not (patient.deceased or patient.deceased_at):
        age = age_text(patient.birth_date, today)
        return age if age != "–" else "age unknown"
    died = " ".join(("died", patient.deceased_at[:10])).strip()
    age = age_at(patient.birth_date, patient.deceased_at)
    return died if age == "–" else f"{died}, {age}"
