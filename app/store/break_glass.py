"""Emergency access: who may not open charts opens them nevertheless, with a reason that is audited.

The privacy officer sees every such access, and every use of the recovery words, until she has reviewed it.
"""

from app.clinical.audit_event import AuditEvent
from app.errors import PolicyError, UsageError
from app.store.header import RECOVERY, Role
from app.store.rights import Right
from app.store.vault import Vault

BROKEN, REVIEWED = "break-glass", "break-glass-reviewed"
REVIEWED_SETTING = "break_glass.reviewed"
SHORTEST, LONGEST = 10, 300
_NEWEST = 1_000


def break_glass(vault: Vault, reason: str) -> None:
    """Until the vault is closed, allow what care needs. Raises UsageError, VaultError where read-only."""
    told = " ".join(reason.split())
    if vault.may(Right.CHARTS):
        raise UsageError("your role opens charts without breaking the glass; nothing was noted")
    if not SHORTEST <= len(told) <= LONGEST or not told.isprintable():
        raise UsageError(f"give a reason of {SHORTEST} to {LONGEST} characters; the audit log keeps it")
    vault.audit(BROKEN, detail=told)
    vault.lift_limits_of_care()


def emergencies(vault: Vault) -> list[AuditEvent]:
    """Every emergency access that was not reviewed yet, newest first, at most a thousand."""
    rows = vault.session().rows(
        """SELECT sequence, at, user, action, record_id, detail, hash FROM audit_event
           WHERE sequence > ? AND (action = ? OR (action = 'vault-opened' AND user = ?))
           ORDER BY sequence DESC LIMIT ?""",
        (_reviewed(vault), BROKEN, RECOVERY, _NEWEST),
    )
    return [AuditEvent(*row) for row in rows]


def review(vault: Vault, *, up_to: int) -> None:
    """The privacy officer has seen every emergency up to this event. Raises PolicyError for anyone else."""
    if vault.role is not Role.PRIVACY_OFFICER:
        raise PolicyError("only the privacy officer reviews emergency accesses; let her sign in for it")
    seen = str(max(up_to, _reviewed(vault)))
    vault.set_setting(REVIEWED_SETTING, seen, action=REVIEWED, detail=f"up to event {up_to}")


def _reviewed(vault: Vault) -> int:
    return int(vault.setting(REVIEWED_SETTING) or 0)
