"""Private training on a real vault with the real trainer: debited first, pseudonymous, stoppable."""

import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest
from safetensors.numpy import load

from app.clinical.diagnosis import Decision, Diagnosis
from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Identifier, Patient
from app.config.policy import Policy
from app.errors import BudgetExceeded, UsageError, VaultDamaged, WorkerFailed
from app.store.backup import EPSILON_FLOOR, UNKNOWN
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault
from app.workflows import train_model as train_model_module
from app.workflows import trainer_process
from app.workflows.augment_findings import FindingTeller
from app.workflows.collect_examples import Source, collect_examples
from app.workflows.frame_process import FrameProcess
from app.workflows.list_models import load_version, result_store
from app.workflows.plan_training import CAP_SETTING, TrainingPlan, completed, declare_diseases, devices_here
from app.workflows.publish_model import PublishPlan, publish_model
from app.workflows.report_privacy import report_privacy
from app.workflows.resume_training import TrainingRun, keep_checkpoint
from app.workflows.review_update import review_update
from app.workflows.train_model import TrainingProgress, train_model
from app.workflows.trainer_process import TrainerProcess
from knowledge_graph.graph.cache import load_compiled
from knowledge_graph.terms.term import DiseaseId
from ml.errors import UpdateRefused
from ml.inference.version_loading import load_predictor
from ml.privacy.ledger import epsilon_bound, mechanisms
from ml.registry.model_version import ModelVersion
from ml.registry.starting_model import starting_version
from ml.registry.tensor_file import read_tensors
from ml.registry.training_result import TrainingResult
from ml.text.encoder_files import find_encoder
from tests.app.workflows.one_confirmed import confirm_one

pytestmark = pytest.mark.slow
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


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    made, _ = Vault.create(
        tmp_path / "v.vault", user="ann", passphrase="correct horse", kdf=KdfParameters.fast_for_tests()
    )
    with made:
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


