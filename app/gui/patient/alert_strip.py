"""The strip above a chart: what must not wait. Seen by colour, shape and words; put aside with a reason.

A panel of the patient page. What is put aside stays so for this sitting, as long as the alert rests on the
same evidence; the audit log says who did it and why.
"""

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from app.gui.assistant import Assistant, Opinion
from app.gui.patient.alert_dialog import AlertDialog
from app.gui.patient.alert_list import AlertList
from app.gui.patient.alert_text import evidence_mark
from app.gui.patient.open_chart import OpenChart
from app.gui.session import OpenSession
from app.gui.shell.dialogs import sentence
from app.gui.shell.furniture import button, label, row, set_role
from app.gui.shell.withheld import withhold_writing
from app.workflows.dismiss_alert import DismissReason, dismiss_alert, restore_alert
from knowledge_graph.rules.trace import NOTHING_FIRED, Alert, RuleTrace


class AlertStrip:
    """Hidden where nothing fired."""

    def __init__(self, session: OpenSession, parent: QWidget) -> None:
        self._session = session
        self._opened: OpenChart | None = None
        self._trace: RuleTrace = NOTHING_FIRED
        self._put_aside: set[str] = set()  # evidence marks, of every patient of this sitting
        self.list = AlertList(session.look)
        self.dialog = AlertDialog(parent, session.look)
        self.why = button("Why…", self._explain, tip="What each alert rests on (Enter)")
        self.menu = QMenu(parent)
        self.put_aside = button("Put aside", lambda: None, tip="Put the alert aside with a reason (Del)")
        self.again = button("", self._bring_back, role="link")
        self.notice = label("", "error", wrap=True)
        withhold_writing(session, self.put_aside, self.again)
        self.widget = self._lay_out()
        self._add_keys(parent)
        self._refresh()

    def take_assistant(self, assistant: Assistant) -> None:
        """Says so where the hospital's own rules could not be taken."""
        self.notice.setText(sentence(assistant.rules_warning))
        self._refresh()

    def show(self, opened: OpenChart, opinion: Opinion | None) -> None:
        """The alerts of the newest opinion."""
        self._opened = opened
        self._trace = opinion.differential.rules if opinion is not None else NOTHING_FIRED
        self._refresh()

    def clear(self) -> None:
        """Forget the patient."""
        self._opened, self._trace = None, NOTHING_FIRED
        self.dialog.clear()
        self._refresh()

    def dismiss(self, reason: DismissReason) -> None:
        """Put the chosen alert aside; it goes once that is in the audit log."""
        alert, opened, vault = self.list.current(), self._opened, self._session.vault
        if alert is None or opened is None:
            return
        patient, rule = opened.chart.patient.id, alert.rule_id
        mark = evidence_mark(patient, alert)

        def gone(_nothing: None) -> None:
            self._put_aside.add(mark)
            self._refresh()

        self._session.runner.write(lambda: dismiss_alert(vault, patient, rule, reason), gone)

    def _bring_back(self) -> None:
        opened, vault = self._opened, self._session.vault
        if opened is None:
            return
        patient = opened.chart.patient.id
        for alert in self._aside():
            self._put_aside.discard(evidence_mark(patient, alert))
            deed = partial(restore_alert, vault, patient, alert.rule_id)
            self._session.runner.write(deed, lambda _nothing: None)
        self._refresh()

    def _aside(self) -> tuple[Alert, ...]:
        patient = self._opened.chart.patient.id if self._opened else ""
        return tuple(a for a in self._trace.alerts if evidence_mark(patient, a) in self._put_aside)

    def _explain(self) -> None:
        self.dialog.open(self._trace)

    def _ask_reason(self) -> None:
        if self.list.current() is not None and self.put_aside.isEnabled():
            self.put_aside.showMenu()

    def _refresh(self) -> None:
        aside = self._aside()
        shown = tuple(a for a in self._trace.alerts if a not in aside)
        self.list.show(shown)
        for part in (self.list.widget, self.put_aside):
            part.setVisible(bool(shown))
        many = f"{len(shown)} alerts" if len(shown) > 1 else ""
        self._count.setText(many)
        self._count.setVisible(bool(many))
        self.again.setText(f"{len(aside)} put aside: show again" if aside else "")
        self.again.setVisible(bool(aside))
        self._bar.setVisible(bool(self._trace.alerts))
        self.notice.setVisible(bool(self.notice.text()))
        set_role(self._bar, f"alert-{shown[0].urgency}" if shown else "card")
        self.widget.setVisible(bool(self._trace.alerts or self.notice.text()))

    def _lay_out(self) -> QWidget:
        self._count = label("", "small")
        for reason in DismissReason:
            self.menu.addAction(str(reason).capitalize()).triggered.connect(
                lambda _checked=False, said=reason: self.dismiss(said)
            )
        self.put_aside.setMenu(self.menu)
        self._bar = QFrame()
        inside = QHBoxLayout(self._bar)
        inside.setContentsMargins(4, 4, 10, 4)
        inside.setSpacing(8)
        inside.addWidget(self.list.widget, 1)
        deeds = QVBoxLayout()
        deeds.setSpacing(2)
        deeds.addLayout(row(None, self.why, self.put_aside))
        deeds.addLayout(row(None, self._count, self.again))
        inside.addLayout(deeds)
        made = QWidget()
        column = QVBoxLayout(made)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.notice)
        column.addWidget(self._bar)
        return made

    def _add_keys(self, parent: QWidget) -> None:
        self.list.widget.itemActivated.connect(lambda _item: self._explain())
        only_here = Qt.ShortcutContext.WidgetShortcut
        QShortcut(QKeySequence("Del"), self.list.widget, context=only_here).activated.connect(
            self._ask_reason
        )
        QShortcut(QKeySequence("Ctrl+Shift+A"), parent).activated.connect(self.list.widget.setFocus)
