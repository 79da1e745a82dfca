"""The line above the differential: how it is to be taken, and how much of the notes is read by now."""

from collections.abc import Callable

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from app.gui.shell.furniture import button, label, row, set_role

NO_BREAK = "\N{NO-BREAK SPACE}"
STOP, GO_ON = "Stop", "Read on"


class StandingLine:
    """A label, and a button that stops the reading of long notes or goes on with it."""

    def __init__(self, turn: Callable[[], object]) -> None:
        self.label = label("", "small", wrap=True)
        self.turn = button(STOP, turn, role="quiet", tip="Stop or go on reading the notes  (Ctrl+.)")
        self.widget = QWidget()
        line = row(self.label, self.turn)
        line.setStretch(0, 1)
        line.setContentsMargins(14, 4, 14, 4)
        self.widget.setLayout(line)
        QShortcut(QKeySequence("Ctrl+."), self.widget).activated.connect(self._press)
        self.turn.hide()
        self.widget.hide()

    def tell(self, text: str, role: str = "small") -> None:
        """Say something; nothing hides the line."""
        set_role(self.label, role)
        self.label.setText(text.replace(" %", f"{NO_BREAK}%"))
        self.widget.setVisible(bool(text))

    def tell_reading(self, share: float) -> None:
        """A part of the notes is read, and more is being read."""
        self.tell(f"Still reading the notes, {share:.0%}. The order may change.".replace("%", " %"))
        self._offer(STOP)

    def tell_stopped(self, share: float) -> None:
        """A part of the notes is read, and no more will be."""
        read = f"only {share:.0%} of the notes".replace("%", " %") if share else "the findings alone"
        self.tell(f"The reading was stopped: this order rests on {read}.", "notice")
        self._offer(GO_ON)

    def tell_read(self) -> None:
        """Nothing is left to be read."""
        self.turn.hide()

    def _offer(self, deed: str) -> None:
        self.turn.setText(deed)
        self.turn.setAccessibleName(f"{deed}: reading the notes")
        self.turn.show()

    def _press(self) -> None:
        if self.turn.isVisible():
            self.turn.click()