def run(
    vault: Vault, plan: TrainingPlan = PLAN, **kwargs: Any
) -> tuple[list[TrainingProgress], TrainingResult | None]:
    reports = list(train_model(vault, plan, **kwargs))
    last = reports[-1]
    progress = [r for r in reports if isinstance(r, TrainingProgress)]
    return progress, last if isinstance(last, TrainingResult) else None


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Everything that crosses the pipe to the trainer."""
    frames: list[dict[str, Any]] = []
    send = FrameProcess.send

    def record(self: FrameProcess, message: dict[str, Any]) -> None:
        frames.append(message)
        send(self, message)

    monkeypatch.setattr(FrameProcess, "send", record)
    return frames


def test_a_run_is_debited_before_it_steps_and_leaves_a_result(
    vault: Vault, sent: list[dict[str, Any]]
) -> None:
    progress, result = run(vault)
    assert result is not None
    entries = vault.ledger()
    assert [e.steps for e in entries] == [2, 2, 2]
    assert [p.step for p in progress if p.phase == "training"] == [1, 2, 3, 4, 5, 6]
    assert len([f for f in sent if f["kind"] == "grant"]) == len(entries)
    epsilons = [e.epsilon_after for e in entries]
    assert epsilons == sorted(epsilons)
    assert 0.9 * PLAN.target_epsilon < epsilons[-1] <= PLAN.target_epsilon
    assert epsilons[-1] <= 1.05 * epsilon_bound(mechanisms(entries), PLAN.delta)
    _only_declared_rows_changed(result)
    assert result_store(vault).get(result.run_id) == result
    assert result.privacy.epsilon == report_privacy(vault, Policy()).spent == epsilons[-1]
    _trainer_knows_nobody(sent, vault)
    _further_runs_compose(vault)


def _only_declared_rows_changed(result: TrainingResult) -> None:
    start = starting_version()
    before, after = read_tensors(start.files["tensors.safetensors"]), read_tensors(result.tensors)
    moved = {
        start.labels[row] for row in (before["head.weight"] != after["head.weight"]).any(axis=1).nonzero()[0]
    }
    assert moved == set(DISEASES)


def _trainer_knows_nobody(sent: list[dict[str, Any]], vault: Vault) -> None:
    crossed = msgspec.msgpack.encode(sent)
    for secret in (NAME, "Canaryname", RECORD, "note-0-1", "correct horse", "2026-01-01", str(vault.path)):
        assert secret.lower().encode() not in crossed.lower()
    assert b"chorea and depression" in crossed
    assert vault.data_key() not in crossed
    start = sent[0]
    assert len(start["patients"]) == 8  # one withdrawn
    assert {frozenset(p) for p in start["patients"]} == {frozenset({"number", "texts", "label"})}


def _further_runs_compose(vault: Vault) -> None:
    with pytest.raises(BudgetExceeded, match="is spent already"):
        run(vault)
    steps = len(vault.ledger())
    with pytest.raises(BudgetExceeded, match="above the cap 4"):
        run(vault, replace(PLAN, target_epsilon=5.0))
    assert len(vault.ledger()) == steps
    _, second = run(vault, replace(PLAN, target_epsilon=4.0, steps=2))
    assert second is not None
    assert 3.0 < second.privacy.epsilon <= 4.0


def test_a_stopped_run_keeps_its_checkpoint_and_never_passes_its_target(vault: Vault) -> None:
    stop = Event()
    reports = []
    for report in train_model(vault, PLAN, stop=stop):
        reports.append(report)
        if isinstance(report, TrainingProgress) and report.step == 3:
            stop.set()
    assert isinstance(reports[-1], TrainingProgress)
    assert reports[-1].phase == "stopped"
    assert len(vault.ledger()) == 2  # the second block is spent, though it did not end
    (kept,) = vault.models_dir.glob("*.checkpoint")
    sealed = kept.read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert b"weights" not in sealed
    assert set(load(vault.unseal("training-checkpoint", sealed))) == {"weights", "first", "second", "step"}
    declare_diseases(vault, [DISEASES[0]])  # meant for the next run: this one keeps its own
    progress, result = run(vault, replace(PLAN, resume=True))
    assert result is not None
    assert progress[-1].step == 6
    assert [e.steps for e in vault.ledger()] == [2, 2, 2]
    spent = report_privacy(vault, Policy()).spent
    assert spent is not None
    assert spent <= PLAN.target_epsilon
    assert not list(vault.models_dir.glob("*.checkpoint"))
    with pytest.raises(UsageError, match="no stopped run"):
        run(vault, replace(PLAN, resume=True))


def test_a_paused_run_ends_its_block_and_loses_none(vault: Vault) -> None:
    pause = Event()
    reports = []
    for report in train_model(vault, PLAN, pause=pause):
        reports.append(report)
        if isinstance(report, TrainingProgress) and report.step == 3:
            pause.set()
    last = reports[-1]
    assert isinstance(last, TrainingProgress)
    assert (last.phase, last.step) == ("stopped", 4)
    assert [e.steps for e in vault.ledger()] == [2, 2]
    progress, result = run(vault, replace(PLAN, resume=True))
    assert result is not None
    assert [p.step for p in progress if p.phase == "training"] == [5, 6]  # none was lost
    assert [e.steps for e in vault.ledger()] == [2, 2, 2]


def test_a_pause_before_the_first_step_spends_nothing(vault: Vault) -> None:
    pause = Event()
    pause.set()
    reports = list(train_model(vault, PLAN, pause=pause))
    assert [r.phase for r in reports if isinstance(r, TrainingProgress)] == ["preparing", "stopped"]
    assert vault.ledger() == ()


def test_a_stop_before_the_first_step_spends_nothing(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, public_cache: Path
) -> None:
    """A trainer needs seconds before it reads the patients; this one never does. The parent must not wait."""
    deaf = [sys.executable, "-c", "import time; time.sleep(600)"]
    monkeypatch.setattr(trainer_process, "worker_command", lambda _kind: deaf)
    stop = Event()
    threading.Timer(0.5, stop.set).start()
    reports = list(train_model(vault, PLAN, stop=stop))
    assert [r.phase for r in reports if isinstance(r, TrainingProgress)] == ["preparing", "stopped"]
    stop.clear()
    source = Source(FindingTeller(load_compiled(public_cache), lambda _below: 0))
    assert collect_examples(vault, DISEASES, source=source, shuffle=list.sort, stop=stop)
    stop.set()
    assert collect_examples(vault, DISEASES, source=source, shuffle=list.sort, stop=stop) == []
    assert vault.ledger() == ()


def test_a_checkpoint_that_is_gone_or_altered_is_refused_in_one_line(vault: Vault) -> None:
    run_id = "run-000000000000"
    run = TrainingRun(run_id, completed(PLAN), starting_version(), DISEASES)
    keep_checkpoint(vault, run, b"state", 4.0)
    path = vault.models_dir / f"{run_id}.checkpoint"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(VaultDamaged):
        next(train_model(vault, replace(PLAN, resume=True)))
    path.unlink()
    with pytest.raises(UsageError, match="checkpoint is gone"):
        next(train_model(vault, replace(PLAN, resume=True)))
    keep_checkpoint(vault, replace(run, run_id="run-111111111111"), b"state", 4.0)
    keep_checkpoint(vault, run, b"state", 4.0)
    assert [p.stem for p in vault.models_dir.glob("*.checkpoint")] == [run_id]


def test_a_killed_trainer_costs_at_most_the_granted_block(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = TrainerProcess.grant

    def kill_then_grant(self: TrainerProcess) -> None:
        """Dead before the grant, or it might be quick enough to ask for the next block."""
        if len(vault.ledger()) == 2:
            self._process.end()
        grant(self)

    monkeypatch.setattr(TrainerProcess, "grant", kill_then_grant)
    with pytest.raises(WorkerFailed, match="--resume"):
        run(vault)
    assert [e.steps for e in vault.ledger()] == [2, 2]


@pytest.mark.parametrize(
    ("change", "policy", "error"),
    [
        ({"target_epsilon": 3.0, "cap": 2.0}, None, "above the cap 2"),
        ({"target_epsilon": 3.0}, Policy(epsilon_cap=1.5), "above the cap 1.5"),
        ({"target_epsilon": 0.0}, None, "epsilon"),
        ({"scope": "whole"}, None, "no scope"),
        ({"optimizer": "none"}, None, "optimizer"),
        ({"backend": "ghost", "dropout": 0.1}, None, "dropout"),
        ({"delta": 0.5}, None, "delta"),
        ({"sample_rate": 1.5}, None, "sample rate"),
        ({"resume": True}, None, "no stopped run"),
    ],
)
def test_what_may_not_run_is_refused_before_a_process_starts(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], policy: Policy | None, error: str
) -> None:
    def refuse(_kind: str) -> Sequence[str]:
        raise AssertionError("a trainer was started")

    monkeypatch.setattr(trainer_process, "worker_command", refuse)
    with pytest.raises((BudgetExceeded, UsageError), match=error):
        run(vault, replace(PLAN, **change), policy=policy)
    assert vault.ledger() == ()


@pytest.mark.parametrize(("task", "scope"), [("diagnosis", "head"), ("mlm", "lora")])
def test_a_run_that_nobody_could_teach_spends_nothing_and_leaves_no_cap(
    tmp_path: Path, task: str, scope: str
) -> None:
    empty, _ = Vault.create(
        tmp_path / "empty", user="ann", passphrase="correct horse", kdf=KdfParameters.fast_for_tests()
    )
    with empty:
        with pytest.raises(UsageError, match="to learn from yet"):
            run(empty, replace(PLAN, task=task, scope=scope))
        assert (empty.ledger(), empty.setting(CAP_SETTING)) == ((), None)


def test_a_restored_vault_trains_only_once_its_spending_is_known(vault: Vault) -> None:
    vault.set_setting(EPSILON_FLOOR, UNKNOWN)
    with pytest.raises(BudgetExceeded, match="privacy officer must declare"):
        run(vault)
    vault.set_setting(EPSILON_FLOOR, "2.0")
    with pytest.raises(BudgetExceeded, match="lacks the debits"):
        run(vault)
    assert vault.ledger() == ()


def test_too_tight_a_budget_is_refused_by_the_accountant(vault: Vault) -> None:
    with pytest.raises(BudgetExceeded, match="epsilon"):
        run(vault, replace(PLAN, target_epsilon=0.0005, steps=1000, sample_rate=1.0))
    assert vault.ledger() == ()


def test_the_window_side_of_training_needs_no_torch() -> None:
    import subprocess

    code = (
        "import sys, app.workflows.train_model, app.workflows.report_privacy; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_layers_that_training_adds_are_published_and_stay_at_the_site(vault: Vault, tmp_path: Path) -> None:
    """Adapters have a graph of their own, which the published version runs; an update can't hold them."""
    plan = replace(PLAN, scope="adapter", steps=2, learning_rate=0.05)
    *_, result = train_model(vault, plan)
    assert isinstance(result, TrainingResult)
    *_, version = publish_model(vault, result, PublishPlan("now", tmp_path, threads=1, probes=8))
    assert isinstance(version, ModelVersion)
    assert 0 < version.card.parity.fp32_max_abs_diff < 1e-3
    start, own = starting_version(), load_version(vault, version.version_id)
    told = [load_predictor(v, find_encoder(), provider="cpu").logits(["tall stature"]) for v in (start, own)]
    assert abs(told[0] - told[1]).max() > 1e-3
    with pytest.raises(UpdateRefused, match="stays at this site"):
        review_update(vault)


