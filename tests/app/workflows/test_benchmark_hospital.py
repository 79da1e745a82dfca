"""Notes put in by bulk statements are what the vault's own way leaves, table by table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.store.anchor import AnchorFile
from app.store.audit_chain import AuditChain
from app.store.clock import system_clock
from app.store.database import Connection, connect, create_database
from app.store.record_table import put_records
from app.store.session import Session
from app.workflows import benchmark_vault_side
from app.workflows.benchmark_vault_hospital import (
    EVENTS_A_NOTE,
    ORIGIN,
    begin_bulk,
    events_of,
    put_in_bulk,
    records_of,
)
from app.workflows.benchmark_vault_side import timeline_page

KEY = bytes(32)
TEXTS = [[f"Findings: fever, cough {n + m}." for n in range(20)] for m in range(3)]


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Connection, Connection]]:
    slow, fast = (create_database(tmp_path / name, KEY) for name in ("slow.db", "fast.db"))
    begin_bulk(fast)
    for turn, texts in enumerate(TEXTS):
        put_in_bulk(fast, 2 * turn, texts)
        records: list[Any] = [noun for one, notes in records_of(2 * turn, texts) for noun in (one, *notes)]
        put_records(slow, records, origin=ORIGIN)
        for note in records:
            for row in events_of(note.id, note.patient_id) if hasattr(note, "text") else ():
                slow.execute("INSERT INTO annotation_event (note_id, patient_id, body) VALUES (?, ?, ?)", row)
    fast.close()
    fast = connect(tmp_path / "fast.db", KEY, read_only=False)
    yield slow, fast
    slow.close()
    fast.close()


def test_bulk_statements_leave_the_same_tables(both: tuple[Connection, Connection]) -> None:
    slow, fast = both
    for table in ("patient", "note", "annotation_event"):
        rows = fast.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
        assert rows == slow.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
    assert len(rows) == 60 * EVENTS_A_NOTE


def test_bulk_statements_leave_sound_indexes(both: tuple[Connection, Connection]) -> None:
    slow, fast = both
    assert fast.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert fast.execute("PRAGMA foreign_key_check").fetchall() == []
    fast.execute("INSERT INTO note_search (note_search) VALUES ('integrity-check')")
    for sql in (
        "SELECT rowid FROM note_search WHERE note_search MATCH 'fever' ORDER BY rowid",
        "SELECT rowid FROM note_pairs WHERE note_pairs MATCH '发热' ORDER BY rowid",
    ):
        found = fast.execute(sql).fetchall()
        assert len(found) > 5
        assert found == slow.execute(sql).fetchall()


def test_pages_of_the_timeline_are_what_counting_through_it_gives(
    both: tuple[Connection, Connection], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark_vault_side, "PAGE", 20)
    session = Session(
        both[1], user="m", anchors=AnchorFile(tmp_path, KEY), chain=AuditChain(KEY), clock=system_clock
    )
    before, pages = 1 << 62, list[list[Any]]()
    while page := timeline_page(session, before=before):
        pages.append(page)
        before = page[-1][0]
    counted = "SELECT number, id FROM note ORDER BY number DESC LIMIT ? OFFSET ?"
    for k in range(len(pages)):
        assert [row[:2] for row in pages[k]] == session.rows(counted, (20, 20 * k))
    assert [len(page) for page in pages] == [20, 20, 20]
