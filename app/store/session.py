"""One open database: a lock, transactions, and the audit event and anchor that each of them leaves.

Every write goes through `transaction`: the deed, its audit events and the new commit sequence are
one SQLite transaction; the anchor follows; only then does the caller go on.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from app.clinical.audit_event import AuditEvent
from app.errors import VaultDamaged, VaultError, VaultLocked
from app.store.anchor import Anchor, AnchorFile
from app.store.audit_chain import AuditChain
from app.store.clock import Clock
from app.store.database import Connection, DatabaseError


class Session:
    """The connection of one user to one vault; may be used from several threads."""

    def __init__(
        self, connection: Connection, *, user: str, anchors: AnchorFile, chain: AuditChain, clock: Clock
    ):
        self.user = user
        self.read_only_because: str | None = None
        self._connection = connection
        self._anchors = anchors
        self._chain = chain
        self._clock = clock
        self._lock = threading.RLock()
        self._closed = False

    def now(self) -> str:
        """The time as ISO 8601 UTC, from the injected clock."""
        return self._clock()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Read rows. Raises VaultLocked once closed."""
        with self._lock:
            self._check_open()
            try:
                return list(self._connection.execute(sql, parameters).fetchall())
            except DatabaseError as error:
                raise VaultDamaged(
                    f"the database can't be read ({error}); restore it from a backup"
                ) from error

    @contextmanager
    def transaction(self, action: str, record_id: str = "", detail: str = "") -> Iterator[Connection]:
        """One audited write. Nothing of it stays when the body or the commit fails."""
        with self._lock:
            self._check_open()
            if self.read_only_because is not None:
                raise VaultError(f"nothing can be changed: {self.read_only_because}")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                event = self._append_audit(action, record_id, detail)
                anchor = self._next_anchor(event)
                self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, DatabaseError) and "full" in str(error):
                    raise VaultError(
                        "the disk is full; nothing was saved: free some space, try again"
                    ) from error
                raise
            self._anchors.write(anchor)

    def reconcile_anchor(self) -> None:
        """Compare database and anchor; a conflict leaves the session read-only, and says why."""
        anchor = self._anchors.read()
        here = self._sequence()
        if anchor is None:
            self.read_only_because = (
                "the vault's anchor is missing or altered, so an older copy can't be told from the "
                "newest one; restore the vault from a backup"
            )
        elif here < anchor.sequence:
            self.read_only_because = (
                "the database is older than the vault's anchor: an old copy was put back or the newest "
                "changes were lost; restore the newest backup"
            )
        elif here > anchor.sequence + 1 or not self._holds(anchor):
            self.read_only_because = (
                "the database and the vault's anchor tell different histories; restore the newest backup"
            )
        elif here == anchor.sequence + 1:  # stopped between commit and anchor: the commit stands
            self._anchors.write(self._anchor(here))

    def write_first_anchor(self) -> None:
        """Anchor a database that has just been made."""
        self._anchors.write(self._anchor(self._sequence()))

    def close(self) -> None:
        """Close the connection; later calls raise VaultLocked."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._connection.close()

    def connection(self) -> Connection:
        """The raw connection, for backup and check; hold it briefly."""
        self._check_open()
        return self._connection

    def _check_open(self) -> None:
        if self._closed:
            raise VaultLocked("the vault is locked; sign in again")

    def _append_audit(self, action: str, record_id: str, detail: str) -> AuditEvent:
        last = self._connection.execute(
            "SELECT sequence, hash FROM audit_event ORDER BY sequence DESC LIMIT 1"
        ).fetchone() or (0, "")
        event, signature = self._chain.next_event(
            AuditEvent(last[0] + 1, self.now(), self.user, action, record_id, detail), previous=last[1]
        )
        self._connection.execute(
            "INSERT INTO audit_event VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(event.sequence, event.at, event.user, event.action),
                *(event.record_id, event.detail, event.hash, signature),
            ),
        )
        return event

    def _next_anchor(self, event: AuditEvent) -> Anchor:
        sequence = self._sequence() + 1
        self._connection.execute(
            "INSERT OR REPLACE INTO meta VALUES ('commit_sequence', ?)", (str(sequence),)
        )
        return Anchor(sequence, event.sequence, event.hash, self._epsilon())

    def _anchor(self, sequence: int) -> Anchor:
        last = self._connection.execute(
            "SELECT sequence, hash FROM audit_event ORDER BY sequence DESC LIMIT 1"
        ).fetchone() or (0, "")
        return Anchor(sequence, last[0], last[1], self._epsilon())

    def _holds(self, anchor: Anchor) -> bool:
        """Whether the audit chain still passes through the anchored head."""
        if anchor.audit_sequence == 0:
            return True
        found = self._connection.execute(
            "SELECT hash FROM audit_event WHERE sequence = ?", (anchor.audit_sequence,)
        ).fetchone()
        return found is not None and found[0] == anchor.audit_head

    def _sequence(self) -> int:
        row = self._connection.execute("SELECT value FROM meta WHERE name = 'commit_sequence'").fetchone()
        return int(row[0]) if row else 0

    def _epsilon(self) -> float:
        row = self._connection.execute(
            "SELECT max(json_extract(body, '$.epsilon_after')) FROM ledger_entry"
        ).fetchone()
        return float(row[0] or 0.0)
