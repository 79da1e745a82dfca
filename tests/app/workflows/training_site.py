"""A site whose confirmed patients a private training run can learn from."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from app.clinical.diagnosis import Decision, Diagnosis
from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Identifier, Patient
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault
from app.workflows import training_curve, write_notes
from app.workflows.frame_process import FrameProcess
from app.workflows.plan_training import TrainingPlan, declare_diseases
from app.workflows.train_model import TrainingProgress, train_model
from knowledge_graph.terms.term import DiseaseId
from ml.registry.training_result import TrainingResult

DISEASES = ("OMIM:154700", "OMIM:143100", "OMIM:219700")
NAME, RECORD = "Zebedia Canaryname", "mrn-canary-4711"
PLAN = TrainingPlan(
    target_epsilon=3.0,
    delta=1e-4,
    cap=4.0,
    steps=6,
    block_steps=2,
    sample_rate=0.5,
    expected_patients=9,
    threads=1,
)


def empty_vault(path: Path) -> Vault:
    """A vault of ann's without a patient."""
    made, _ = Vault.create(path, user="ann", passphrase="correct horse", kdf=KdfParameters.fast_for_tests())
    return made


@contextmanager
def few_synthetic_notes() -> Iterator[None]:
    """A run starts from few synthetic notes and is judged on few; reading them is most of a short one."""
    with (
        patch.object(write_notes, "PUBLIC_NOTES", 8),
        patch.object(training_curve, "VALIDATION_NOTES", 4),
    ):
        yield


@contextmanager
def confirmed_site(folder: Path) -> Iterator[Vault]:
    """Nine patients with notes and a confirmed diagnosis, one of which was withdrawn; few synthetic notes."""
    with few_synthetic_notes(), empty_vault(folder / "v.vault") as made:
        made.put_records(_records(), origin="test")
        for number in range(9):
            made.record_diagnosis(_decided(number, Decision.CONFIRMED))
        made.record_diagnosis(_decided(8, Decision.WITHDRAWN))
        declare_diseases(made, list(DISEASES))
        yield made


def _records() -> Iterator[Patient | Note]:
    for number in range(9):
        patient_id = PatientId(f"{RECORD}-{number}")
        yield Patient(
            id=patient_id, name=f"{NAME} {number}", identifiers=(Identifier("urn:mrn", f"{RECORD}-{number}"),)
        )
        for visit in range(1 + number % 3):
            told = f"{NAME.upper()} {number} (MRN {RECORD}-{number}), Ms Canaryname, visit {visit}: "
            text = told + ("tall stature and a long face." if number % 2 else "chorea and depression.")
            yield Note(id=NoteId(f"note-{number}-{visit}"), patient_id=patient_id, text=text)


def _decided(number: int, decision: Decision) -> Diagnosis:
    disease = DiseaseId(DISEASES[number % 2])
    return Diagnosis(
        PatientId(f"{RECORD}-{number}"), disease, "a disease", decision, "ann", "2026-01-01T00:00:00"
    )


def frames_sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Everything that crosses the pipe to the trainer from now on."""
    frames: list[dict[str, Any]] = []
    send = FrameProcess.send

    def record(self: FrameProcess, message: dict[str, Any]) -> None:
        frames.append(message)
        send(self, message)

    monkeypatch.setattr(FrameProcess, "send", record)
    return frames


def run(
    vault: Vault, plan: TrainingPlan = PLAN, **kwargs: Any
) -> tuple[list[TrainingProgress], TrainingResult | None]:
    """Train to the end: every report, and the result where there is one."""
    reports = list(train_model(vault, plan, **kwargs))
    last = reports[-1]
    progress = [r for r in reports if isinstance(r, TrainingProgress)]
    return progress, last if isinstance(last, TrainingResult) else None
