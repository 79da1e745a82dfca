"""Private learning: plan a run within the budget, watch it, stop it, and read what was spent."""

import math
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QProgressBar,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.gui.session import OpenSession
from app.gui.shell.dialogs import sentence
from app.gui.shell.furniture import button, card, label, named_field, page_frame, row, set_role
from app.gui.training.declare_dialog import DeclareDialog
from app.gui.training.gauge import EpsilonGauge
from app.gui.training.private_run import private_run, read_facts
from app.gui.training.run_history import COLUMNS, run_rows, spent_epsilon
from app.gui.training.run_view import (
    SCOPES,
    RunProgress,
    RunRequest,
    StartRun,
    TrainingFacts,
    refusal,
    remaining_text,
)
from app.gui.training.training_run import TrainingRun

LEAST_WORTHWHILE = 0.1  # a smaller step of epsilon buys nothing but noise
DELTAS = (1e-4, 1e-5, 1e-6)


class TrainingPage:
    """The plan at the left, the run at the right, the ledger below."""

    def __init__(self, session: OpenSession, run: TrainingRun) -> None:
        self._session = session
        self._run = run
        self._start_run: StartRun = private_run(session.vault, session.around.policy)
        self._facts = TrainingFacts()
        self._spent = 0.0
        self.declaring: DeclareDialog | None = None
        self.epsilon = _number(0.1, 20.0, 1.0, "Total epsilon after this run")
        self.cap = _number(0.1, 100.0, 2.0, "The most that all runs may spend")
        self.scope = QComboBox()
        self.delta = QComboBox()
        self.declared = label("", "muted", wrap=True)
        self.declare_button = button("Declare…", self.declare, tip=_DECLARE)
        self.gauge = EpsilonGauge(session.look)
        self.advice = label("", "muted", wrap=True)
        self.patients = label("", "figure")
        self.start_button = button("Start training", self.start, role="primary")
        self.resume_button = button("Resume the stopped run", self.resume, tip="Go on by its own plan")
        self.phase = label("No run under way", "heading")
        self.remaining = label("", "muted", wrap=True)
        self.bar = QProgressBar()
        self.cancel_button = button("Stop", self.cancel, role="danger", tip="Stop the run")
        self.table = QTableWidget(0, len(COLUMNS))
        self.widget, column, _head = page_frame(
            "Training", "The model learns from confirmed diagnoses, one patient hardly more than another."
        )
        top = QHBoxLayout()
        top.setSpacing(14)
        top.addWidget(self._plan_card(), 1)
        top.addWidget(self._run_card(), 1)
        column.addLayout(top)
        column.addWidget(self._ledger_card(), 1)
        self._connect()

    def refresh(self) -> None:
        """Read labels and ledger."""
        vault = self._session.vault
        self._session.runner.read(lambda: read_facts(vault), self._show)
        self._show_run()

    def request(self) -> RunRequest:
        """The plan as it is set."""
        delta: float = self.delta.currentData()
        return RunRequest(self.epsilon.value(), self.cap.value(), self.scope.currentData(), delta)

    def start(self) -> None:
        """Begin the run."""
        if not self._run.under_way and not self._refusal():
            self._run.start(self._start_run, self.request())
            self._show_run()

    def resume(self) -> None:
        """Go on with the run that was stopped."""
        if not self._run.under_way and self._facts.resumable:
            self._run.start(self._start_run, replace(self.request(), resume=True))
            self._show_run()

    def declare(self) -> None:
        """Ask which diseases the site treats."""
        self.declaring = DeclareDialog(self.widget, self._session, self._facts.declared, self.refresh)
        self.declaring.dialog.open()

    def cancel(self) -> None:
        """Stop the run."""
        self._run.cancel()
        self._show_run()

    def disconnect(self) -> None:
        """Leave the run alone before the page goes."""
        self._run.progressed.disconnect(self._show_progress)
        self._run.ended.disconnect(self._show_end)

    def _connect(self) -> None:
        for field in (self.epsilon, self.cap):
            field.valueChanged.connect(lambda _value: self._show_budget())
        self._run.progressed.connect(self._show_progress)
        self._run.ended.connect(self._show_end)

    def _plan_card(self) -> QWidget:
        frame, column = card()
        column.addWidget(label("New run", "heading"))
        column.addLayout(row(self.patients, label("patients with a confirmed diagnosis", "muted"), None))
        for name, words in SCOPES:
            self.scope.addItem(words, name)
        self.scope.setAccessibleName("Scope")
        for delta in DELTAS:
            self.delta.addItem(f"{delta:g}", delta)
        self.delta.setCurrentIndex(1)
        self.delta.setAccessibleName("Delta")
        self.delta.setToolTip("The chance that the promise fails; well below one over the number of patients")
        cap = self._session.around.policy.epsilon_cap
        if cap is not None:
            self.cap.setMaximum(cap)
            self.cap.setToolTip(f"The hospital's policy allows at most {cap:g}")
        form = QFormLayout(horizontalSpacing=18, verticalSpacing=10)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow(named_field("&Epsilon in total", self.epsilon), self.epsilon)
        form.addRow(named_field("&Cap", self.cap), self.cap)
        form.addRow(named_field("&Delta", self.delta), self.delta)
        form.addRow(named_field("&Scope", self.scope), self.scope)
        column.addLayout(form)
        declared = row(self.declared, self.declare_button)
        declared.setStretch(0, 1)
        column.addLayout(declared)
        column.addWidget(self.gauge)
        column.addWidget(self.advice)
        column.addStretch(1)
        column.addLayout(row(None, self.resume_button, self.start_button))
        return frame

    def _run_card(self) -> QWidget:
        frame, column = card()
        column.addWidget(self.phase)
        column.addWidget(self.bar)
        column.addWidget(self.remaining)
        column.addWidget(label(_DEBITED, "small", wrap=True))
        column.addStretch(1)
        column.addLayout(row(None, self.cancel_button))
        return frame

    def _ledger_card(self) -> QWidget:
        frame, column = card(margin=0, spacing=0)
        head = row(label("Ledger", "heading"), label("every debit, composed over all runs", "muted"), None)
        head.setContentsMargins(16, 12, 16, 4)
        column.addLayout(head)
        self.table.setHorizontalHeaderLabels(list(COLUMNS))
        self.table.setProperty("role", "bare")
        self.table.setAccessibleName("Ledger of runs")
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        head_line = self.table.horizontalHeader()
        head_line.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        head_line.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        column.addWidget(self.table, 1)
        return frame

    def _show(self, facts: TrainingFacts) -> None:
        self._facts = facts
        self._spent = spent_epsilon(facts.ledger)
        self.patients.setText(f"{facts.patients:,}")
        self.declared.setText(_declared_words(len(facts.declared)))
        if not self._run.under_way:
            self._propose()
        rows = run_rows(facts.ledger)
        self.table.setRowCount(len(rows))
        for number, found in enumerate(rows):
            for column, text in enumerate(found.cells()):
                self.table.setItem(number, column, QTableWidgetItem(text))
        self._show_budget()

    def _propose(self) -> None:
        """A plan that could start: the kept cap, and a total above what is spent."""
        caps = (self._facts.cap, self._session.around.policy.epsilon_cap)
        most = min((c for c in caps if c is not None), default=None)
        if most is not None:
            self.cap.setMaximum(most)
            self.cap.setValue(most)
        if self.epsilon.value() < self._spent + LEAST_WORTHWHILE:
            self.epsilon.setValue(math.floor(self._spent + 1.5))
        if most is None and self.cap.value() < self.epsilon.value():
            self.cap.setValue(self.epsilon.value())

    def _show_budget(self) -> None:
        request = self.request()
        self.gauge.show_budget(self._spent, max(request.epsilon - self._spent, 0.0), request.cap)
        why = self._refusal()
        self.advice.setText(why or "The budget is debited before each block of steps.")
        set_role(self.advice, "notice" if why else "muted")
        self.advice.setMinimumHeight(self._session.look.px(38 if why else 18))
        self.start_button.setEnabled(not why and not self._run.under_way)
        self.resume_button.setVisible(self._facts.resumable and not self._run.under_way)

    def _refusal(self) -> str:
        return refusal(self.request(), spent=self._spent, patients=self._facts.patients)

    def _show_run(self) -> None:
        under_way = self._run.under_way
        for part in (self.epsilon, self.cap, self.scope, self.delta, self.declare_button):
            part.setEnabled(not under_way)
        self.cancel_button.setVisible(under_way)
        self.bar.setVisible(under_way)
        self._show_budget()
        if under_way and self._run.latest is not None:
            self._show_progress(self._run.latest)

    def _show_progress(self, progress: RunProgress) -> None:
        self.phase.setText("Stopping…" if self._run.stopping else progress.phase)
        self.bar.setRange(0, progress.steps)
        self.bar.setValue(progress.step)
        self.remaining.setText(remaining_text(progress))
        if progress.epsilon and self._run.request is not None:
            asked = self._run.request
            self.gauge.show_budget(progress.epsilon, max(asked.epsilon - progress.epsilon, 0.0), asked.cap)

    def _show_end(self, why: str) -> None:
        self.phase.setText("The run was not finished" if why else "The run has finished")
        done = "Its result waits on the Models page to be published."
        self.remaining.setText(sentence(why) if why else done)
        self.refresh()


def _number(low: float, high: float, value: float, name: str) -> QDoubleSpinBox:
    made = QDoubleSpinBox(minimum=low, maximum=high, singleStep=0.1, decimals=2)
    made.setValue(value)
    made.setPrefix(" ")  # the style sheet's padding does not reach a spin box's own line edit
    made.setAccessibleName(name)
    made.setToolTip(name)
    return made


def _declared_words(count: int) -> str:
    if count:
        return f"{count:,} diseases declared: only their part of the model learns."
    return "No diseases declared: noise falls on every disease of the model. Declare what the site treats."


_DECLARE = "Say which diseases the site treats. The list is public: choose it without looking at patients"
_DEBITED = (
    "What is shown while a run is under way: epsilon, step, speed, time left. The loss is not shown, "
    "since it would reveal something about patients that no budget pays for."
)