def test_notes_without_labels_are_learned_from_under_the_same_ledger(
    vault: Vault, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_model_module, "PUBLIC_NOTES", 6)
    notes = replace(PLAN, task="mlm", scope="top", target_epsilon=2.0, steps=2, learning_rate=0.0)
    _, first = run(vault, notes)
    assert first is not None
    assert [e.task for e in vault.ledger()] == ["mlm"]
    assert "without their labels" in first.data_description
    changed = read_tensors(first.tensors)
    assert changed
    assert all(".layer.5." in name for name in changed)
    assert len(sent[0]["patients"]) == 9  # also her whose diagnosis was withdrawn
    assert {p["label"] for p in sent[0]["patients"]} == {-1}
    assert len(sent[0]["job"]["public_texts"]) == 6
    assert NAME.encode() not in msgspec.msgpack.encode(sent)
    with pytest.raises(BudgetExceeded, match="is spent already"):
        run(vault, replace(PLAN, target_epsilon=1.5))
    _, second = run(vault, replace(PLAN, target_epsilon=4.0, steps=2))
    assert second is not None
    assert 2.0 < second.privacy.epsilon <= 4.0
    assert [r.task for r in report_privacy(vault, Policy()).runs] == ["mlm", "diagnosis"]
    with pytest.raises(BudgetExceeded, match="above the cap"):
        run(vault, replace(notes, target_epsilon=5.0))


