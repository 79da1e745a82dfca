"""Checks a whole vault: every page's HMAC, SQLite's own integrity, audit chain, anchor, sealed files."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.errors import VaultDamaged
from app.store.sealing import purpose_of
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


def check_vault(vault: Vault, *, sealed_files: bool = False) -> CheckReport:
    """Read everything once. `cipher_integrity_check` comes after a read and a checkpoint, as it must.

    Sealed files are read where they are asked for: a damaged model must keep nobody from backing up the
    records or from changing the key.
    """
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
    problems += _altered_files(vault) if sealed_files else ()
    return CheckReport(True, audit.events, tuple(problems))


def _altered_files(vault: Vault) -> Iterator[str]:
    """Models, results and checkpoints that are not as they were sealed, but for a stop's half-made ones."""
    for path in sorted(vault.models_dir.rglob("*")):
        place = path.relative_to(vault.models_dir)
        if path.is_file() and not any(part.startswith(".") for part in place.parts):
            sealed = path.read_bytes()
            try:
                vault.unseal(purpose_of(sealed) or "", sealed)
            except VaultDamaged:
                yield f"sealed file: models/{place.as_posix()} was altered"


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
