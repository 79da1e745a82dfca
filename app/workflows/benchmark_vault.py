"""Measures the vault beside plain SQLite: the same records, schema and durability, without a key.

A commit of the vault also writes an audit event and the anchor. Notes are synthetic. Commits are
interleaved; all figures are medians in milliseconds. `data` names the folder (the disk) to measure on.
"""

import random
import sqlite3
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.config.settings import cache_dir
from app.store.database import migrate
from app.store.key_derivation import KdfParameters, wrapping_key
from app.store.record_table import put_records
from app.store.vault import Vault
from knowledge_graph.graph.cache import load_compiled
from ml.evaluation.probe_texts import probe_texts

DEFAULT_NOTES = 10_000
NOTES_A_PATIENT = 10
COMMITS, OPENINGS, SEARCHES = 200, 5, 40
PASSPHRASE = "a passphrase for a measurement"
Progress = Callable[..., None]


def measure(progress: Progress, *, size: int | None = None, data: str | None = None) -> dict[str, object]:
    """`size` is the number of notes."""
    count = size or DEFAULT_NOTES
    with tempfile.TemporaryDirectory(dir=data) as folder:
        plain = _plain_store(Path(folder) / "plain.db")
        vault, _ = Vault.create(Path(folder) / "measured.vault", user="measurer", passphrase=PASSPHRASE)
        progress("measuring commits")
        found = {"notes": count, **_commits(vault, plain)}
        progress(f"filling both with {count} notes")
        texts = _texts(count)
        found |= _filling(vault, plain, texts)
        progress("measuring searches")
        found |= _searches(vault, plain, texts)
        vault.close()
        plain.close()
        progress("measuring openings")
        return found | _openings(Path(folder))


def _plain_store(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    migrate(connection)
    return connection


def _commits(vault: Vault, plain: sqlite3.Connection) -> dict[str, object]:
    """One new patient with one note a commit."""
    times: dict[str, list[float]] = {"vault": [], "plain": []}
    for number in range(COMMITS):
        records = _records(f"c{number}", ["A short note about one visit."])
        times["vault"].append(_ms(partial(vault.put_records, records, origin="measurement")))
        times["plain"].append(_ms(partial(_put_plain, plain, records)))
    return {
        "commit in the vault, ms": median(times["vault"]),
        "commit in plain SQLite, ms": median(times["plain"]),
        "commit, vault / plain": median(times["vault"]) / median(times["plain"]),
        "commit in the vault, 95th percentile, ms": sorted(times["vault"])[int(0.95 * COMMITS)],
    }


def _filling(vault: Vault, plain: sqlite3.Connection, texts: list[str]) -> dict[str, object]:
    records = [
        record
        for start in range(0, len(texts), NOTES_A_PATIENT)
        for record in _records(f"f{start}", texts[start : start + NOTES_A_PATIENT])
    ]
    locked = _ms(lambda: vault.put_records(records, origin="measurement"))
    open_ = _ms(lambda: _put_plain(plain, records))
    return {
        "one import into the vault, notes/s": 1000 * len(texts) / locked,
        "import, vault / plain": locked / open_,
    }


def _searches(vault: Vault, plain: sqlite3.Connection, texts: list[str]) -> dict[str, object]:
    """Two words of some note, as someone would type them; at most 50 hits on every side."""
    dice = random.Random(7)
    times: dict[str, list[float]] = {"vault": [], "like": []}
    hits = 0
    for _ in range(SEARCHES):
        words = _some_words(dice.choice(texts), dice)
        began = time.perf_counter()
        hits += len(vault.search_notes(" ".join(words)))
        times["vault"].append(1000 * (time.perf_counter() - began))
        times["like"].append(_ms(partial(_search_plain, plain, words)))
    return {
        "full-text search in the vault, ms": median(times["vault"]),
        "LIKE in plain SQLite, ms": median(times["like"]),
        "search, LIKE / full text": median(times["like"]) / median(times["vault"]),
        "hits a search": hits / SEARCHES,
    }


def _search_plain(connection: sqlite3.Connection, words: list[str]) -> list[tuple[str, ...]]:
    return connection.execute(
        "SELECT id, patient_id, text FROM note WHERE text LIKE ? AND text LIKE ? LIMIT 50",
        [f"%{word}%" for word in words],
    ).fetchall()


def _openings(folder: Path) -> dict[str, object]:
    def open_plain() -> None:
        with sqlite3.connect(folder / "plain.db") as connection:
            connection.execute("SELECT count(*) FROM patient").fetchone()
        connection.close()

    def open_vault() -> None:
        Vault.open(folder / "measured.vault", user="measurer", passphrase=PASSPHRASE).close()

    times: dict[str, list[float]] = {"vault": [], "plain": [], "key": []}
    for _ in range(OPENINGS):
        times["vault"].append(_ms(open_vault))
        times["plain"].append(_ms(open_plain))
        times["key"].append(_ms(lambda: wrapping_key(PASSPHRASE, bytes(16), KdfParameters())))
    return {
        "open and close the vault, ms": median(times["vault"]),
        "of that the key derivation, ms": median(times["key"]),
        "open and close plain SQLite, ms": median(times["plain"]),
        "open, vault / plain": median(times["vault"]) / median(times["plain"]),
    }


def _texts(count: int) -> list[str]:
    names = load_compiled(cache_dir()).term_names
    return list(probe_texts(names, count=count, seed=11))


def _records(name: str, texts: list[str]) -> list[Patient | Note]:
    patient = Patient(PatientId(name), name=f"Synthetic {name}")
    notes = [Note(NoteId(f"{name}-{i}"), patient.id, text) for i, text in enumerate(texts)]
    return [patient, *notes]


def _put_plain(connection: sqlite3.Connection, records: list[Patient | Note]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    put_records(connection, records, origin="measurement")
    connection.execute("COMMIT")


def _some_words(text: str, dice: random.Random) -> list[str]:
    words = [w for w in text.replace(",", " ").replace(".", " ").split()[1:] if w.isalpha() and len(w) > 4]
    return [dice.choice(words or ["Findings"]) for _ in range(2)]


def _ms(deed: Callable[[], object]) -> float:
    began = time.perf_counter()
    deed()
    return 1000 * (time.perf_counter() - began)
