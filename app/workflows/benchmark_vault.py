"""Measures the encrypted store beside the same SQLite library without a key, and the whole vault.

One process a configuration, the two interleaved: the same schema, statements and durability, so that a
ratio is the price of encryption alone; that of the processor's time holds on a busy machine too. What a
vault does beyond (audit event, anchor, key derivation) is measured as a figure of its own. Notes are
synthetic. Medians; `data` names the disk to measure on.
"""

import multiprocessing
import random
import shutil
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
from app.errors import UsageError
from app.store.key_derivation import cost_for_this_machine, wrapping_key
from app.store.vault import Vault
from app.workflows.benchmark_vault_hospital import EVENTS_A_NOTE, NOTES_A_PATIENT
from app.workflows.benchmark_vault_side import DEEDS, serve
from knowledge_graph.graph.cache import load_compiled
from ml.evaluation.probe_texts import probe_texts

DEFAULT_NOTES = 50_000  # of a hospital of 1,000,000 notes and 10,000,000 events: `--size 1000000`
MEASURED, CHUNK, BULK = 20_000, 1_000, 5_000  # notes put in as a vault does; a transaction; one in bulk
BYTES_A_NOTE, BYTES_BESIDE = 9 << 10, 512 << 20  # of disk, for both sides
TIMELINE_AIM = 1.55  # of encrypted / plain
COMMITS, OPENINGS, REPEATS, TOLD_EVERY_S = 200, 5, 100, 5.0
PASSPHRASE = "a passphrase for a measurement"
Progress = Callable[..., None]


def measure(progress: Progress, *, size: int | None = None, data: str | None = None) -> dict[str, object]:
    """`size` is the number of notes; stopped at any time, it leaves nothing behind."""
    count = DEFAULT_NOTES if size is None else size
    if count < NOTES_A_PATIENT:
        raise UsageError(f"--size must be at least {NOTES_A_PATIENT}, the notes of one patient")
    _check_space(Path(data or tempfile.gettempdir()), count)
    with tempfile.TemporaryDirectory(dir=data) as folder:
        found = measure_in(Path(folder), progress, count)
        progress("measuring the whole vault")
        return found | _whole_vault(Path(folder))


