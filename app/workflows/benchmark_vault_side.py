"""One side of the vault's benchmark: a process that fills a store, with or without a key, and is timed."""

import sys
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import msgspec
from sqlcipher3 import dbapi2 as sqlcipher

from app.clinical.annotation import Annotation, AnnotationAction, AnnotationEvent
from app.clinical.ids import AnnotationId, NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.store.anchor import AnchorFile
from app.store.audit_chain import AuditChain
from app.store.clock import system_clock
from app.store.database import Connection, connect, migrate, new_file
from app.store.note_search import search_notes
from app.store.patient_query import (
    PatientFilter,
    list_patients,
    read_note,
    read_notes,
    read_patient_log,
)
from app.store.record_table import put_records
from app.store.session import Session
from knowledge_graph.terms.term import TermId

NOTES_A_PATIENT, EVENTS_A_NOTE = 10, 10
CHINESE = "患者发热三天"  # in one note of each patient; its words are searched by pairs of characters
KEY = bytes(range(32))
DEEDS = (
    *("open with the raw key", "notes of a patient", "page of the patient list", "one note"),
    *("annotation log of a patient", "search, two words", "search, a word of most notes"),
    *("search, the beginning of a word", "search, Chinese", "one-row transaction"),
)


_QUERIES = {
    "search, a word of most notes": "findings",
    "search, the beginning of a word": "find",
    "search, Chinese": "发热",
}


def serve(pipe: Pipe, kind: str, folder: str) -> None:
    """Answer (deed, argument) with milliseconds until the pipe closes."""
    store = _Store(Path(folder), encrypted=kind == "encrypted")
    answers: dict[str, Callable[[Any], float]] = {"fill": store.fill, "size": store.size, "memory": _peak_mib}
    while True:
        try:
            deed, argument = pipe.recv()
        except EOFError:
            return
        answer = answers.get(deed)
        pipe.send(answer(argument) if answer else _ms(partial(store.do, deed, argument)))


class _Store:
    """The vault's tables, statements and durability over one file."""

    def __init__(self, folder: Path, *, encrypted: bool):
        folder.mkdir()
        self._path, self._encrypted = folder / "store.db", encrypted
        if encrypted:
            new_file(self._path, KEY).close()
        connection = self._open()
        migrate(connection)
        anchors, chain = AnchorFile(folder, KEY), AuditChain(KEY)
        self._session = Session(connection, user="m", anchors=anchors, chain=chain, clock=system_clock)
        self._connection = connection

    def fill(self, what: tuple[int, list[str]]) -> float:
        """One transaction of patients with ten notes each, and ten annotation events a note."""
        first, texts = what
        records: list[Patient | Note] = []
        events: list[tuple[str, str, bytes]] = []
        for at in range(0, len(texts), NOTES_A_PATIENT):
            patient = PatientId(f"p{first + at // NOTES_A_PATIENT}")
            records.append(Patient(patient, name=f"Synthetic {patient}"))
            for n, text in enumerate(texts[at : at + NOTES_A_PATIENT]):
                whole = text if n else f"{text} {CHINESE}"
                note = Note(NoteId(f"{patient}-{n}"), patient, whole, written_at=f"2026-01-{n + 1:02d}")
                records.append(note)
                events += [(note.id, patient, _event(note, turn)) for turn in range(EVENTS_A_NOTE)]
        return _ms(lambda: self._write(lambda: self._put(records, events)))

    def _put(self, records: list[Patient | Note], events: list[tuple[str, str, bytes]]) -> None:
        put_records(self._connection, records, origin="m")
        self._connection.executemany(
            "INSERT INTO annotation_event (note_id, patient_id, body) VALUES (?, ?, ?)", events
        )

    def size(self, _: Any) -> float:
        """Bytes of the database, its log folded in."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return float(self._path.stat().st_size)

    def do(self, deed: str, number: int) -> None:
        """One deed about a patient by number."""
        patient = f"p{number}"
        if deed == "open with the raw key":
            self._open().close()
        elif deed == "notes of a patient":
            assert read_notes(self._session, patient)
        elif deed == "page of the patient list":
            list_patients(self._session, PatientFilter(), limit=100, offset=min(number, 1000))
        elif deed == "one note":
            read_note(self._session, f"{patient}-0")
        elif deed == "search, two words":
            words = [w for w in read_note(self._session, f"{patient}-0").text.split() if w.isalpha()]
            search_notes(self._session, " ".join(words[-2:]), limit=50)
        elif deed == "annotation log of a patient":
            assert len(read_patient_log(self._session, patient)) == NOTES_A_PATIENT * EVENTS_A_NOTE
        elif deed in _QUERIES:
            assert search_notes(self._session, _QUERIES[deed], limit=50)
        else:
            self._write(lambda: self._connection.execute("REPLACE INTO setting VALUES ('a', ?)", (patient,)))

    def _write(self, deed: Callable[[], object]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        deed()
        self._connection.execute("COMMIT")

    def _open(self) -> Connection:
        if self._encrypted:
            connection = connect(self._path, KEY, read_only=False)
        else:
            connection = sqlcipher.connect(str(self._path), isolation_level=None)
            for pragma in (
                "synchronous = FULL",
                "foreign_keys = ON",
                "secure_delete = ON",
                "temp_store = MEMORY",
            ):
                connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return connection


def _event(note: Note, turn: int) -> bytes:
    mark = Annotation(AnnotationId(f"{note.id}-{turn}"), note.id, turn, turn + 8, TermId("HP:0001250"))
    return msgspec.json.encode(AnnotationEvent(AnnotationAction.ADD, mark, "m", "2026-01-01T00:00:00Z"))


def _peak_mib(_: Any) -> float:
    """The most memory that this process has held, in MiB; 0 where the system doesn't say."""
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform == "linux" else peak / (1 << 20)


def _ms(deed: Callable[[], object]) -> float:
    began = time.perf_counter()
    deed()
    return 1000 * (time.perf_counter() - began)
