"""What the privacy officer sees first: emergency accesses that she has not reviewed yet."""

from PySide6.QtWidgets import QVBoxLayout

from app.clinical.audit_event import AuditEvent
from app.gui.session import OpenSession
from app.gui.shell.furniture import button, card, label, row
from app.gui.shell.withheld import withhold_writing
from app.store.break_glass import emergencies, review
from app.store.header import RECOVERY, Role

_LISTED = 5


class EmergencyCard:
    """Hidden for everyone else, and where nothing waits."""

    def __init__(self, session: OpenSession) -> None:
        self._session = session
        self._newest = 0
        self.widget, column = card(margin=14, spacing=6)
        self.heading = label("", "heading")
        self.reviewed = button("Mark as reviewed", self._review, tip="Audited under your name")
        withhold_writing(session, self.reviewed)
        column.addLayout(row(self.heading, None, self.reviewed))
        self._lines = QVBoxLayout()
        self._lines.setSpacing(4)
        column.addLayout(self._lines)
        self.widget.hide()

    def refresh(self) -> None:
        """Ask the vault what waits."""
        vault = self._session.vault
        if vault.role is Role.PRIVACY_OFFICER:
            self._session.runner.read(lambda: emergencies(vault), self._show)

    def clear(self) -> None:
        """Forget what was listed; called before the vault is locked."""
        self._show([])

    def _show(self, events: list[AuditEvent]) -> None:
        while (item := self._lines.takeAt(0)) is not None:
            gone = item.widget()
            if gone is not None:
                gone.deleteLater()
        for event in events[:_LISTED]:
            self._lines.addWidget(label(told(event), wrap=True))
        if len(events) > _LISTED:
            self._lines.addWidget(label(f"and {len(events) - _LISTED} more in the list below", "muted"))
        self._newest = events[0].sequence if events else 0
        self.heading.setText(waiting(len(events)))
        self.widget.setVisible(bool(events))
        self.reviewed.setEnabled(True)

    def _review(self) -> None:
        vault, newest = self._session.vault, self._newest
        self.reviewed.setEnabled(False)
        self._session.runner.write(lambda: review(vault, up_to=newest), lambda _none: self.refresh())


def waiting(count: int) -> str:
    """How many emergency accesses wait for the officer."""
    return "1 emergency access to review" if count == 1 else f"{count} emergency accesses to review"


def told(event: AuditEvent) -> str:
    """One access in words."""
    why = "signed in with the recovery words" if event.user == RECOVERY else event.detail
    return f"{event.at[:16].replace('T', ' ')} UTC   {event.user}: {why}"
