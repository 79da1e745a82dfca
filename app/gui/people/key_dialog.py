"""Asks for what new keys need: the passphrases of who makes them and of all who keep their access."""

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.errors import UsageError
from app.gui.people.access_dialog import WAITING, secret
from app.gui.session import OpenSession
from app.gui.shell.dialogs import size_within
from app.gui.shell.elided_label import ElidedLabel
from app.gui.shell.furniture import field_form, label, named_field, scrolled
from app.gui.writing.writing_dialog import Form, WritingDialog
from app.store.header import Role
from app.store.people import Person
from app.store.rekey import proven_header
from app.workflows.change_key import KeyHolders

TITLE = "New keys for this vault"
ABOUT = (
    "A new data key and new recovery words: an old copy, or a passphrase that somebody kept, opens nothing "
    "that comes later. The window locks, copies the vault (minutes where it is large, and as much free space "
    "as it has) and shows the new words. Nothing is changed before you agree to them; older backups keep "
    "their key and their words."
)
OTHERS = "Who else keeps access types her passphrase here; who does not is added again afterwards."
NO_PASSPHRASE = "your own field is empty; type the passphrase that you sign in with"
ROWS_SHOWN, ROW_PX = 3, 38  # more people than that scroll; height at 100 % text


class KeyDialog:
    """Tries each passphrase, then hands them to `then`; empty once it is closed."""

    def __init__(
        self,
        parent: QWidget,
        session: OpenSession,
        people: Sequence[Person],
        then: Callable[[KeyHolders], object],
    ) -> None:
        self._session, self._then = session, then
        vault = session.vault
        self._others = [p for p in people if p.user != vault.user and p.role is not Role.ADMINISTRATOR]
        self._may_wait = any(person.bound for person in people)
        self.own = secret()
        self.kept = {person.user: secret() for person in self._others}
        form = Form(
            title=TITLE,
            about="Who did it and when is kept in the audit log.",
            body=self._body(),
            typed=lambda: False,
            save=self.save,
            empty=self._empty,
            deed="Lock and make new keys",
            waiting=WAITING,
        )
        self.frame = WritingDialog(parent, session, form)
        for field in (self.own, *self.kept.values()):
            field.returnPressed.connect(self.frame.save_button.click)
        self.frame.dialog.resize(size_within(self.frame.dialog, session.look, 680, 450))

    def open(self) -> None:
        """Show it, the keyboard in the first field."""
        self.frame.open()
        self.own.setFocus()

    def save(self) -> None:
        """Try what was typed, off the window's thread."""
        vault, typed = self._session.vault, self.own.text()
        keep = {user: field.text() for user, field in self.kept.items() if field.text()}

        def deed() -> None:
            if not typed:
                raise UsageError(NO_PASSPHRASE)
            proven_header(vault, passphrase=typed, keep=keep)

        holders = KeyHolders(vault.path, vault.user, typed, keep)
        run = self.frame.read if self._may_wait else self.frame.write  # a keyring may ask a person
        run(deed, lambda _none: self._close(holders))

    def _close(self, holders: KeyHolders) -> None:
        self.frame.saved()
        self._then(holders)

    def _empty(self) -> None:
        for field in (self.own, *self.kept.values()):
            field.clear()

    def _body(self) -> QWidget:
        made = QWidget()
        column = QVBoxLayout(made)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(label(ABOUT, "muted", wrap=True))
        form = field_form()
        by_words = self._session.vault.role is Role.RECOVERY
        form.addRow(named_field("&Recovery words" if by_words else "Your &passphrase", self.own), self.own)
        column.addLayout(form)
        if self._others:
            column.addWidget(label(OTHERS, "muted", wrap=True))
            column.addWidget(self._colleagues())
        column.addStretch(1)
        return made

    def _colleagues(self) -> QWidget:
        inner = QWidget()
        form = field_form()
        inner.setLayout(form)
        form.setContentsMargins(0, 0, 8, 0)
        for person in self._others:
            field, who = self.kept[person.user], ElidedLabel()
            who.setText(f"{person.user} ({person.role.replace('-', ' ')})")
            who.setMinimumSize(self._session.look.px(170), field.sizeHint().height())
            field.setAccessibleName(f"Passphrase of {person.user}")
            field.setPlaceholderText("Empty: to be added again")
            form.addRow(who, field)
        if len(self._others) <= ROWS_SHOWN:
            return inner
        area = scrolled(inner)
        area.setFixedHeight(self._session.look.px(ROWS_SHOWN * ROW_PX))
        return area
