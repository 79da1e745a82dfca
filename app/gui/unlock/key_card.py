"""The card that makes new keys for a vault that is locked: how far it is, the new recovery words, the end."""

from collections.abc import Callable, Iterator
from contextlib import closing
from threading import Event

from PySide6.QtWidgets import QProgressBar, QStackedWidget, QWidget

from app.gui.operations.runner import Failure, OperationRunner
from app.gui.shell.dialogs import sentence
from app.gui.shell.furniture import at_top, button, card, label, row
from app.gui.unlock.recovery_sheet import RecoverySheet
from app.store.rekey import RekeyStep
from app.workflows.change_key import KeyHolders, NewWords, change_key

Report = RekeyStep | NewWords
GIVEN_UP = "The change of keys was given up. The vault, its people and its recovery words are as they were."
DONE = "The vault has new keys, and the new recovery words count. Type your passphrase to go on."
KEEP_BOTH = "Keep both sheets of recovery words until then: one of them will open the vault."
NAMED = 8  # people; a sheet with more names would not fit a small window
LOOK_S = 0.05  # between two looks whether somebody has decided


class KeyCard:
    """Can be given up until somebody agrees to the new words; `ended` gets what to say, and as what."""

    def __init__(
        self,
        runner: OperationRunner,
        *,
        words_shown: Callable[[], object],
        ended: Callable[[str, str], object],
    ) -> None:
        self._runner, self._words_shown, self._ended = runner, words_shown, ended
        self._agreed = Event()
        self._stop: Event | None = None
        self._left_out: tuple[str, ...] = ()
        self.title = label(_MAKING, "heading")
        self.step = label(_OPENING, wrap=True)
        self.bar = QProgressBar(maximum=len(RekeyStep), textVisible=False)
        self.bar.setAccessibleName(_MAKING)
        self.stop_button = button("Give up", self.give_up, tip="Leave the vault's keys as they are")
        self.back_button = button("Give up", self.give_up, tip="Leave the vault's keys as they are")
        self.agree_button = button("Put the new keys in force", self.agree, role="primary")
        self.sheet = RecoverySheet("Your new recovery words", _WORDS, self.agree_button, self.back_button)
        self.widget = QStackedWidget()
        for part in (self._progress_card(), self.sheet.widget):
            self.widget.addWidget(at_top(part))

    def start(self, holders: KeyHolders) -> None:
        """Begin, on a vault that nobody has open."""
        self.stop_button.setFocus()

        def reports(stop: Event) -> Iterator[Report]:
            return self._reports(holders, stop)

        self._stop = self._runner.job(reports, self._show, lambda _done: self._end(), self._refuse)

    def agree(self) -> None:
        """The words are on paper: put the new key in force, which nothing stops any more."""
        self._agreed.set()
        self._wait(_IN_FORCE)

    def give_up(self) -> None:
        """Leave everything as it was; does nothing where the new key is being put in force."""
        if self._stop is not None and not self._agreed.is_set():
            self._stop.set()
            self._wait(_STOPPING)

    def _reports(self, holders: KeyHolders, stop: Event) -> Iterator[Report]:
        """Going on after the words puts the key in force; closing the steps gives them up."""
        with closing(change_key(holders, stop.is_set)) as steps:
            for step in steps:
                yield step
                if isinstance(step, NewWords):
                    while not (stop.is_set() or self._agreed.wait(LOOK_S)):
                        pass
                if stop.is_set() and not self._agreed.is_set():
                    return

    def _show(self, report: Report) -> None:
        if self._stop is None or self._stop.is_set():
            return
        if isinstance(report, NewWords):
            self._left_out = report.must_be_added_again
            self.widget.setCurrentIndex(1)
            self.sheet.show(report.words, to_add_again(self._left_out))
            self._words_shown()
            return
        done = list(RekeyStep).index(report)
        self.bar.setValue(done)
        self.step.setText(f"Step {done + 1} of {len(RekeyStep)}: {report}.")

    def _wait(self, words: str) -> None:
        self.sheet.clear()
        self.step.setText(words)
        self.bar.setRange(0, 0)
        self.stop_button.setEnabled(False)
        self.widget.setCurrentIndex(0)

    def _end(self) -> None:
        agreed = self._agreed.is_set()
        self._ended(
            " ".join(filter(None, (DONE, to_add_again(self._left_out)))) if agreed else GIVEN_UP, "notice"
        )

    def _refuse(self, failure: Failure) -> None:
        self.sheet.clear()
        more = KEEP_BOTH if self._agreed.is_set() else "No new keys were made."
        self._ended(f"{sentence(failure.message)} {more}", "error")

    def _progress_card(self) -> QWidget:
        frame, column = card(margin=22, spacing=14)
        for part in (self.title, self.step, self.bar, label(_MEANWHILE, "muted", wrap=True)):
            column.addWidget(part)
        column.addLayout(row(None, self.stop_button))
        return frame


def to_add_again(users: tuple[str, ...]) -> str:
    """Whose access ends with the old key; empty where nobody's does."""
    if not users:
        return ""
    more = f" and {len(users) - NAMED} more who typed no passphrase" if len(users) > NAMED else ""
    return f"To be added again in Settings: {', '.join(users[:NAMED])}{more}."


_MAKING = "Making new keys"
_OPENING = "Opening the vault."
_STOPPING = "Giving up; this takes a moment."
_IN_FORCE = "Putting the new keys in force. Leave the computer on; this takes a moment."
_MEANWHILE = (
    "The vault is locked meanwhile. Nothing of it is changed until you have seen the new recovery words and "
    "agreed."
)
_WORDS = (
    "They are shown this once and stored nowhere. Write them on paper and lock it away; do not photograph "
    "them. They do not count yet: once you put the new keys in force, the old sheet opens older backups "
    "alone."
)
