"""Makes the backups of IT's plan while a vault is open in the window, in the background."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from app.gui.operations.runner import Failure
from app.gui.session import OpenSession
from app.gui.shell.dialogs import sentence
from app.gui.shell.status import Status
from app.store.scheduled_backup import BackupPlan, back_up_by_plan, is_due, plan_of
from app.store.vault import Vault

FIRST_MS, EVERY_MS = 30_000, 10 * 60_000


class BackupWatch:
    """Looks half a minute after the opening, then every ten minutes; the status bar says what came of it."""

    def __init__(self, owner: QWidget, session: OpenSession, status: Status) -> None:
        self._session = session
        self._status = status
        self._plan = None if session.vault.read_only else plan_of(session.around.policy)
        self._under_way = False
        self._timer = QTimer(owner, interval=FIRST_MS)
        self._timer.timeout.connect(self.check)
        if self._plan is not None:
            self._timer.start()

    def check(self) -> None:
        """Make a backup where one is due and none is under way."""
        self._timer.setInterval(EVERY_MS)
        plan, vault = self._plan, self._session.vault
        if plan is None or self._under_way:
            return
        self._under_way = True
        now = datetime.fromisoformat(self._session.around.now())
        self._session.runner.job(
            lambda _stop: backups(vault, plan, now), self._tell, lambda _none: self._rest(), self._warn
        )

    def stop(self) -> None:
        """The vault is about to be locked."""
        self._timer.stop()

    def _tell(self, written: Path) -> None:
        self._status.show_backup("")
        self._status.tell(f"Backup written: {written.name}")

    def _warn(self, failure: Failure) -> None:
        self._rest()
        self._status.show_backup(sentence(failure.message))

    def _rest(self) -> None:
        self._under_way = False


def backups(vault: Vault, plan: BackupPlan, now: datetime) -> Iterator[Path]:
    """The backup that was due, verified; nothing where none was."""
    if is_due(vault.path, plan, now=now):
        yield back_up_by_plan(vault, plan, now=now)
