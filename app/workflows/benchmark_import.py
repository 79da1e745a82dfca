"""Measures importing through the confined reader beside importing in this process, interleaved.

Two shapes, each from empty vaults: many small FHIR bundles, and one large NDJSON file. `data` names a
folder of files of your own to import instead. Records are synthetic.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median

from app.clinical.chart import Chart, ClinicalRecord
from app.clinical.ids import NoteId, PatientId, RecordId
from app.clinical.note import Note
from app.clinical.patient import Identifier, Patient
from app.clinical.record import Coding, Condition, Observation, Quantity
from app.errors import WorkerFailed
from app.exchange.admission import Admission
from app.exchange.fhir_writer import transaction_bundle
from app.exchange.reader import ReadPlan, learn, read_records
from app.exchange.source_file import source_files
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault
from app.workflows.import_records import BATCH_RECORDS, ImportReport, import_records
from ml.evaluation.probe_texts import probe_texts

DEFAULT_PATIENTS, REPEATS = 400, 3
NOTES, OBSERVATIONS, CONDITIONS = 3, 12, 4
PASSPHRASE = "a passphrase for a measurement"
PHRASES = ("seizures", "tall stature", "no fever", "long fingers", "chorea", "a rash on both arms")
LOINC = "http://loinc.org"
Progress = Callable[..., None]


def measure(progress: Progress, *, size: int | None = None, data: str | None = None) -> dict[str, object]:
    """`size` is the number of patients. Medians; a ratio above 1 is the price of the reader's confinement."""
    with tempfile.TemporaryDirectory() as folder:
        shapes = {"own files": Path(data)} if data else _written(Path(folder), size or DEFAULT_PATIENTS)
        found: dict[str, object] = {}
        for shape, path in shapes.items():
            progress(f"importing {shape}, {REPEATS} times each way")
            found |= _compared(shape, path, Path(folder))
    return found


def _compared(shape: str, path: Path, scratch: Path) -> dict[str, object]:
    times: dict[str, list[float]] = {"confined": [], "in this process": []}
    added: set[int] = set()
    for turn in range(REPEATS):
        for side, deed in (("confined", _confined), ("in this process", _in_process)):
            name = scratch / f"{shape} {side} {turn}.vault"
            cost = KdfParameters.fast_for_tests()  # the files are measured, not the key
            vault, _ = Vault.create(name, user="measurer", passphrase=PASSPHRASE, kdf=cost)
            with vault:
                begun = time.perf_counter()
                added.add(deed(vault, path))
                times[side].append(time.perf_counter() - begun)
    if len(added) != 1:
        raise WorkerFailed("the two ways did not file the same records; report this")
    seconds = {side: median(taken) for side, taken in times.items()}
    return {
        f"{shape}: records": added.pop(),
        **{f"{shape}: {side}, s": value for side, value in seconds.items()},
        f"{shape}: confined / in this process": seconds["confined"] / seconds["in this process"],
    }


def _confined(vault: Vault, path: Path) -> int:
    *_, report = import_records(vault, [path])
    assert isinstance(report, ImportReport)
    return report.added


def _in_process(vault: Vault, path: Path) -> int:
    """The same two passes, without another process and without a pipe."""
    plan = ReadPlan()
    admission = Admission(plan.references)
    files = list(source_files([path], plan.limits))
    for file in files:
        for _ in learn(file, plan):
            continue
    added = 0
    for file in files:
        admission.begin(file.scope)
        batch: list[ClinicalRecord] = []
        for item in read_records(file, plan):
            batch += admission.admitted(item).records
            if len(batch) >= BATCH_RECORDS:
                added += vault.put_records(batch, origin=file.scope).added
                batch = []
        added += vault.put_records(batch, origin=file.scope).added if batch else 0
    return added


def _written(folder: Path, count: int) -> dict[str, Path]:
    """The same patients as bundles, one a file, and as lines of one file."""
    small, large = folder / "bundles", folder / "lines.ndjson"
    small.mkdir()
    texts = probe_texts(PHRASES, count=count * NOTES)
    with large.open("w", encoding="utf-8") as lines:
        for number in range(count):
            bundle = transaction_bundle(_chart(number, texts[number * NOTES : (number + 1) * NOTES]))
            (small / f"{number}.json").write_text(json.dumps(bundle), "utf-8")
            entries = bundle["entry"]
            lines.writelines(json.dumps(entry["resource"]) + "\n" for entry in entries)
    return {"many bundles": small, "one large file": large}


def _chart(number: int, texts: Iterable[str]) -> Chart:
    own = PatientId(f"patient-{number}")
    known = (Identifier("urn:h", str(number)),)
    patient = Patient(own, f"Synthetic {number}", "1990-01-02", identifiers=known)
    notes = (
        Note(NoteId(f"{own}-n{n}"), own, text, "Letter", f"2026-01-{n + 1:02d}")
        for n, text in enumerate(texts)
    )
    observations = (
        Observation(
            RecordId(f"{own}-o{n}"), own, "Hemoglobin", (Coding(LOINC, "718-7", "Hemoglobin"),),
            effective_at=f"2026-02-{n + 1:02d}", quantity=Quantity(9.5 + n, "g/dL"), status="final",
        )
        for n in range(OBSERVATIONS)
    )  # fmt: skip
    conditions = (Condition(RecordId(f"{own}-c{n}"), own, f"Problem {n}") for n in range(CONDITIONS))
    return Chart(patient, notes=tuple(notes), observations=tuple(observations), conditions=tuple(conditions))
