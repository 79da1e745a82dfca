"""The main window: unlock screen or workspace, auto-lock, and the keys that work everywhere."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic

from PySide6.QtCore import QByteArray, Qt, QThread, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QIcon, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QDialog, QMainWindow, QMenu, QStackedWidget, QToolTip

from app.gui.guide.help_dialog import show_help
from app.gui.operations.runner import Failure
from app.gui.people.key_dialog import KeyDialog
from app.gui.session import OpenSession, Surroundings
from app.gui.shell.clipboard_guard import ClipboardGuard
from app.gui.shell.dialogs import show_failure
from app.gui.shell.idle_lock import IdleLock
from app.gui.shell.suspend_lock import SuspendLock, awake_clock
from app.gui.shell.window_settings import read_settings, with_recent, write_settings
from app.gui.shell.workspace import WindowDeeds, Workspace
from app.gui.theme.icons import pixmap
from app.gui.training.training_run import TrainingRun
from app.gui.unlock.unlock_page import UnlockPage
from app.store.clock import lasting_clock
from app.store.people import Person
from app.store.vault import Vault
from app.workflows.change_key import KeyHolders

LOCKED = "The vault is locked. Type your passphrase to go on."
RUN_PAUSES = " The training run pauses at the end of its block of steps; you are asked whether to go on."
TRAINING_FIRST = "a training run is under way in this vault; stop it, or let it end, before new keys are made"
LOCKED_ASLEEP = "Locked because the computer went to sleep. Type your passphrase to go on."
LOCKED_IDLE = "Locked after a time without input. Type your passphrase to go on."


class MainWindow(QMainWindow):
    """One vault at a time; a lock empties every screen and closes the vault."""

    def __init__(
        self,
        around: Surroundings,
        *,
        clock: Callable[[], float] = lasting_clock,
        awake: Callable[[], float] = awake_clock,
    ) -> None:
        """`clock` goes on while the machine sleeps, `awake` stands still; both in seconds."""
        super().__init__()
        self.around = around
        self.workspace: Workspace | None = None
        self.asking: KeyDialog | None = None
        self.settings = read_settings(around.settings_file)
        self._stack = QStackedWidget()
        self._clipboard = ClipboardGuard()
        self.training_run = TrainingRun(around.runner)
        self.training_run.ended.connect(lambda _why: self._run_ended())
        self.unlock = self._unlock_page()
        self.setCentralWidget(self._stack)
        self.setWindowTitle("Anamnesis")
        self.setWindowIcon(QIcon(pixmap(around.look, "anamnesis", size=64)))
        self.resize(1360, 860)
        self.restoreGeometry(QByteArray.fromBase64(self.settings.geometry.encode()))
        self.setAcceptDrops(True)
        self.idle_lock = IdleLock(limit_s=around.policy.idle_lock_s, clock=clock)
        self.idle_lock.idle.connect(lambda: self.lock(LOCKED_IDLE))
        self.suspend_lock = SuspendLock(lasting=clock, awake=awake)
        self.suspend_lock.asleep.connect(lambda: self.lock(LOCKED_ASLEEP))
        self.suspend_lock.listen_to_the_system()
        around.runner.failed.connect(self._tell_failure)
        self._add_keys()

    def take_vault(self, vault: Vault) -> None:
        """A vault was opened: show it."""
        self.settings = with_recent(self.settings, vault.path, vault.user)
        write_settings(self.around.settings_file, self.settings)
        self.workspace = Workspace(
            OpenSession(vault, self.around),
            WindowDeeds(self.lock, self.set_theme, self.set_percent, self.ask_for_new_keys),
            self.training_run,
        )
        self._stack.addWidget(self.workspace.widget)
        self._stack.setCurrentWidget(self.workspace.widget)
        self.workspace.patients.focus()
        self.setWindowTitle(f"{vault.path.name} – Anamnesis")
        self._watch_for_absence()
        if self.training_run.under_way_in(vault.path):
            self.training_run.go_on()
        self.workspace.training.offer_to_go_on()

    def lock(self, why: str = LOCKED) -> None:
        """Empty the screens, finish the writes under way, close the vault, ask for the passphrase."""
        if self.unlock.keys is not None:
            self.unlock.keys.give_up()
            return
        vault = self.release_vault()
        if vault is None:
            return
        pausing = self.training_run.under_way_in(vault.path)
        if pausing:
            self.training_run.pause()
            vault.tell_others("a training run that ends its block of steps, in a minute at most,")
            self.unlock.keep(vault)  # until the block under way is sealed; nobody can see into it meanwhile
        else:
            vault.close()
        self.unlock.tell_locked(why + (RUN_PAUSES if pausing else ""))

    def release_vault(self) -> Vault | None:
        """Empty the screens and give the vault back, still open; None where none is shown."""
        workspace, self.workspace, self.asking = self.workspace, None, None
        if workspace is None:
            return None
        self._stop_watching()
        self._renew_unlock_page()
        self.setWindowTitle("Anamnesis")
        self._close_boxes()
        workspace.close()
        self._clipboard.take_back()
        self._stack.removeWidget(workspace.widget)
        workspace.widget.deleteLater()
        return workspace.session.vault

    def ask_for_new_keys(self, people: Sequence[Person]) -> None:
        """Ask for the passphrases; not while a training run debits this vault."""
        assert self.workspace is not None
        session = self.workspace.session
        if self.training_run.under_way_in(session.vault.path):
            self._tell_failure(Failure(TRAINING_FIRST, expected=True))
            return
        self.asking = KeyDialog(self.workspace.widget, session, people, self.change_key)
        self.asking.open()

    def change_key(self, holders: KeyHolders) -> None:
        """Lock, and make new keys for the vault that nobody has open then."""
        vault = self.release_vault()
        if vault is not None:
            vault.close()
        self.unlock.change_key(holders, words_shown=self._watch_for_absence, ended=self._forget_copied_words)

    def set_theme(self, name: str) -> None:
        """A theme by its name, kept for the next start."""
        self.around.look.set_theme(name)
        self._keep_look()

    def step_scale(self, steps: int) -> None:
        """Larger, smaller, or 100 % (0), kept for the next start."""
        self.around.look.step_scale(steps)
        self._keep_look()

    def set_percent(self, percent: int) -> None:
        """The scale in per cent, kept for the next start."""
        self.around.look.set_percent(percent)
        self._keep_look()

    def show_help(self) -> None:
        """The help page; in a window of its own where that one is out of reach."""
        over = QApplication.activeModalWidget()
        if over is None and self.workspace is not None:
            self.workspace.show_help()
        else:
            show_help(over or self, self.around.look)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files may be dropped while a vault is open."""
        if self.workspace is not None and event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Import what was dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if self.workspace is not None and paths:
            event.acceptProposedAction()
            self.workspace.import_files(paths)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Lock before leaving; keep where the window stood."""
        geometry = bytes(self.saveGeometry().toBase64().data()).decode()
        self.settings = replace(self.settings, geometry=geometry)
        write_settings(self.around.settings_file, self.settings)
        self.lock()
        self.around.runner.close()
        self.unlock.drop_kept()
        super().closeEvent(event)

    def settle(self, timeout_s: float = 30.0) -> bool:
        """Process events until neither work nor a pause for typing is under way; False on time-out."""
        end = monotonic() + timeout_s
        while monotonic() < end:
            idle = self.around.runner.wait_until_idle(timeout_s)
            if idle and not any(t.isSingleShot() and t.isActive() for t in self.findChildren(QTimer)):
                return True
            QThread.msleep(5)
        return False

    def _watch_for_absence(self) -> None:
        self.idle_lock.start()
        self.suspend_lock.start()

    def _stop_watching(self) -> None:
        self.idle_lock.stop()
        self.suspend_lock.stop()

    def _forget_copied_words(self) -> None:
        self._stop_watching()
        self._clipboard.take_back()

    def _unlock_page(self) -> UnlockPage:
        page = UnlockPage(self.around, self.settings, self.take_vault)
        self._stack.insertWidget(0, page.widget)
        self._stack.setCurrentIndex(0)
        return page

    def _run_ended(self) -> None:
        self.unlock.drop_kept()
        if self.workspace is not None:
            self.workspace.training.offer_to_go_on()

    def _renew_unlock_page(self) -> None:
        old, self.unlock = self.unlock, self._unlock_page()
        if old.kept is not None:
            self.unlock.keep(old.kept)
        self._stack.removeWidget(old.widget)
        old.widget.deleteLater()

    def _close_boxes(self) -> None:
        """Boxes, menus and tool tips may name a patient too."""
        QToolTip.hideText()
        for box in (*self.findChildren(QDialog), *self.findChildren(QMenu)):
            box.close()

    def _keep_look(self) -> None:
        look = self.around.look
        self.settings = replace(self.settings, theme=look.theme.name, percent=look.percent)
        write_settings(self.around.settings_file, self.settings)

    def _add_keys(self) -> None:
        keys: tuple[tuple[str, Callable[[], object]], ...] = (
            ("Ctrl++", lambda: self.step_scale(1)),
            ("Ctrl+=", lambda: self.step_scale(1)),
            ("Ctrl+-", lambda: self.step_scale(-1)),
            ("Ctrl+0", lambda: self.step_scale(0)),
            ("Ctrl+L", self.lock),
            ("F1", self.show_help),
            ("Ctrl+I", lambda: self._in_workspace(lambda w: w.import_files(None))),
            ("Ctrl+F", self._focus_search),
            ("Alt+Left", lambda: self._in_workspace(lambda w: w.go("patients"))),
            ("Ctrl+D", lambda: self.set_theme(self.around.look.theme.other)),
        )
        for key, act in keys:
            shortcut = QShortcut(QKeySequence(key), self, context=Qt.ShortcutContext.ApplicationShortcut)
            shortcut.activated.connect(lambda act=act: act())

    def _in_workspace(self, deed: Callable[[Workspace], object]) -> None:
        if self.workspace is not None:
            deed(self.workspace)

    def _focus_search(self) -> None:
        if self.workspace is not None:
            self.workspace.go("patients")
            self.workspace.patients.search.setFocus()
            self.workspace.patients.search.selectAll()

    def _tell_failure(self, failure: Failure) -> None:
        show_failure(self, failure)


def fill_unlock_page(window: MainWindow, vault: str | None, user: str | None) -> None:
    """Fill the unlock screen from the command line."""
    if vault:
        window.unlock.vault.setText(str(Path(vault).expanduser().resolve()))
    if user:
        window.unlock.user.setText(user)
    window.unlock.focus()
