"""The audit chain: each event's hash covers the one before it, and each head is signed.

The Ed25519 key is derived from the data key, so whoever can open the vault could forge a chain
from its start; the anchored head outside the database is what tells that from the real one.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.clinical.audit_event import AuditEvent
from app.store.key_derivation import subkey

REKEYED = "rekeyed"


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

    @property
    def public(self) -> str:
        """The verifying key, hexadecimal."""
        return self._key.public_key().public_bytes_raw().hex()

    def next_event(self, event: AuditEvent, *, previous: str) -> tuple[AuditEvent, bytes]:
        """The event with its hash, and the signature over that hash."""
        linked = replace(event, hash=link_hash(event, previous))
        return linked, self._key.sign(linked.hash.encode("ascii"))

    def verify(self, events: Iterable[tuple[AuditEvent, bytes]], *, head: str | None) -> AuditReport:
        """Walk the whole chain, twice; `head` is the anchored hash that it must pass through.

        Each change of key was signed by the key before it, and the last one must be the vault's own.
        """
        previous, seen, key, count = "", head == "", self._first_key(events), 0
        for count, (event, signature) in enumerate(events, start=1):
            fault = _fault(event, signature, count, previous=previous, key=key)
            if fault:
                return AuditReport(count, previous, count, fault)
            previous, key = event.hash, _key_after(event, key)
            seen = seen or event.hash == head
        if key != self.public:
            return AuditReport(count, previous, count + 1, "the chain ends under another key")
        if head is None:
            return AuditReport(count, previous, count + 1, "the anchor is missing: its end can't be told")
        if not seen:
            return AuditReport(count, previous, count + 1, "the newest events are missing")
        return AuditReport(count, previous, None, "every event is in its place")

    def _first_key(self, events: Iterable[tuple[AuditEvent, bytes]]) -> str:
        changes = (e.detail.split() for e, _ in events if e.action == REKEYED)
        return next((words[-1] for words in changes if len(words) == 3), self.public)


def key_change(old: AuditChain, new: AuditChain) -> str:
    """The detail of the event in which the old key hands over to the new one."""
    return f"{new.public} replaces {old.public}"


def _key_after(event: AuditEvent, key: str) -> str:
    words = event.detail.split()
    hands_over = event.action == REKEYED and len(words) == 3 and words[2] == key
    return words[0] if hands_over else key


def _fault(event: AuditEvent, signature: bytes, count: int, *, previous: str, key: str) -> str:
    """What is wrong with one link, or empty."""
    if event.sequence != count:
        return "an event is missing or out of order"
    texts = (event.at, event.user, event.action, event.record_id, event.detail)
    if not all(isinstance(text, str) for text in texts) or link_hash(event, previous) != event.hash:
        return "an event was edited"
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(signature, event.hash.encode("ascii"))
    except (InvalidSignature, ValueError, TypeError):
        return "a signature does not hold"
    return ""


def link_hash(event: AuditEvent, previous: str) -> str:
    """SHA-256 over the previous hash and the event's fields, hexadecimal."""
    fields = [event.sequence, event.at, event.user, event.action, event.record_id, event.detail]
    body = json.dumps([previous, *fields], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
