"""Checks a whole vault: every page's HMAC, SQLite's own integrity, the audit chain, the anchor."""

from dataclasses import dataclass

from app.store.vault import Vault


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found; `problems` is empty for a sound vault."""

    pages_checked: bool
    audit_events: int
    problems: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def check_vault(vault: Vault) -> CheckReport:
    """Read everything once. `cipher_integrity_check` comes after a read and a checkpoint, as it must."""
    session = vault.session()
    problems: list[str] = []
    session.rows("SELECT count(*) FROM sqlite_master")
    if not vault.read_only:
        session.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    problems += [f"page: {row[0]}" for row in session.rows("PRAGMA cipher_integrity_check")]
    problems += [f"database: {row[0]}" for row in session.rows("PRAGMA integrity_check") if row[0] != "ok"]
    problems += [f"reference: table {row[0]}" for row in session.rows("PRAGMA foreign_key_check")]
    audit = vault.verify_audit()
    if not audit.intact:
        problems.append(f"audit event {audit.broken_at}: {audit.finding}")
    if vault.read_only_because and "opened read-only" not in vault.read_only_because:
        problems.append(f"anchor: {vault.read_only_because}")
    return CheckReport(True, audit.events, tuple(problems))


@dataclass(frozen=True, slots=True)
class CipherFacts:
    """What the SQLCipher under an open vault is, as it says itself."""

    version: str
    page_key: str
    full_text: bool


def cipher_facts(vault: Vault) -> CipherFacts:
    """Ask the library; an SQLite without encryption answers with an empty version."""
    session = vault.session()
    version = session.rows("PRAGMA cipher_version")
    algorithm = session.rows("PRAGMA cipher_hmac_algorithm")
    options = {row[0] for row in session.rows("PRAGMA compile_options")}
    return CipherFacts(
        version=str(version[0][0]) if version else "",
        page_key=str(algorithm[0][0]) if algorithm else "",
        full_text="ENABLE_FTS5" in options,
    )
