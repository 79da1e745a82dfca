"""Private learning: plan a run within the budget, watch it, stop it, and read what was spent."""

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.clinical.ids import PatientId
from app.gui.session import OpenSession
from app.gui.shell.dialogs import ask, open_over
from app.gui.shell.furniture import page_frame, scrolled
from app.gui.shell.width_watch import WidthWatch, turn
from app.gui.shell.withheld import withhold_writing
from app.gui.training.curve_card import CurveCard
from app.gui.training.declare_dialog import DeclareDialog
from app.gui.training.label_card import LabelCard
from app.gui.training.ledger_card import LedgerCard
from app.gui.training.plan_card import PlanCard, PlanDeeds
from app.gui.training.private_run import private_run, read_facts
from app.gui.training.run_card import RunCard
from app.gui.training.run_history import run_rows, spent_epsilon
from app.gui.training.run_view import RunProgress, RunRequest, StartRun, TrainingFacts, refusal
from app.gui.training.training_run import TrainingRun
from app.store.rights import Right

_GO_ON = "Go on with the training run?"
_ABOUT_PAUSE = (
    "It was paused when the vault was locked. Its last block of steps is kept and nothing that was spent is "
    "lost. Without going on now, you find it on the Training page."
)
ROOM_FOR_TWO = 780  # pixels at 100 % text


class TrainingPage:
    """The plan at the left, budget and run at the right; curve, ledger and labels below."""

    def __init__(
        self,
        session: OpenSession,
        run: TrainingRun,
        *,
        publish: Callable[[], object],
        open_patient: Callable[[PatientId], object],
    ) -> None:
        self._session = session
        self._run = run
        self._start_run: StartRun = private_run(session.vault, session.around.policy)
        self._facts = TrainingFacts()
        self.declaring: DeclareDialog | None = None
        deeds = PlanDeeds(self.start, self.resume, self.declare, self._show_budget)
        self.plan = PlanCard(session, deeds)
        self.run = RunCard(session.look, self.cancel, publish)
        withhold_writing(session, self.run.publish_button)
        self.curve = CurveCard(session.look)
        self.ledger = LedgerCard(session.look)
        self.labels = LabelCard(session, open_patient)
        self.widget, column, _head = page_frame(
            "Training",
            "The model learns from confirmed diagnoses. What it learns hardly depends on any one patient.",
        )
        column.addWidget(self._body(), 1)
        run.progressed.connect(self._show_progress)
        run.ended.connect(self._show_end)

    def refresh(self) -> None:
        """Read labels and ledger."""
        vault = self._session.vault
        self._session.runner.read(lambda: read_facts(vault), self._show)
        self._show_run()

    def start(self) -> None:
        """Begin the run."""
        if not self._run.under_way and not self._refusal():
            self._begin(self.plan.request())

    def resume(self) -> None:
        """Go on with the run that was stopped."""
        if not self._run.under_way and self._facts.resumable:
            self._begin(replace(self.plan.request(), resume=True))

    def offer_to_go_on(self) -> None:
        """Ask whether a run that the lock has paused shall go on, of those who may train."""
        vault, asked = self._session.vault, self._run.paused
        if asked is None or self._run.place != vault.path or vault.read_only or not vault.may(Right.TRAIN):
            return
        self._run.paused = None
        ask(self.widget, _GO_ON, _ABOUT_PAUSE, "Go on", lambda: self._begin(asked))

    def declare(self) -> None:
        """Ask which diseases the site treats."""
        self.declaring = DeclareDialog(self.widget, self._session, self._facts.declared, self.refresh)
        open_over(self.declaring.dialog)

    def cancel(self) -> None:
        """Stop the run."""
        self._run.cancel()
        self._show_run()

    def clear(self) -> None:
        """Forget every patient, and leave the run alone; called before the vault is locked."""
        self.labels.clear()
        self._run.progressed.disconnect(self._show_progress)
        self._run.ended.disconnect(self._show_end)

    def _begin(self, request: RunRequest) -> None:
        if not self._run.under_way:
            self._run.start(self._start_run, request, place=self._session.vault.path)
            self._show_run()

    def _body(self) -> QScrollArea:
        top = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        top.setSpacing(14)
        top.addWidget(self.plan.widget, 1)
        top.addWidget(self.run.widget, 1)
        inner = QWidget()
        parts = QVBoxLayout(inner)
        parts.setContentsMargins(0, 0, 0, 0)
        parts.setSpacing(14)
        parts.addLayout(top)
        parts.addWidget(self.curve.widget)
        parts.addWidget(self.ledger.widget, 1)
        parts.addWidget(self.labels.widget)
        scroll = scrolled(inner)
        self.labels.shown = lambda: QTimer.singleShot(
            0, scroll, lambda: scroll.ensureWidgetVisible(self.labels.list)
        )
        self._watch = WidthWatch(
            scroll, self._session.look, lambda width: turn(top, beside=width >= ROOM_FOR_TWO)
        )
        return scroll

    def _show(self, facts: TrainingFacts) -> None:
        self._facts = facts
        self.plan.show(facts)
        if not self._run.under_way:
            self.plan.propose(facts)
            self.run.show_idle(waiting=facts.waiting)
            self.curve.show(facts.curve)
        self.ledger.show(run_rows(facts.ledger))
        self._show_budget()

    def _show_budget(self) -> None:
        request, spent = self.plan.request(), spent_epsilon(self._facts.ledger)
        self.run.gauge.show_budget(spent, max(request.epsilon - spent, 0.0), request.cap)
        self.plan.show_refusal(
            self._refusal(), under_way=self._run.under_way, resumable=self._facts.resumable
        )

    def _refusal(self) -> str:
        spent = spent_epsilon(self._facts.ledger)
        return refusal(self.plan.request(), spent=spent, patients=self._facts.patients)

    def _show_run(self) -> None:
        self._show_budget()
        if self._run.under_way and self._run.latest is not None:
            self._show_progress(self._run.latest)

    def _show_progress(self, progress: RunProgress) -> None:
        self.run.show_progress(progress, self._run.request, stopping=self._run.stopping)
        self.curve.show(progress.curve)

    def _show_end(self, why: str) -> None:
        self.run.show_end(why)
        self.refresh()
