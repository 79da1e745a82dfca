"""What a further part of the patient page is: shown what stands, told when the assistant has come."""

from typing import Protocol

from PySide6.QtWidgets import QWidget

from app.gui.assistant import Assistant, Opinion
from app.gui.patient.open_chart import OpenChart


class Panel(Protocol):
    """One more part of the page. It is a line in `PatientPage.__init__`, and one in `PatientLayout`."""

    @property
    def widget(self) -> QWidget:
        """What is shown."""

    def take_assistant(self, assistant: Assistant) -> None:
        """Names, suggestions and ranking are ready now."""

    def show(self, opened: OpenChart, opinion: Opinion | None) -> None:
        """The chart as it stands after each change, and the newest opinion on it."""

    def clear(self) -> None:
        """Forget the patient: another chart is about to be read, or the vault to be locked."""
