"""Controls that stay disabled for a reason, which stands in their tool tips."""

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from app.gui.session import OpenSession
from app.gui.shell.dialogs import sentence

_TURNED = (QEvent.Type.EnabledChange, QEvent.Type.ToolTipChange)


def read_only_words(session: OpenSession) -> str:
    """That nothing can be changed, and why, as a sentence; empty where the vault is open for writing."""
    because = session.vault.read_only_because
    return sentence(f"nothing can be changed: {because}") if because else ""


def withhold_writing(session: OpenSession, *controls: QWidget | QAction) -> None:
    """Where the vault is open read-only, keep these controls disabled whatever their page makes of them."""
    why = read_only_words(session)
    if not why:
        return
    for control in controls:
        if isinstance(control, QAction):
            _keep_action(control, why)
        else:
            _Keeper(control, why)


def _keep_action(action: QAction, why: str) -> None:
    def keep() -> None:
        if action.isEnabled() or action.toolTip() != why:
            action.setEnabled(False)
            action.setToolTip(why)

    action.changed.connect(keep)
    keep()


class _Keeper(QObject):
    """Disables its widget again each time that a page enables it."""

    def __init__(self, widget: QWidget, why: str) -> None:
        super().__init__(widget)
        self._widget, self._why = widget, why
        widget.installEventFilter(self)
        self._keep()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Put right what was turned; let every event pass."""
        if watched is self._widget and event.type() in _TURNED:
            self._keep()
        return False

    def _keep(self) -> None:
        if self._widget.isEnabled():
            self._widget.setEnabled(False)
        if self._widget.toolTip() != self._why:
            self._widget.setToolTip(self._why)
