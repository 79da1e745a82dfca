"""The card that lists who may open the vault, and changes it: the same deeds as `anamnesis vault ...`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidgetItem

from app.gui.operations.runner import Failure
from app.gui.people.access_dialog import Access, AccessDialog
from app.gui.people.access_forms import AccessForms
from app.gui.session import OpenSession
from app.gui.shell.dialogs import sentence
from app.gui.shell.furniture import button, card, label, row
from app.gui.shell.withheld import withhold_writing
from app.gui.shell.worded_list import worded_list
from app.store.header import Role
from app.store.people import Person, has_administrator, list_people
from app.store.rights import Right, remedy

ROWS_PX = 112  # at 100 % text: four people, then it scrolls


@dataclass(frozen=True, slots=True)
class _Access:
    people: tuple[Person, ...]
    has_administrator: bool


class PeopleCard:
    """Buttons apply to the person chosen in the list; what a role may not do is disabled, with the reason."""

    def __init__(self, session: OpenSession, ask_for_new_keys: Callable[[Sequence[Person]], object]) -> None:
        self._session = session
        self._has_administrator = False
        self.forms = AccessForms(session.vault, session.around.policy)
        self.asking: AccessDialog | None = None
        self.list = worded_list(session.look, "People who have access")
        self.add = button("Add a person…", self._add)
        self.another_role = button("Another role…", lambda: self._ask_of_chosen(self._role_form))
        self.remove = button("Remove…", lambda: self._ask_of_chosen(self._removal))
        self.forgotten = button("Forgotten passphrase…", lambda: self._ask_of_chosen(self.forms.forgotten))
        self.own = button("Your passphrase…", self._own)
        self.new_keys = button("New keys…", lambda: ask_for_new_keys(self.people()), tip=_NEW_KEYS)
        self.message = label("", "muted", wrap=True)
        self.message.hide()
        self.widget, column = card()
        column.addWidget(label("People", "heading"))
        column.addWidget(self.list)
        column.addWidget(self.message)
        column.addLayout(row(self.add, self.another_role, self.remove, None))
        column.addLayout(row(self.own, self.forgotten, self.new_keys, None))
        self.forgotten.setVisible(session.vault.role is Role.RECOVERY)
        self.own.setVisible(session.vault.role is not Role.RECOVERY)
        self._withhold()
        session.look.follow(self.widget, self._fit)
        self._fit()

    def refresh(self) -> None:
        """Ask the vault's header."""
        vault = self._session.vault
        self._session.runner.read(
            lambda: _Access(list_people(vault), has_administrator(vault)), self._show, self._show_why_not
        )

    def people(self) -> tuple[Person, ...]:
        """Who is listed."""
        return tuple(_person(self.list.item(n)) for n in range(self.list.count()))

    def chosen(self) -> Person | None:
        """The person whose row is chosen."""
        item = self.list.currentItem()
        return _person(item) if item is not None else None

    def _withhold(self) -> None:
        """Who may not change who has access can see it, and change her own passphrase."""
        vault, deeds = self._session.vault, (self.add, self.another_role, self.remove, self.new_keys)
        withhold_writing(self._session, *deeds, self.own, self.forgotten)
        if not vault.may(Right.PEOPLE):
            for deed in deeds:
                deed.setEnabled(False)
                deed.setToolTip(sentence(remedy(vault.role, Right.PEOPLE)))

    def _show(self, access: _Access) -> None:
        self._has_administrator = access.has_administrator
        before = self.chosen()
        self.list.clear()
        for person in access.people:
            item = QListWidgetItem(_words(person, self._session.vault.user), self.list)
            item.setData(Qt.ItemDataRole.UserRole, person)
            if before is not None and person.user == before.user:
                self.list.setCurrentItem(item)
        if self.list.currentItem() is None:
            self.list.setCurrentRow(0)
        self.message.hide()

    def _show_why_not(self, failure: Failure) -> None:
        self.message.setText(sentence(failure.message))
        self.message.show()

    def _fit(self) -> None:
        self.list.setFixedHeight(self._session.look.px(ROWS_PX))

    @property
    def _needs_administrator(self) -> bool:
        return self._session.around.policy.people_need_administrator and self._has_administrator

    def _add(self) -> None:
        self._ask(self.forms.add(needs_administrator=self._needs_administrator))

    def _role_form(self, person: Person) -> Access:
        return self.forms.another_role(person, needs_administrator=self._needs_administrator)

    def _removal(self, person: Person) -> Access:
        return self.forms.remove(person, needs_administrator=self._needs_administrator)

    def _own(self) -> None:
        user = self._session.vault.user
        me = next((person for person in self.people() if person.user == user), None)
        if me is not None:
            self._ask(self.forms.own_passphrase(me))

    def _ask_of_chosen(self, form: Callable[[Person], Access]) -> None:
        person = self.chosen()
        if person is not None:
            self._ask(form(person))

    def _ask(self, access: Access) -> None:
        self.asking = AccessDialog(self.widget, self._session, access, self.refresh)
        self.asking.open()


def _person(item: QListWidgetItem) -> Person:
    held: Person = item.data(Qt.ItemDataRole.UserRole)
    return held


def _words(person: Person, signed_in: str) -> str:
    more = ("you", person.user == signed_in), ("bound to a device", person.bound)
    said = [person.role.replace("-", " "), *(words for words, holds in more if holds)]
    return f"{person.user}: {', '.join(said)}"


_NEW_KEYS = "A new data key and new recovery words: old copies and kept passphrases open nothing new"
