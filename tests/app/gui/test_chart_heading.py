"""The lines above a chart say how old the patient is, or that she has died and when."""

from datetime import date

import pytest
from pytestqt.qtbot import QtBot

from app.clinical.chart import Chart
from app.clinical.ids import PatientId
from app.clinical.patient import Patient
from app.gui.patient.heading import Heading
from app.gui.patient.open_chart import OpenChart
from app.gui.theme.look import Look

TODAY = date(2026, 1, 1)


@pytest.mark.parametrize(
    ("born", "died", "deceased", "said"),
    [
        ("1990-02-03", "", False, "35 y"),
        ("", "", False, "age unknown"),
        ("1990-02-03", "2020-05-01T10:00:00Z", True, "died 2020-05-01, 30 y"),
        ("1990-02-03", "2020", True, "died 2020"),
        ("", "2020-05-01", True, "died 2020-05-01"),
        ("1990-02-03", "", True, "died"),
    ],
)
def test_an_age_is_of_the_living(qtbot: QtBot, born: str, died: str, deceased: bool, said: str) -> None:
    heading = Heading(Look(), lambda: None)
    for part in (heading.name, heading.facts, heading.confirmed):
        qtbot.addWidget(part)
    patient = Patient(PatientId("p"), "Sample, Ada", born, deceased_at=died, deceased=deceased)
    heading.show(OpenChart(Chart(patient)), TODAY)
    assert heading.facts.text().split("  ·  ")[1] == said
