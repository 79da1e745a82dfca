"""The audit chain: each event's hash covers the one before it, and each head is signed.

The Ed25519 key is derived from the data key, so whoever can open the vault could forge a chain
from its start; the anchored head outside the database is what tells that from the real one.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.clinical.audit_event import AuditEvent
from app.store.key_derivation import subkey


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a verification found; `broken_at` is the first wrong sequence, None where all hold."""

    events: int
    head: str
    broken_at: int | None
    finding: str

    @property
    def intact(self) -> bool:
        """Whether every link and signature holds."""
        return self.broken_at is None


class AuditChain:
    """Hashes, signs and checks events under one vault's key."""

    def __init__(self, data_key: bytes):
        self._key = Ed25519PrivateKey.from_private_bytes(subkey(data_key, "audit-signature"))

    def next_event(self, event: AuditEvent, *, previous: str) -> tuple[AuditEvent, bytes]:
        """The event with its hash, and the signature over that hash."""
        linked = replace(event, hash=link_hash(event, previous))
        return linked, self._key.sign(linked.hash.encode("ascii"))

    def verify(self, events: Iterable[tuple[AuditEvent, bytes]], *, head: str | None) -> AuditReport:
        """Walk the whole chain; `head` is the anchored hash that it must pass through."""
        previous, count, seen = "", 0, head in (None, "")
        public = self._key.public_key()
        for event, signature in events:
            count += 1
            if event.sequence != count:
                return AuditReport(count, previous, count, "an event is missing or out of order")
            if link_hash(event, previous) != event.hash:
                return AuditReport(count, previous, count, "an event was edited")
            try:
                public.verify(signature, event.hash.encode("ascii"))
            except InvalidSignature:
                return AuditReport(count, previous, count, "a signature does not hold")
            previous = event.hash
            seen = seen or event.hash == head
        if not seen:
            return AuditReport(count, previous, count + 1, "the newest events are missing")
        return AuditReport(count, previous, None, "every event is in its place")


def link_hash(event: AuditEvent, previous: str) -> str:
    """SHA-256 over the previous hash and the event's fields, hexadecimal."""
    fields = [event.sequence, event.at, event.user, event.action, event.record_id, event.detail]
    body = json.dumps([previous, *fields], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(body.encode("utf-8")).hexdigest()
