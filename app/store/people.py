"""Who may open a vault: adding, removing and re-keying people. Each is one audited deed."""

from app.errors import UsageError
from app.store.header import RECOVERY, Role, make_slot, read_header, unwrap, write_header
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault


def add_user(
    vault: Vault, *, user: str, passphrase: str, role: Role, kdf: KdfParameters | None = None
) -> None:
    """Give a person a slot. Raises UsageError where the name is taken."""
    header = read_header(vault.path)
    if header.slot(user) is not None:
        raise UsageError("this user is in the vault already; remove the user first, or change the passphrase")
    slot = make_slot(
        vault.data_key(),
        vault_id=header.vault_id,
        user=user,
        role=role,
        passphrase=passphrase,
        kdf=kdf or KdfParameters(),
    )
    vault.audit("user-added", detail=str(role))
    write_header(vault.path, header.with_slot(slot), vault.data_key())


def remove_user(vault: Vault, *, user: str) -> None:
    """Take a person's slot away. She may still hold a copy made before: see SECURITY."""
    if user == RECOVERY:
        raise UsageError("the recovery slot can't be removed")
    header = read_header(vault.path).without(user)
    vault.audit("user-removed")
    write_header(vault.path, header, vault.data_key())


def change_passphrase(
    vault: Vault, *, user: str, old: str, new: str, kdf: KdfParameters | None = None
) -> None:
    """Wrap the data key anew for one user; the old passphrase must open her slot."""
    header = read_header(vault.path)
    unwrap(header, user, old)
    slot = header.slot(user)
    assert slot is not None
    fresh = make_slot(
        vault.data_key(),
        vault_id=header.vault_id,
        user=user,
        role=slot.role,
        passphrase=new,
        kdf=kdf or slot.kdf,
    )
    vault.audit("passphrase-changed")
    write_header(vault.path, header.with_slot(fresh), vault.data_key())
