"""Measures the encrypted store beside the same SQLite library without a key, and the whole vault.

One process a configuration, the two interleaved: the same schema, statements and durability, so that a
ratio is the price of encryption alone. What a vault does beyond (audit event, anchor, key derivation)
is measured as a figure of its own. Notes are synthetic. Medians; `data` names the disk to measure on.
"""

import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from statistics import median
from typing import Any

from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.config.settings import cache_dir
from app.store.key_derivation import cost_for_this_machine, wrapping_key
from app.store.vault import Vault
from app.workflows.benchmark_vault_side import DEEDS, EVENTS_A_NOTE, NOTES_A_PATIENT, serve
from knowledge_graph.graph.cache import load_compiled
from ml.evaluation.probe_texts import probe_texts

DEFAULT_NOTES = 50_000  # of a hospital of 1,000,000 notes and 10,000,000 events: `--size 1000000`
COMMITS, OPENINGS, REPEATS, CHUNK = 200, 5, 40, 1_000
PASSPHRASE = "a passphrase for a measurement"
Progress = Callable[..., None]


def measure(progress: Progress, *, size: int | None = None, data: str | None = None) -> dict[str, object]:
    """`size` is the number of notes."""
    count = size or DEFAULT_NOTES
    with tempfile.TemporaryDirectory(dir=data) as folder:
        sides = {kind: _Side(kind, Path(folder)) for kind in ("plain", "encrypted")}
        try:
            progress(f"filling both with {count} notes")
            found = {"notes": count, **_filling(sides, count)}
            for deed in DEEDS:
                progress(f"measuring: {deed}")
                found |= _compared(deed, sides, count // NOTES_A_PATIENT)
            found["peak memory, encrypted, MiB"] = sides["encrypted"].ask("memory")
        finally:
            for side in sides.values():
                side.close()
        progress("measuring the whole vault")
        return found | _whole_vault(Path(folder))


class _Side:
    """One configuration in a process of its own."""

    def __init__(self, kind: str, folder: Path):
        spawning = multiprocessing.get_context("spawn")
        self._pipe: Pipe
        self._pipe, theirs = spawning.Pipe()
        self._process = spawning.Process(target=serve, args=(theirs, kind, str(folder / kind)), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, deed: str, argument: Any = None) -> float:
        """Milliseconds, or bytes for `size`."""
        self._pipe.send((deed, argument))
        return float(self._pipe.recv())

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(timeout=10)


def _filling(sides: dict[str, _Side], count: int) -> dict[str, object]:
    """Chunk by chunk, alternating."""
    texts = probe_texts(load_compiled(cache_dir()).term_names, count=min(count, 20_000), seed=11)
    times = dict.fromkeys(sides, 0.0)
    for start in range(0, count, CHUNK):
        chunk = [texts[n % len(texts)] for n in range(start, min(start + CHUNK, count))]
        for kind in _order(sides, start // CHUNK):
            times[kind] += sides[kind].ask("fill", (start // NOTES_A_PATIENT, chunk))
    sizes = {kind: side.ask("size") for kind, side in sides.items()}
    return {
        "annotation events": count * EVENTS_A_NOTE,
        "insert, encrypted, notes/s": 1000 * count / times["encrypted"],
        "insert, encrypted / plain": times["encrypted"] / times["plain"],
        "size, encrypted / plain": sizes["encrypted"] / sizes["plain"],
    }


def _compared(deed: str, sides: dict[str, _Side], patients: int) -> dict[str, object]:
    """The same questions to both, alternating; the first round warms up."""
    times: dict[str, list[float]] = {kind: [] for kind in sides}
    for turn in range(REPEATS + 1):
        question = random.Random(turn).randrange(max(patients, 1))
        for kind in _order(sides, turn):
            taken = sides[kind].ask(deed, question)
            times[kind] += [taken] if turn else []
    encrypted, plain = median(times["encrypted"]), median(times["plain"])
    return {f"{deed}, encrypted, ms": encrypted, f"{deed}, encrypted / plain": encrypted / plain}


def _order(sides: dict[str, _Side], turn: int) -> list[str]:
    return list(sides) if turn % 2 else list(reversed(sides))


def _whole_vault(folder: Path) -> dict[str, object]:
    """What a person waits for: an audited, anchored commit, and an unlocking."""
    path, cost = folder / "measured.vault", cost_for_this_machine()
    vault, _ = Vault.create(path, user="measurer", passphrase=PASSPHRASE, kdf=cost)
    commits = []
    for number in range(COMMITS):
        patient = Patient(PatientId(f"c{number}"), name=f"Synthetic {number}")
        note = Note(NoteId(f"c{number}"), patient.id, "A short note about one visit.")
        commits.append(_ms(partial(vault.put_records, [patient, note], origin="measurement")))
    vault.close()

    def open_vault() -> None:
        Vault.open(path, user="measurer", passphrase=PASSPHRASE).close()

    return {
        "audited commit, ms": median(commits),
        "audited commit, 95th percentile, ms": sorted(commits)[int(0.95 * COMMITS)],
        "open and close by passphrase, ms": median(_ms(open_vault) for _ in range(OPENINGS)),
        "of that the key derivation, ms": median(
            _ms(lambda: wrapping_key(PASSPHRASE, bytes(16), cost)) for _ in range(OPENINGS)
        ),
        "key derivation": f"{cost.memory_kib >> 10} MiB, {cost.time_cost} passes",
    }


def _ms(deed: Callable[[], object]) -> float:
    began = time.perf_counter()
    deed()
    return 1000 * (time.perf_counter() - began)
