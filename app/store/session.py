"""One open database: a lock, transactions, and the audit event and anchor that each of them leaves.

Every write goes through `transaction`: the deed, its audit events and the new commit sequence are
one SQLite transaction; the anchor follows; only then does the caller go on.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from app.clinical.audit_event import AuditEvent
from app.errors import VaultDamaged, VaultError, VaultLocked
from app.store.anchor import EPSILON_FLOOR, UNKNOWN, Anchor, AnchorFile
from app.store.audit_chain import REKEYED, AuditChain
from app.store.clock import Clock
from app.store.database import INTERRUPTED, Connection, DatabaseError, close_database
from app.store.durable_file import reason_of

FORMER_TWINS = (
    "the vault's two anchors are the same, as in a backup of an earlier version, or where the newest one was "
    "taken away; restore this folder as a backup, or the newest backup"
)
IS_BACKUP = "this is a backup, opened read-only; restore it first with `anamnesis vault restore`"
_STEPS = 500  # of SQLite's virtual machine: some hundred pages of an index, or fifty rows of two lists merged
_WAY_OUT = "restore the newest backup; or, if this is the newest state, back it up and restore that"


class Session:
    """The connection of one user to one vault; may be used from several threads."""

    def __init__(
        self, connection: Connection, *, user: str, anchors: AnchorFile, chain: AuditChain, clock: Clock
    ):
        self.user = user
        self.anchors = anchors
        self.chain = chain
        self.read_only_because: str | None = None
        self._connection = connection
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
                raise _unreadable(error) from error

    def rows_until(
        self, sql: str, parameters: Sequence[Any] = (), *, stop: Callable[[], bool]
    ) -> tuple[list[Any], bool]:
        """The rows read before `stop` said so, and whether they are all. Raises VaultLocked once closed.

        It is asked every few milliseconds at the latest, also while no row is found.
        """
        with self._lock:
            self._check_open()
            found = list[Any]()
            self._connection.set_progress_handler(stop, _STEPS)
            try:
                found.extend(self._connection.execute(sql, parameters))
            except DatabaseError as error:
                if getattr(error, "sqlite_errorcode", 0) == INTERRUPTED:
                    return found, False
                raise _unreadable(error) from error
            finally:
                self._connection.set_progress_handler(None, 0)
            return found, True

    @contextmanager
    def transaction(self, action: str, record_id: str = "", detail: str = "") -> Iterator[Connection]:
        """One audited write. Nothing of it stays when the body or the commit fails."""
        with self._lock:
            self._check_open()
            if self.read_only_because is not None:
                raise VaultError(f"nothing can be changed: {self.read_only_because}")
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                anchor = self._next_anchor(self._append_audit(action, record_id, detail))
                self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                said = _said(error)
                if said is error:
                    raise
                raise said from error
            self._acknowledge(anchor)

    def conflict(self) -> str | None:
        """What database and anchor disagree about, or None. Changes nothing."""
        before, (here, spent), slots = self.anchors.slots(), self._moment(), self.anchors.slots()
        newest = max(slots, key=lambda a: a.sequence, default=None)
        if newest is None:
            return (
                "the vault's anchor is missing or altered, so an older copy can't be told from the "
                f"newest one; {_WAY_OUT}"
            )
        if len(before) < 2 and len(slots) < 2 and here == newest.sequence and not self._has_a_new_key():
            if self.anchors.are_former_twins():
                return FORMER_TWINS
            return f"one of the vault's two anchors is missing or altered, perhaps the newest one; {_WAY_OUT}"
        # Another process may commit meanwhile: what held before must be there, what holds now may be newer.
        oldest = max(before, key=lambda a: a.sequence, default=newest)
        if here < oldest.sequence:
            return (
                "the database is older than the vault's anchor: an old copy was put back or the newest "
                f"changes were lost; {_WAY_OUT}"
            )
        if here > newest.sequence + 1 or not self._holds(oldest):
            return f"the database and the vault's anchor tell different histories; {_WAY_OUT}"
        if any(_spent_otherwise(anchor, here, spent) for anchor in slots):
            return f"the database and the vault's anchor differ in the epsilon that was spent; {_WAY_OUT}"
        return IS_BACKUP if newest.is_backup else None

    def settle_anchor(self) -> None:
        """After a stop between commit and anchor the commit stands: anchor it."""
        newest, here = self.anchors.read(), self._sequence()
        if newest is None or here == newest.sequence + 1:
            self.anchors.write(self._anchor(here))

    def anchor_anew(self, *, is_backup: bool = False) -> None:
        """Anchor a database that is new, copied or under a new key."""
        self.anchors.write_both(replace(self._anchor(self._sequence()), is_backup=is_backup))

    def present_anchor(self) -> Anchor:
        """What the anchor of this database says, or would say."""
        return self._anchor(self._sequence())

    def close(self) -> None:
        """Close the connection; later calls raise VaultLocked."""
        with self._lock:
            if not self._closed:
                self._closed = True
                close_database(self._connection, read_only=self.read_only_because is not None)

    def connection(self) -> Connection:
        """The raw connection, for backup and check; hold it briefly."""
        self._check_open()
        return self._connection

    def _check_open(self) -> None:
        if self._closed:
            raise VaultLocked("the vault is locked; sign in again")

    def _acknowledge(self, anchor: Anchor) -> None:
        try:
            self.anchors.write(anchor)
        except OSError as error:
            # The commit stands and is anchored at the next open; a second one would look like a fork.
            self.read_only_because = (
                "the anchor file could not be written; free space or mend the disk, then open the vault again"
            )
            raise VaultError(f"{self.read_only_because}; the last change was kept") from error

    def _append_audit(self, action: str, record_id: str, detail: str) -> AuditEvent:
        last = self._head()
        event, signature = self.chain.next_event(
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
        last = self._head()
        return Anchor(sequence, last[0], last[1], self._epsilon())

    def _head(self) -> tuple[int, str]:
        found = self._first("SELECT sequence, hash FROM audit_event ORDER BY sequence DESC LIMIT 1")
        return (found[0], found[1]) if found else (0, "")

    def _holds(self, anchor: Anchor) -> bool:
        """Whether the audit chain still passes through the anchored head."""
        if anchor.audit_sequence == 0:
            return True
        found = self._first("SELECT hash FROM audit_event WHERE sequence = ?", anchor.audit_sequence)
        return found is not None and found[0] == anchor.audit_head

    def _has_a_new_key(self) -> bool:
        """Whether nothing was committed since an earlier version changed the key, which made twins."""
        last = self._first("SELECT action FROM audit_event ORDER BY sequence DESC LIMIT 1")
        return last is not None and last[0] == REKEYED and self.anchors.are_former_twins()

    def _moment(self) -> tuple[int, float | None]:
        """Commit sequence and epsilon spent of one moment, while another process may commit."""
        self._connection.execute("BEGIN")
        try:
            return self._sequence(), self._epsilon()
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _sequence(self) -> int:
        row = self._first("SELECT value FROM meta WHERE name = 'commit_sequence'")
        return int(row[0]) if row else 0

    def _epsilon(self) -> float | None:
        """What was spent, in this vault or in those it was restored from; None where not known."""
        floor = self._first("SELECT value FROM setting WHERE name = ?", EPSILON_FLOOR)
        if floor is not None and floor[0] == UNKNOWN:
            return None
        row = self._first("SELECT max(json_extract(body, '$.epsilon_after')) FROM ledger_entry")
        return max(float(row[0] or 0.0) if row else 0.0, float(floor[0]) if floor else 0.0)

    def _first(self, sql: str, *parameters: Any) -> Any:
        """One row, or None."""
        return self._connection.execute(sql, parameters).fetchone()


def _spent_otherwise(anchor: Anchor, here: int, spent: float | None) -> bool:
    """Whether the database of the anchored commit says another epsilon; SQLite reads a number within 1e-9."""
    if anchor.sequence != here:
        return False
    if anchor.epsilon_spent is None or spent is None:
        return anchor.epsilon_spent is not spent
    return abs(anchor.epsilon_spent - spent) > 1e-9


def _unreadable(error: Exception) -> VaultError:
    text = reason_of(error)
    if any(word in text for word in ("disk I/O", "full", "locked", "no memory")):
        return VaultError(f"the database can't be reached ({text}); free or mend the disk, then try again")
    return VaultDamaged(f"the database can't be read ({text}); restore it from a backup")


def _said(error: BaseException) -> BaseException:
    """A database error in the words of the program; anything else as it is."""
    if not isinstance(error, DatabaseError):
        return error
    text = reason_of(error)
    if "full" in text:
        return VaultError("the disk is full; nothing was saved: free some space, try again")
    if "malformed" in text or "not a database" in text:
        return VaultDamaged(f"the database is damaged ({text}); nothing was saved: restore it from a backup")
    return VaultError(f"the database refused this change ({text}); nothing was saved")