def measure_in(folder: Path, progress: Progress, count: int) -> dict[str, object]:
    """Both sides in a folder; stores that lie there already are measured as they are."""
    filled = (folder / "plain").exists()
    sides = {kind: _Side(kind, folder) for kind in ("plain", "encrypted")}
    try:
        found: dict[str, object] = {"notes": count, "annotation events": count * EVENTS_A_NOTE}
        found |= {} if filled else _filling(sides, count, progress)
        sizes = {kind: side.ask("size") for kind, side in sides.items()}
        found |= {"size, encrypted, MiB": sizes["encrypted"] / (1 << 20)}
        found |= {"size, encrypted / plain": sizes["encrypted"] / sizes["plain"]}
        slowest: dict[str, tuple[float, float]] = {}
        for deed in DEEDS:
            progress(f"measuring: {deed}")
            compared, slowest[deed] = _compared(deed, sides, max(count // NOTES_A_PATIENT, 1))
            found |= compared
        found["page of the timeline, encrypted / plain, aimed at"] = TIMELINE_AIM
        searches = {deed: times for deed, times in slowest.items() if deed.startswith("search")}
        found["slowest search, encrypted, ms"] = max(wall for wall, _ in searches.values())
        found["slowest search, processor, encrypted, ms"] = max(cpu for _, cpu in searches.values())
        found["slowest search by the processor"] = max(searches, key=lambda deed: searches[deed][1])
        found["peak memory, encrypted, MiB"] = sides["encrypted"].ask("memory")
        return found
    finally:
        for side in sides.values():
            side.close()


class _Side:
    """One configuration in a process of its own."""

    def __init__(self, kind: str, folder: Path):
        spawning = multiprocessing.get_context("spawn")
        self._pipe: Pipe
        self._pipe, theirs = spawning.Pipe()
        self._process = spawning.Process(target=serve, args=(theirs, kind, str(folder / kind)), daemon=True)
        self._process.start()
        theirs.close()

    def tell(self, deed: str, argument: Any = None) -> None:
        """Begin a deed."""
        self._pipe.send((deed, argument))

    def hear(self) -> Any:
        """Its answer. Raises UsageError where the process has ended, for want of disk for example."""
        try:
            return self._pipe.recv()
        except EOFError:
            raise UsageError(
                "a side of the benchmark ended early; see what it said above, free some disk, and try again"
            ) from None

    def ask(self, deed: str, argument: Any = None) -> Any:
        """Begin, and wait for it."""
        self.tell(deed, argument)
        return self.hear()

    def close(self) -> None:
        """End the process, which may be in the middle of a chunk."""
        self._pipe.close()
        self._process.join(timeout=1)
        self._process.kill()
        self._process.join()


def _check_space(folder: Path, count: int) -> None:
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder} to measure in; make it, or name another with --data")
    needed, free = count * BYTES_A_NOTE + BYTES_BESIDE, shutil.disk_usage(folder).free
    if free < needed:
        raise UsageError(
            f"{count} notes need about {needed / 1e9:.0f} GB, and {folder} has {free / 1e9:.0f} GB free; "
            "name another folder with --data, or fewer notes with --size"
        )


def _filling(sides: dict[str, _Side], count: int, progress: Progress) -> dict[str, object]:
    """The first notes as a vault puts them in, alternating and measured; the others in bulk, at once."""
    progress(f"filling both with {count:,} notes", done=0, of=count)
    texts = probe_texts(load_compiled(cache_dir()).term_names, count=min(count, 20_000), seed=11)
    times, told = dict.fromkeys(sides, (0.0, 0.0)), time.monotonic()
    start, measured = 0, min(count, MEASURED)
    while start < count:
        step = min(CHUNK, measured - start) if start < measured else BULK
        chunk = [texts[n % len(texts)] for n in range(start, min(start + step, count))]
        if start < measured:
            for kind in _order(sides, start // CHUNK):
                wall, cpu = sides[kind].ask("fill", (start // NOTES_A_PATIENT, chunk))
                times[kind] = (times[kind][0] + wall, times[kind][1] + cpu)
        else:
            for side in sides.values():
                side.tell("bulk", (start // NOTES_A_PATIENT, chunk))
            for side in sides.values():
                side.hear()
        start += len(chunk)
        if time.monotonic() - told > TOLD_EVERY_S or start == count:
            progress(f"filling both: {start:,} of {count:,} notes", done=start, of=count)
            told = time.monotonic()
    encrypted, plain = times["encrypted"], times["plain"]
    return {
        "insert, encrypted, notes/s": 1000 * measured / encrypted[0],
        "insert, encrypted / plain": encrypted[0] / plain[0],
        "insert, processor, encrypted / plain": encrypted[1] / plain[1],
    }


def _compared(
    deed: str, sides: dict[str, _Side], patients: int
) -> tuple[dict[str, object], tuple[float, float]]:
    """The same questions to both, alternating; the first round warms up. With the slowest, by both clocks."""
    times: dict[str, list[tuple[float, float]]] = {kind: [] for kind in sides}
    for turn in range(REPEATS + 1):
        question = (random.Random(turn).randrange(patients), patients)
        for kind in _order(sides, turn):
            taken = sides[kind].ask(deed, question)
            times[kind] += [taken] if turn else []
    wall, cpu = ({kind: median(t[n] for t in times[kind]) for kind in sides} for n in (0, 1))
    return {
        f"{deed}, encrypted, ms": wall["encrypted"],
        f"{deed}, processor, encrypted, ms": cpu["encrypted"],
        f"{deed}, encrypted / plain": wall["encrypted"] / wall["plain"],
        f"{deed}, processor, encrypted / plain": cpu["encrypted"] / cpu["plain"],
    }, (max(wall for wall, _ in times["encrypted"]), max(cpu for _, cpu in times["encrypted"]))


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
