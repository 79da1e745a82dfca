"""Takes back what was copied from the program when the vault is locked; nothing else's clipboard."""

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QClipboard, QGuiApplication

MODES = (QClipboard.Mode.Clipboard, QClipboard.Mode.Selection)


class ClipboardGuard(QObject):
    """Remembers whether the program filled the clipboard (never what with), and empties it then."""

    def __init__(self) -> None:
        super().__init__()
        self._clipboard = QGuiApplication.clipboard()
        self._ours: set[QClipboard.Mode] = set()
        self._clipboard.changed.connect(self._note)

    def take_back(self) -> None:
        """Empty each clipboard that holds something of ours."""
        for mode in MODES:
            if mode in self._ours or self._owns(mode):
                self._clipboard.clear(mode)
        self._ours.clear()

    def _note(self, mode: QClipboard.Mode) -> None:
        """Whoever has the keyboard has copied: Qt knows the owner under X11, not on each platform."""
        active = QGuiApplication.applicationState() == Qt.ApplicationState.ApplicationActive
        if self._owns(mode) or active:
            self._ours.add(mode)
        else:
            self._ours.discard(mode)

    def _owns(self, mode: QClipboard.Mode) -> bool:
        if mode is QClipboard.Mode.Selection:
            return self._clipboard.supportsSelection() and self._clipboard.ownsSelection()
        return self._clipboard.ownsClipboard()
