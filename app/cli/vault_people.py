"""Who may open a vault, at the command line: add, remove, change a passphrase, change the data key."""

import argparse
from contextlib import closing

from app.cli.console import Console
from app.cli.sign_in import read_new_passphrase, read_passphrase
from app.config.policy import load_policy
from app.store.device_binding import bind_device, unbind_device
from app.store.header import RECOVERY, Role
from app.store.people import (
    add_user,
    change_passphrase,
    change_role,
    remove_user,
    reset_passphrase,
)
from app.store.vault import Vault
from app.workflows.agree_on_access import Agreement, agreed
from app.workflows.change_key import KeyHolders, NewWords, change_key


def add_people_arguments(name: str, deed: argparse.ArgumentParser) -> None:
    """Add what each of these deeds asks for."""
    if name == "rekey":
        deed.add_argument(
            "--keep",
            action="append",
            default=[],
            metavar="NAME",
            help="a user who types her passphrase to keep her access; the others are added again afterwards",
        )
    if name == "passphrase":
        deed.add_argument("--name", help=f"whose forgotten passphrase; only for --user {RECOVERY}")
    if name in ("add-user", "remove-user", "change-role"):
        deed.add_argument("--name", required=True, help="whose access")
        deed.add_argument(
            "--administrator", metavar="NAME", help="who agrees, by her own passphrase, where the policy asks"
        )
    if name in ("add-user", "change-role"):
        roles = [role.value for role in Role if role is not Role.RECOVERY]
        usual = {"default": Role.CLINICIAN.value} if name == "add-user" else {"required": True}
        deed.add_argument("--role", choices=roles, **usual)


def _add_user(vault: Vault, passphrase: str, arguments: argparse.Namespace, console: Console) -> int:
    secret = read_new_passphrase(arguments, prompt="Passphrase of the new user: ")
    role = Role(arguments.role)
    who = _approval(vault, arguments, given=role)
    add_user(vault, user=arguments.name, passphrase=secret, role=role, approved_by=who)
    console.result({"added": arguments.name, "role": arguments.role}, f"Added {arguments.name}.")
    return 0


def _remove_user(vault: Vault, passphrase: str, arguments: argparse.Namespace, console: Console) -> int:
    remove_user(vault, user=arguments.name, approved_by=_approval(vault, arguments))
    console.result({"removed": arguments.name}, f"Removed {arguments.name}.")
    return 0


def _change_role(vault: Vault, passphrase: str, arguments: argparse.Namespace, console: Console) -> int:
    secret = read_passphrase(arguments, prompt=f"Passphrase of {arguments.name}: ")
    role = Role(arguments.role)
    who = _approval(vault, arguments, given=role)
    change_role(vault, user=arguments.name, role=role, passphrase=secret, approved_by=who)
    console.result({"changed": arguments.name, "role": role}, f"{arguments.name} is {role} from now on.")
    return 0


def _passphrase(vault: Vault, passphrase: str, arguments: argparse.Namespace, console: Console) -> int:
    fresh = read_new_passphrase(arguments, prompt="New passphrase: ")
    name = arguments.name or arguments.user
    if arguments.name:
        reset_passphrase(vault, user=name, new=fresh)
    else:
        change_passphrase(vault, user=name, old=passphrase, new=fresh)
    console.result({"changed": name}, f"The passphrase of {name} is changed.")
    return 0


def _bind(vault: Vault, passphrase: str, arguments: argparse.Namespace, console: Console) -> int:
    bind_device(vault, passphrase=passphrase)
    console.result({"bound": vault.user}, _BOUND.format(user=vault.user))
    return 0


def _unbind(vault: Vault, passphrase: str, arguments: argparse.Namespace, console: Console) -> int:
    unbind_device(vault, passphrase=passphrase)
    console.result({"unbound": vault.user}, _UNBOUND.format(user=vault.user))
    return 0


def rekey(passphrase: str, arguments: argparse.Namespace, console: Console) -> int:
    """Show the new recovery words, then put the new key in force."""
    keep = {name: read_passphrase(arguments, prompt=f"Passphrase of {name}: ") for name in arguments.keep}
    with closing(change_key(KeyHolders(arguments.vault, arguments.user, passphrase, keep))) as steps:
        for step in steps:
            if isinstance(step, NewWords):
                _show_words(step, console)
            else:
                console.progress(step)
    console.progress("done: the vault has a new data key")
    return 0


def _show_words(new: NewWords, console: Console) -> None:
    console.result(
        {"recovery_words": new.words, "add_again": list(new.must_be_added_again)},
        "New recovery words (shown this once; write them on paper, destroy the old sheet; they count "
        f"once the change is reported as done):\n\n    {new.words}\n\n"
        + _to_add_again(new.must_be_added_again),
    )


def _to_add_again(users: tuple[str, ...]) -> str:
    if not users:
        return "Every user was taken along."
    return f"To be added again (`anamnesis vault add-user`): {', '.join(users)}"


def _approval(vault: Vault, arguments: argparse.Namespace, *, given: Role | None = None) -> str:
    agreement = None
    if arguments.administrator is not None:
        secret = read_passphrase(arguments, prompt=f"Passphrase of {arguments.administrator}: ")
        agreement = Agreement(arguments.administrator, secret)
    return agreed(vault, load_policy(), agreement, given=given)


_BOUND = (
    "{user} now needs this device as well as the passphrase: a secret in this account's keyring, which no "
    "copy of the vault holds. On any other device, and for a backup restored there, {user} needs the "
    "recovery words or a colleague: see that the paper is where it should be.\nCopies made before still "
    "open with the passphrase alone, as do users who are not bound; `anamnesis vault rekey` makes the old "
    "copies' key worthless for what comes later."
)
_UNBOUND = (
    "{user} opens the vault with the passphrase alone again. Backups made meanwhile still need this device's "
    "secret, which stays in this account's keyring for them."
)
PEOPLE_DEEDS = {
    "add-user": _add_user,
    "remove-user": _remove_user,
    "change-role": _change_role,
    "passphrase": _passphrase,
    "bind-device": _bind,
    "unbind-device": _unbind,
}
