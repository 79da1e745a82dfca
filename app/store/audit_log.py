"""Reads the audit log: its newest events, or all of them a page at a time, however many there are."""

from collections.abc import Iterator

from app.clinical.audit_event import AuditEvent
from app.store.session import Session

PAGE = 2_000
_FIELDS = "sequence, at, user, action, record_id, detail, hash"
_BEFORE_ALL, _AFTER_ALL = -(1 << 63), 1 << 62


def newest(session: Session, *, limit: int, before: int | None) -> list[AuditEvent]:
    """Newest first, older than sequence `before`."""
    rows = session.rows(
        f"SELECT {_FIELDS} FROM audit_event WHERE sequence < ? ORDER BY sequence DESC LIMIT ?",
        (before if before is not None else _AFTER_ALL, limit),
    )
    return [AuditEvent(*row) for row in rows]


class SignedEvents:
    """Every event with its signature, oldest first; may be walked again."""

    def __init__(self, session: Session):
        self._session = session

    def __iter__(self) -> Iterator[tuple[AuditEvent, bytes]]:
        last, also = _BEFORE_ALL, "="
        while rows := self._session.rows(
            f"""SELECT {_FIELDS}, signature FROM audit_event
                WHERE sequence >{also} ? ORDER BY sequence LIMIT ?""",
            (last, PAGE),
        ):
            yield from ((AuditEvent(*row[:7]), row[7]) for row in rows)
            last, also = rows[-1][0], ""
