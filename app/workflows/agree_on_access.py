"""Has an administrator agree when someone gets or loses access, where the policy asks for it."""

from dataclasses import dataclass

from app.config.policy import Policy
from app.errors import PolicyError
from app.store.header import Role
from app.store.people import approve, has_administrator
from app.store.vault import Vault


@dataclass(frozen=True, slots=True, repr=False)
class Agreement:
    """An administrator's name, and her own passphrase, which shows that it is she."""

    administrator: str
    passphrase: str


def agreed(vault: Vault, policy: Policy, agreement: Agreement | None, *, given: Role | None = None) -> str:
    """Who agreed; empty where nobody need, as while the first administrator is `given` her role.

    Raises PolicyError where someone must agree and has not, VaultLocked where it is not she.
    """
    if agreement is not None:
        return approve(vault, administrator=agreement.administrator, passphrase=agreement.passphrase)
    there_is_one = has_administrator(vault)
    if not policy.people_need_administrator or (given is Role.ADMINISTRATOR and not there_is_one):
        return ""
    if there_is_one:
        raise PolicyError("the policy wants an administrator to agree; name her with --administrator NAME")
    raise PolicyError("the policy wants an administrator to agree; first add one: --role administrator")
