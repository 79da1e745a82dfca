"""What happened in a vault: who did what to which record, and why; never its content."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One link of the audit chain; `record_id` is a vault id, `detail` holds no content."""

    sequence: int
    at: str
    user: str
    action: str
    record_id: str = ""
    detail: str = ""
    hash: str = ""
