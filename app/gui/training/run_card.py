"""The privacy budget and the run under way: gauge, steps, speed, time left, and what comes next."""

from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QProgressBar, QWidget

from app.gui.shell.dialogs import sentence
from app.gui.shell.furniture import button, card, label, row, set_role
from app.gui.theme.look import Look
from app.gui.training.gauge import EpsilonGauge
from app.gui.training.run_view import RunProgress, RunRequest, remaining_text
from app.gui.training.training_run import PAUSED, STOPPED, UNSPENT

IDLE = "No run under way"


class RunCard:
    """Shows what is spent, and how far a run is; stops it; leads on to publishing."""

    def __init__(self, look: Look, cancel: Callable[[], object], publish: Callable[[], object]) -> None:
        self.gauge = EpsilonGauge(look)
        self.phase = label(IDLE, "heading")
        self.remaining = label("", "muted", wrap=True)
        self.bar = QProgressBar()
        self.bar.setAccessibleName("Steps of the run")
        self.cancel_button = button("Stop", cancel, role="danger", tip="Stop the run within a second")
        self.publish_button = button(
            "Publish the result", publish, role="primary", tip="Export, check against torch, and use it"
        )
        self.widget = self._lay_out()
        self.show_idle(waiting=False)

    def show_idle(self, *, waiting: bool) -> None:
        """Nothing runs; `waiting` is whether a result waits to be published."""
        for part in (self.cancel_button, self.bar):
            part.hide()
        self.publish_button.setVisible(waiting)
        if not waiting and self.remaining.text() == _WAITS:
            self.phase.setText(IDLE)  # it has been published
        if self.phase.text() == IDLE:
            self._tell(_WAITS if waiting else _NEXT)

    def show_progress(self, progress: RunProgress, asked: RunRequest | None, *, stopping: bool) -> None:
        """Show how far the run is."""
        self.phase.setText("Stopping…" if stopping else progress.phase)
        self.publish_button.hide()
        for part in (self.bar, self.cancel_button):
            part.show()
        self.cancel_button.setEnabled(not stopping)
        planning = progress.share > 0
        self.bar.setRange(0, 100 if planning else progress.steps)
        self.bar.setValue(int(100 * progress.share) if planning else progress.step)
        self._tell(remaining_text(progress))
        if progress.epsilon and asked is not None:
            ahead = max(asked.epsilon - progress.epsilon, 0.0)
            self.gauge.show_budget(progress.epsilon, ahead, asked.cap)

    def show_end(self, why: str) -> None:
        """Say how the run ended; empty where it finished."""
        self.phase.setText("The run was not finished" if why else "The run has finished")
        expected = why in ("", STOPPED, UNSPENT, PAUSED)
        self._tell(sentence(why) if why else _WAITS, "muted" if expected else "error")

    def _tell(self, text: str, role: str = "muted") -> None:
        set_role(self.remaining, role)
        self.remaining.setText(text)

    def _lay_out(self) -> QWidget:
        frame, column = card()
        column.addWidget(label("Privacy budget", "heading"))
        column.addWidget(self.gauge)
        line = QFrame()
        line.setProperty("role", "line")
        column.addWidget(line)
        for part in (self.phase, self.bar, self.remaining):
            column.addWidget(part)
        column.addStretch(1)
        column.addWidget(label(_SHOWN, "small", wrap=True))
        column.addLayout(row(None, self.cancel_button, self.publish_button))
        return frame


_NEXT = "Choose a plan and start it. It runs in a process of its own; you can work on meanwhile."
_WAITS = "A result waits to be published: exported, checked against the trained model, and made current."
_SHOWN = (
    "While a run is under way you see epsilon, step, speed, time left, and a curve on synthetic notes. The "
    "loss on patients' notes is not shown: it would reveal something about them that no budget pays for."
)