def test_a_scope_that_needs_labels_is_refused_for_notes_without() -> None:
    for scope in ("head", "adapter"):
        with pytest.raises(UsageError, match=f"{scope}.*notes without labels; choose one of top"):
            completed(replace(PLAN, task="mlm", scope=scope))
    with pytest.raises(UsageError, match="diagnosis, mlm"):
        completed(replace(PLAN, task="other"))
    assert completed(replace(PLAN, task="mlm", scope="full", learning_rate=0.0)).learning_rate < 0.001


@pytest.mark.skipif(devices_here() < 2, reason="needs two processor cores")
def test_two_devices_spend_what_one_spends(vault: Vault, tmp_path: Path) -> None:
    shared = replace(PLAN, scope="top", steps=3, block_steps=3, devices=2)
    progress, result = run(vault, shared)
    assert result is not None
    assert [p.step for p in progress if p.phase == "training"] == [1, 2, 3]
    changed = read_tensors(result.tensors)
    assert changed
    assert all(".layer.5." in name for name in changed)
    lonely, _ = Vault.create(
        tmp_path / "l.vault", user="ann", passphrase="correct horse", kdf=KdfParameters.fast_for_tests()
    )
    with lonely:
        confirm_one(lonely)
        _, alone = run(lonely, replace(shared, devices=1))
    assert alone is not None
    assert result.privacy == alone.privacy


def test_more_devices_than_there_are_and_several_for_the_head_are_refused() -> None:
    there = devices_here()
    with pytest.raises(UsageError, match=f"has {there} to train on"):
        completed(replace(PLAN, scope="lora", devices=there + 1))
    with pytest.raises(UsageError, match="has"):
        completed(replace(PLAN, scope="lora", devices=0))
    if there > 1:
        with pytest.raises(UsageError, match="on one device"):
            completed(replace(PLAN, devices=2))
        assert completed(replace(PLAN, devices=2, resume=True)).devices == 2
