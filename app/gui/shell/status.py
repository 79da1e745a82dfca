"""The status bar: where the model runs, what it knows, whether work is under way. Only what is true."""

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QStatusBar

from app.gui.assistant import Assistant
from app.gui.shell.elided_label import ElidedLabel
from app.gui.shell.furniture import label, set_role
from app.store.vault import Vault


class Status:
    """Labels at the foot of the window."""

    def __init__(self) -> None:
        self.bar = QStatusBar()
        self.bar.setSizeGripEnabled(False)
        self.busy = label("")
        self.backup = ElidedLabel("warn")
        self.vault, self.knowledge, self.model, self.provider = (ElidedLabel() for _part in range(4))
        self.bar.addWidget(self.busy, 1)
        for part in (self.backup, self.vault, self.knowledge, self.model, self.provider):
            self.bar.addPermanentWidget(part)
        self._slow = QTimer(self.bar, singleShot=True, interval=250)
        self._slow.timeout.connect(lambda: self.busy.setText("Working…"))

    def show_busy(self, busy: bool) -> None:
        """Tell of work only once it takes a quarter of a second."""
        if busy:
            self._slow.start()
        else:
            self._slow.stop()
            self.busy.clear()

    def tell(self, text: str, seconds: float = 6.0) -> None:
        """Say something for a while."""
        self.bar.showMessage(text, int(seconds * 1000))

    def show_vault(self, vault: Vault | None) -> None:
        """Name the vault and how it is open."""
        self.vault.setText(
            "" if vault is None else vault.path.name + (" (read-only)" if vault.read_only else "")
        )
        self.vault.setToolTip("" if vault is None else str(vault.path))

    def show_backup(self, problem: str) -> None:
        """That the last backup of the plan failed, until one succeeds; why stands in the tool tip."""
        self.backup.setText("Backup failed" if problem else "")
        self.backup.setToolTip(problem)
        self.backup.setAccessibleDescription(problem)

    def show_loading(self) -> None:
        """The knowledge is on its way."""
        set_role(self.knowledge, "")
        self.knowledge.setText("Loading knowledge…")

    def show_assistant(self, assistant: Assistant | None) -> None:
        """Name knowledge, model and the provider that the session really uses."""
        for part in (self.knowledge, self.model, self.provider):
            part.clear()
        if assistant is None:
            return
        self.knowledge.setText(f"HPO {assistant.catalogue.version}")
        short = assistant.model_version[:10]
        self.model.setText(f"Model {short}" if short else "Graph alone, no text model")
        self.model.setToolTip(assistant.warning or assistant.model_version)
        set_role(self.model, "warn" if assistant.warning else "")
        where = assistant.provider.removesuffix("ExecutionProvider").upper()
        self.provider.setText(f"Runs on {where}" if where else "")
        self.provider.setToolTip("Where the text model runs, as the running session reports it")
