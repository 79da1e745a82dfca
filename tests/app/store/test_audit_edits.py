"""Any edit, deletion, insertion, reorder or truncation of the audit chain is found."""

import random
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from app.clinical.audit_event import AuditEvent
from app.store import audit_log
from app.store.audit_chain import REKEYED, AuditChain, key_change, link_hash
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault

Signed = list[tuple[AuditEvent, bytes]]
FIRST, SECOND = AuditChain(b"a" * 32), AuditChain(b"b" * 32)
LENGTH, CHANGE_AT = 9, 5


def chain() -> Signed:
    """Nine events, with a change of key in the middle."""
    events: Signed = []
    for number in range(1, LENGTH + 1):
        changes = number == CHANGE_AT
        action = REKEYED if changes else f"deed-{number}"
        detail = key_change(FIRST, SECOND) if changes else f"detail {number}"
        event = AuditEvent(number, f"2026-01-0{number}", "ann", action, f"p-{number}", detail)
        signer = FIRST if number <= CHANGE_AT else SECOND
        events.append(signer.next_event(event, previous=events[-1][0].hash if events else ""))
    return events


WHOLE = chain()
HEAD = WHOLE[-1][0].hash


def found(events: Signed) -> bool:
    return not SECOND.verify(events, head=HEAD).intact


def test_a_log_of_many_pages_is_walked_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "PAGE", 3)
    vault, _ = Vault.create(
        tmp_path / "v", user="ann", passphrase="a passphrase", kdf=KdfParameters.fast_for_tests()
    )
    with vault:
        for number in range(8):
            vault.audit("deed", f"p-{number}")
        assert [e.sequence for e in vault.all_audit_events()] == list(range(1, 10))
        assert vault.verify_audit().events == vault.audit_count() == 9
        connection = vault.session().connection()
        connection.execute("INSERT INTO audit_event VALUES (?, '', '', '', '', '', '', x'')", (-(1 << 63),))
        assert vault.verify_audit().broken_at == 1


def test_an_untouched_chain_holds_through_a_change_of_key() -> None:
    assert SECOND.verify(WHOLE, head=HEAD).intact
    assert SECOND.verify(WHOLE, head=WHOLE[-2][0].hash).intact


def edited(dice: random.Random) -> Signed:
    events = list(WHOLE)
    at = dice.randrange(LENGTH)
    event, signature = events[at]
    kind = dice.choice(["field", "signature", "delete", "swap", "cut", "double", "relink", "resign"])
    if kind == "field":
        name = dice.choice([f.name for f in fields(AuditEvent)])
        value: Any = getattr(event, name)
        changed: Any = value + 1 if isinstance(value, int) else value + dice.choice(["x", " ", "\0", "é"])
        events[at] = (replace(event, **{name: changed}), signature)
    elif kind == "signature":
        byte = dice.randrange(64)
        flipped = bytes([signature[byte] ^ (1 << dice.randrange(8))])
        events[at] = (event, signature[:byte] + flipped + signature[byte + 1 :])
    elif kind == "delete":
        del events[at]
    elif kind == "swap":
        other = (at + dice.randrange(1, LENGTH)) % LENGTH
        events[at], events[other] = events[other], events[at]
    elif kind == "cut":
        del events[at:]
    elif kind == "double":
        events.insert(at, events[at])
    else:
        events = forged(events, at, resign=kind == "resign")
    return events


def forged(events: Signed, at: int, *, resign: bool) -> Signed:
    """Edit one event and mend every hash after it, as one could who knows the format (and an old key)."""
    result: Signed = list(events[:at])
    for position, (event, signature) in enumerate(events[at:], start=at):
        changed = replace(event, detail="forged") if position == at else event
        previous = result[-1][0].hash if result else ""
        linked = replace(changed, hash=link_hash(changed, previous))
        result.append(FIRST.next_event(changed, previous=previous) if resign else (linked, signature))
    return result


@pytest.mark.slow
def test_ten_thousand_random_edits_are_all_found() -> None:
    dice = random.Random(20)
    missed = [turn for turn in range(10_000) if not found(edited(dice))]
    assert missed == []


def test_events_removed_and_numbered_anew_are_found() -> None:
    kept = [pair for pair in WHOLE if pair[0].sequence != 3]
    assert found([(replace(e, sequence=n), s) for n, (e, s) in enumerate(kept, start=1)])


def test_a_chain_made_anew_with_a_former_key_is_found() -> None:
    assert found(forged(WHOLE, 0, resign=True))
    assert found([])


def test_without_an_anchor_nobody_can_say_that_the_end_is_there() -> None:
    report = SECOND.verify(WHOLE, head=None)
    assert not report.intact
    assert "anchor is missing" in report.finding


def test_a_hand_over_that_the_former_key_did_not_sign_is_found() -> None:
    third = AuditChain(b"c" * 32)
    event = AuditEvent(LENGTH + 1, "2026", "mal", REKEYED, "", key_change(SECOND, third))
    forged_event = third.next_event(event, previous=HEAD)
    assert not third.verify([*WHOLE, forged_event], head=forged_event[0].hash).intact
