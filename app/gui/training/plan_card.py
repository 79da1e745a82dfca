"""The plan of a private run: epsilon, cap, delta, scope, and which diseases may learn."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtWidgets import QDoubleSpinBox, QGridLayout, QWidget

from app.gui.session import OpenSession
from app.gui.shell.choice import choice_box
from app.gui.shell.furniture import button, card, label, named_field, row, set_role
from app.gui.shell.withheld import withhold_writing
from app.gui.training.run_history import delta_text, spent_epsilon
from app.gui.training.run_view import SCOPES, RunRequest, TrainingFacts

LEAST_WORTHWHILE = 0.1  # a smaller step of epsilon buys nothing but noise
DELTAS = (1e-4, 1e-5, 1e-6)
ROUND_NUMBERS = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000)


@dataclass(frozen=True)
class PlanDeeds:
    """What the plan's buttons do; `changed` is told of every new number."""

    start: Callable[[], object]
    resume: Callable[[], object]
    declare: Callable[[], object]
    changed: Callable[[], object]


class PlanCard:
    """Fields with defaults that could start at once, and why they can't where they can't."""

    def __init__(self, session: OpenSession, deeds: PlanDeeds) -> None:
        self._session = session
        self._deeds = deeds
        self.patients, self.counted = label("", "figure"), label("", "muted")
        self.epsilon = _number(20.0, 1.0, "Total epsilon that the patients have spent after this run")
        self.cap = _number(100.0, 2.0, "The most that all runs over these patients may ever spend")
        numbers = [(f"{n:,}", n) for n in ROUND_NUMBERS]
        scopes = [(words, name) for name, words in SCOPES]
        self.delta = choice_box("Delta", [(delta_text(d), d) for d in DELTAS], chosen=1e-5, tip=_DELTA)
        self.expected = choice_box("Patients, roughly", numbers, chosen=200, tip=_EXPECTED)
        self.scope = choice_box("Scope", scopes, chosen="head", tip=_SCOPE)
        self.declared = label("", "muted", wrap=True)
        self.declare_button = button("Declare…", deeds.declare, tip=_DECLARE)
        self.advice = label("", "muted", wrap=True)
        self.start_button = button("Start training", deeds.start, role="primary")
        self.resume_button = button("Resume the stopped run", deeds.resume, tip="Go on by its own plan")
        self.resume_button.hide()
        withhold_writing(session, self.declare_button, self.start_button, self.resume_button)
        self.widget = self._lay_out()
        for field in (self.epsilon, self.cap):
            field.valueChanged.connect(lambda _value: deeds.changed())
        for choice in (self.delta, self.expected):
            choice.currentIndexChanged.connect(lambda _index: deeds.changed())

    def request(self) -> RunRequest:
        """The plan as it is set."""
        return RunRequest(
            epsilon=self.epsilon.value(),
            cap=self.cap.value(),
            scope=str(self.scope.currentData()),
            delta=float(self.delta.currentData()),
            expected_patients=int(self.expected.currentData()),
        )

    def show(self, facts: TrainingFacts) -> None:
        """Show labels and declared diseases."""
        self.patients.setText(f"{facts.patients:,}")
        self.counted.setText(f"patient{'s' * (facts.patients != 1)} with a confirmed diagnosis")
        self.declared.setText(_declared_words(len(facts.declared)))

    def propose(self, facts: TrainingFacts) -> None:
        """A plan that could start: the kept cap, the ledger's delta, a total above what is spent."""
        spent = spent_epsilon(facts.ledger)
        caps = (facts.cap, self._session.around.policy.epsilon_cap)
        most = min((c for c in caps if c is not None), default=None)
        if most is not None:
            self.cap.setMaximum(most)
            self.cap.setValue(most)
            self.cap.setToolTip(f"At most {most:g}, by the hospital's policy or the cap kept in this vault")
        if self.epsilon.value() < spent + LEAST_WORTHWHILE:
            self.epsilon.setValue(math.floor(spent + 1.5))
        if most is None and self.cap.value() < self.epsilon.value():
            self.cap.setValue(self.epsilon.value())
        if facts.ledger:
            self._keep_delta(facts.ledger[-1].delta)

    def show_refusal(self, why: str, *, under_way: bool, resumable: bool) -> None:
        """Say why the plan can't start, or that it can."""
        self.advice.setText(why or "The budget is debited before each block of steps.")
        set_role(self.advice, "notice" if why else "muted")
        self.start_button.setEnabled(not why and not under_way)
        self.resume_button.setVisible(resumable and not under_way)
        fields = (self.epsilon, self.cap, self.delta, self.expected, self.scope, self.declare_button)
        for field in fields:
            field.setEnabled(not under_way)

    def _keep_delta(self, delta: float) -> None:
        """Epsilons add up only at one delta: the runs before this one chose it."""
        if self.delta.findData(delta) < 0:
            self.delta.addItem(delta_text(delta), delta)
        self.delta.setCurrentIndex(self.delta.findData(delta))
        self.delta.setToolTip(f"{_DELTA}. Earlier runs were counted at {delta_text(delta)}")

    def _lay_out(self) -> QWidget:
        frame, column = card()
        column.addWidget(label("New run", "heading"))
        column.addLayout(row(self.patients, self.counted, None))
        column.addLayout(self._fields())
        declared = row(self.declared, self.declare_button)
        declared.setStretch(0, 1)
        column.addLayout(declared)
        column.addStretch(1)
        column.addWidget(self.advice)
        column.addLayout(row(None, self.resume_button, self.start_button))
        return frame

    def _fields(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(10)
        places: tuple[tuple[str, QWidget, int, int], ...] = (
            ("&Epsilon in total", self.epsilon, 0, 0),
            ("&Cap", self.cap, 0, 2),
            ("&Delta", self.delta, 1, 0),
            ("&Patients, roughly", self.expected, 1, 2),
            ("&Scope", self.scope, 2, 0),
        )
        for words, field, line, place in places:
            grid.addWidget(named_field(words, field), line, place)
            grid.addWidget(field, line, place + 1, 1, 3 if field is self.scope else 1)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        return grid


def _number(high: float, value: float, name: str) -> QDoubleSpinBox:
    made = QDoubleSpinBox(minimum=0.1, maximum=high, singleStep=0.1, decimals=2)
    made.setValue(value)
    made.setPrefix(" ")  # the style sheet's padding does not reach a spin box's own line edit
    made.setAccessibleName(name)
    made.setToolTip(name)
    return made


def _declared_words(count: int) -> str:
    if count:
        diseases = "1 disease" if count == 1 else f"{count:,} diseases"
        return f"{diseases} declared: only their part of the model learns."
    return "No diseases declared: noise falls on every disease of the model. Declare what the site treats."


_DECLARE = "Say which diseases the site treats. The list is public: choose it without looking at patients"
_DELTA = "The chance that the promise fails; well below one over the number of patients"
_EXPECTED = "About how many labelled patients there are: a public, rounded estimate, never an exact count"
_SCOPE = "Which part of the model learns"
