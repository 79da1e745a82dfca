"""One side of the vault's benchmark: a process that fills a store, with or without a key, and is timed."""

import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlcipher

from app.clinical.note import Note
from app.clinical.patient import Patient
from app.store.anchor import AnchorFile
from app.store.audit_chain import AuditChain
from app.store.clock import system_clock
from app.store.database import Connection, add_functions, connect, harden, migrate, new_file
from app.store.note_search import search_notes
from app.store.patient_query import (
    EVERYBODY,
    PatientFilter,
    list_patients,
    read_note,
    read_notes,
    read_patient_log,
)
from app.store.record_table import put_records
from app.store.session import Session
from app.workflows.benchmark_vault_hospital import (
    EVENTS_A_NOTE,
    NOTES_A_PATIENT,
    ORIGIN,
    begin_bulk,
    events_of,
    put_in_bulk,
    records_of,
)

KEY = bytes(range(32))
DEEDS = (
    *("open with the raw key", "notes of a patient", "one note", "annotation log of a patient"),
    *("page of the patient list", "last page of the patient list", "patients by a part of a name"),
    *("page of the timeline", "search, two words", "search, a word of most notes"),
    *("search, two words of most notes", "search, the beginning of a word", "search, two letters"),
    *("search, a phrase", "search, Chinese", "search, a word and Chinese"),
    *("search, a phrase of no note", "search, a phrase of no note and Chinese", "one-row transaction"),
)
_QUERIES = {
    "search, a word of most notes": "findings",
    "search, two words of most notes": "findings abnormality",
    "search, the beginning of a word": "find",
    "search, two letters": "ab",
    "search, a phrase": '"abnormality of the"',
    "search, Chinese": "发热",
    "search, a word and Chinese": "findings 发热",
}
_OF_NO_NOTE = {
    "search, a phrase of no note": '"the of"',
    "search, a phrase of no note and Chinese": '"the of" 发热',
}
PAGE = 100
_TIMELINE = """SELECT note.number, note.id, title, written_at, substr(text, 1, 200), patient.name
  FROM note JOIN patient ON patient.id = patient_id WHERE note.number < ? ORDER BY note.number DESC LIMIT ?"""


def serve(pipe: Pipe, kind: str, folder: str) -> None:
    """Answer (deed, argument) until the pipe closes: milliseconds by the clock and of the processor."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who asks is stopped, and closes the pipe
    store = _Store(Path(folder), encrypted=kind == "encrypted")
    answers: dict[str, Callable[[Any], object]] = {
        "fill": store.fill, "bulk": store.fill_in_bulk, "size": store.size, "memory": _peak_mib,
    }  # fmt: skip
    while True:
        try:
            deed, argument = pipe.recv()
            answer = answers.get(deed)
            pipe.send(answer(argument) if answer else _timed(partial(store.do, deed, argument)))
        except (EOFError, BrokenPipeError):
            return


class _Store:
    """The vault's tables, statements and durability over one file."""

    def __init__(self, folder: Path, *, encrypted: bool):
        folder.mkdir(exist_ok=True)
        self._path, self._encrypted, self._in_bulk = folder / "store.db", encrypted, False
        self._anchors, self._chain = AnchorFile(folder, KEY), AuditChain(KEY)
        if encrypted and not self._path.exists():
            new_file(self._path, KEY).close()
        self._use(self._open())
        migrate(self._connection)

    def fill(self, what: tuple[int, list[str]]) -> tuple[float, float]:
        """One transaction of patients with ten notes each, and ten annotation events a note."""
        records: list[Patient | Note] = []
        events: list[tuple[str, str, bytes]] = []
        for patient, notes in records_of(*what):
            records += [patient, *notes]
            events += [row for note in notes for row in events_of(note.id, patient.id)]
        return _timed(lambda: self._write(lambda: self._put(records, events)))

    def fill_in_bulk(self, what: tuple[int, list[str]]) -> None:
        """The same without durability, not measured."""
        if not self._in_bulk:
            begin_bulk(self._connection)
            self._in_bulk = True
        put_in_bulk(self._connection, *what)

    def _put(self, records: list[Patient | Note], events: list[tuple[str, str, bytes]]) -> None:
        put_records(self._connection, records, origin=ORIGIN)
        self._connection.executemany(
            "INSERT INTO annotation_event (note_id, patient_id, body) VALUES (?, ?, ?)", events
        )

    def size(self, _: Any) -> float:
        """Bytes of the database, its log folded in; from here on as durable as a vault."""
        if self._in_bulk:
            self._connection.close()
            self._use(self._open())
            self._in_bulk = False
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return float(self._path.stat().st_size)

    def do(self, deed: str, question: tuple[int, int]) -> None:
        """One deed about a patient by number, of so many."""
        number, patients = question
        patient = f"p{number}"
        if deed == "open with the raw key":
            self._open().close()
        elif deed == "notes of a patient":
            assert read_notes(self._session, patient)
        elif deed == "page of the patient list":
            list_patients(self._session, EVERYBODY, limit=100, offset=min(number, 1000))
        elif deed == "last page of the patient list":
            assert list_patients(self._session, EVERYBODY, limit=100, offset=max(patients - 100, 0))
        elif deed == "patients by a part of a name":
            wanted = PatientFilter(f"thetic {patient}")
            assert list_patients(self._session, wanted, limit=100, offset=0)
        elif deed == "one note":
            read_note(self._session, f"{patient}-0")
        elif deed == "page of the timeline":
            assert timeline_page(self._session, before=(number + 1) * NOTES_A_PATIENT + 1)
        elif deed == "search, two words":
            words = [
                w
                for w in read_note(self._session, f"{patient}-0").text.split()
                if w.isascii() and w.isalpha()
            ]
            search_notes(self._session, " ".join(words[-2:]), limit=50)
        elif deed == "annotation log of a patient":
            assert len(read_patient_log(self._session, patient)) == NOTES_A_PATIENT * EVENTS_A_NOTE
        elif deed in _QUERIES:
            assert search_notes(self._session, _QUERIES[deed], limit=50)
        elif deed in _OF_NO_NOTE:
            assert not search_notes(self._session, _OF_NO_NOTE[deed], limit=50)
        else:
            self._write(lambda: self._connection.execute("REPLACE INTO setting VALUES ('a', ?)", (patient,)))

    def _write(self, deed: Callable[[], object]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        deed()
        self._connection.execute("COMMIT")

    def _use(self, connection: Connection) -> None:
        self._connection = connection
        self._session = Session(
            connection, user="m", anchors=self._anchors, chain=self._chain, clock=system_clock
        )

    def _open(self) -> Connection:
        if self._encrypted:
            connection = connect(self._path, KEY, read_only=False)
        else:
            connection = sqlcipher.connect(str(self._path), isolation_level=None)
            harden(connection)
            add_functions(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return connection


def timeline_page(session: Session, *, before: int) -> list[Any]:
    """The page of the vault's notes that came before a number, the newest first: by keyset, at any depth."""
    return session.rows(_TIMELINE, (before, PAGE))


def _peak_mib(_: Any) -> float:
    """The most memory that this process has held, in MiB; 0 where the system doesn't say."""
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform == "linux" else peak / (1 << 20)


def _timed(deed: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds by the clock and of the processor."""
    began, worked = time.perf_counter(), time.process_time()
    deed()
    return 1000 * (time.perf_counter() - began), 1000 * (time.process_time() - worked)
