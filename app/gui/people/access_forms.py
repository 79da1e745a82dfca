"""The forms of the people card: add, another role, remove, one's own passphrase, a forgotten one."""

from collections.abc import Callable

from PySide6.QtWidgets import QComboBox, QLineEdit

from app.config.policy import Policy
from app.errors import UsageError
from app.gui.people.access_dialog import Access, secret
from app.gui.shell.choice import choice_box
from app.gui.unlock.vault_opening import passphrase_advice
from app.store.header import Role
from app.store.key_derivation import KdfParameters
from app.store.new_passphrase import SHORTEST
from app.store.people import Person, add_user, change_passphrase, change_role, remove_user, reset_passphrase
from app.store.vault import Vault
from app.workflows.agree_on_access import Agreement, agreed

Deed = Callable[[Agreement | None], object]
ROLES = {
    Role.CLINICIAN: "Clinician: everything but the officer's deeds",
    Role.ANNOTATOR: "Annotator: opens charts, marks findings",
    Role.ADJUDICATOR: "Adjudicator: marks findings, confirms diagnoses",
    Role.TRAINER: "Trainer: trains models, opens no charts",
    Role.PRIVACY_OFFICER: "Privacy officer: signs updates, erases patients",
    Role.ADMINISTRATOR: "Administrator: agrees to who gets access, opens nothing",
}


class AccessForms:
    """Makes the forms for a vault; `kdf` is what a passphrase costs, by this machine where None."""

    def __init__(self, vault: Vault, policy: Policy) -> None:
        self._vault, self._policy = vault, policy
        self.kdf: KdfParameters | None = None

    def add(self, *, needs_administrator: bool) -> Access:
        """A person with a name, a role and a passphrase that she types herself."""
        name, role, first, again = QLineEdit(maxLength=200), _role_box(Role.CLINICIAN), secret(), secret()

        def read() -> Deed:
            user, chosen, words = name.text(), Role(role.currentData()), _typed(first, again)
            return lambda agreement: add_user(
                self._vault,
                user=user,
                passphrase=_checked(*words),
                role=chosen,
                kdf=self.kdf,
                approved_by=self._agreed(agreement, given=chosen),
            )

        fields = (("&Name", name), ("&Role", role), ("Her &passphrase", first), ("A&gain", again))
        return Access(*("Add a person", _ADD, "Add", fields, read), needs_administrator=needs_administrator)

    def another_role(self, person: Person, *, needs_administrator: bool) -> Access:
        """Another role for a person, who types her passphrase."""
        role, hers = _role_box(person.role), secret()

        def read() -> Deed:
            chosen, typed = Role(role.currentData()), hers.text()
            return lambda agreement: change_role(
                self._vault,
                user=person.user,
                role=chosen,
                passphrase=typed,
                kdf=self.kdf,
                approved_by=self._agreed(agreement, given=chosen),
            )

        return Access(
            *(f"Another role for {person.user}", _ROLE, "Change the role"),
            *((("&Role", role), ("Her &passphrase", hers)), read),
            needs_administrator=needs_administrator,
            may_wait=person.bound,
        )

    def remove(self, person: Person, *, needs_administrator: bool) -> Access:
        """Take a person's access away."""

        def read() -> Deed:
            return lambda agreement: remove_user(
                self._vault, user=person.user, approved_by=self._agreed(agreement)
            )

        about = (_YOURSELF if person.user == self._vault.user else "") + _REMOVE
        return Access(
            *(f"Remove {person.user}", about, "Remove", (), read),
            role="danger",
            needs_administrator=needs_administrator,
        )

    def own_passphrase(self, person: Person) -> Access:
        """Another passphrase for who is signed in."""
        old, new, again = secret(), secret(), secret()

        def read() -> Deed:
            before, words = old.text(), _typed(new, again)
            return lambda _agreement: change_passphrase(
                self._vault, user=person.user, old=before, new=_checked(*words), kdf=self.kdf
            )

        fields = (("&Old passphrase", old), ("&New passphrase", new), ("A&gain", again))
        return Access(*("Change your passphrase", _PASSPHRASE, "Change", fields, read), may_wait=person.bound)

    def forgotten(self, person: Person) -> Access:
        """A new passphrase for a person who forgot hers, by who signed in with the recovery words."""
        new, again = secret(), secret()

        def read() -> Deed:
            words = _typed(new, again)
            return lambda _agreement: reset_passphrase(
                self._vault, user=person.user, new=_checked(*words), kdf=self.kdf
            )

        fields = (("Her &new passphrase", new), ("A&gain", again))
        return Access(f"A new passphrase for {person.user}", _FORGOTTEN, "Replace", fields, read)

    def _agreed(self, agreement: Agreement | None, *, given: Role | None = None) -> str:
        return agreed(self._vault, self._policy, agreement, given=given)


def _role_box(chosen: Role) -> QComboBox:
    return choice_box("Role", [(words, str(role)) for role, words in ROLES.items()], chosen=str(chosen))


def _typed(first: QLineEdit, again: QLineEdit) -> tuple[str, str]:
    return first.text(), again.text()


def _checked(passphrase: str, again: str) -> str:
    """Raise UsageError where it is worth little, or was typed in two ways."""
    advice = passphrase_advice(passphrase, again)
    if advice:
        raise UsageError(advice)
    return passphrase


_ADD = (
    f"She types the passphrase herself, {SHORTEST} characters or more: four unrelated words are easy to "
    "remember. It can't be shown again; the recovery words of this vault stay as they are."
)
_ROLE = (
    "She types her passphrase, which stays hers. The role is in force when she signs in next. A privacy "
    "officer gets a key that signs updates, and loses it with the role."
)
_REMOVE = (
    "The passphrase opens this vault no more. Whoever kept a copy of the vault can still open that copy; "
    "“New keys…” makes its key worthless for everything later."
)
_YOURSELF = "You are signed in as this person: once you lock, you can't open the vault again. "
_PASSPHRASE = (
    "Copies and backups made until now still open with the old one. If you forget the new one, only the "
    "recovery words or a colleague help."
)
_FORGOTTEN = "She types a new one here. Any device that her slot was bound to is needed no more."
