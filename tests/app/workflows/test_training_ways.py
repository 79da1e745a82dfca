"""Private training in other ways than a head of labels: under the same ledger, to the same end."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.config.policy import Policy
from app.errors import BudgetExceeded
from app.store.vault import Vault
from app.workflows import train_model as train_model_module
from app.workflows import trainer_process, write_notes
from app.workflows.frame_process import FrameProcess
from app.workflows.list_models import load_version
from app.workflows.plan_training import declare_diseases, devices_here
from app.workflows.publish_model import PublishPlan, publish_model
from app.workflows.report_privacy import report_privacy
from app.workflows.review_update import review_update
from app.workflows.train_model import train_model
from ml.errors import UpdateRefused
from ml.inference.version_loading import load_predictor
from ml.registry.model_version import ModelVersion
from ml.registry.starting_model import starting_version
from ml.registry.tensor_file import read_tensors
from ml.registry.training_result import TrainingResult
from ml.text.encoder_files import find_encoder
from tests.app.workflows.one_confirmed import confirm_one
from tests.app.workflows.thread_process import train_in_a_thread
from tests.app.workflows.training_site import NAME, PLAN, confirmed_site, empty_vault, frames_sent, run

pytestmark = pytest.mark.slow


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    train_in_a_thread(monkeypatch)
    with confirmed_site(tmp_path) as made:
        yield made


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    return frames_sent(monkeypatch)


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


def test_a_head_of_common_conditions_alone_starts_from_notes_of_theirs(
    vault: Vault, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_notes, "PUBLIC_NOTES", 48)
    declare_diseases(vault, ["COMMON:migraine"])
    run(vault)
    told = sent[0]["job"]["public_texts"]
    assert len(told) == 48
    assert sum("migraine" in text.lower() for text in told) > len(told) / 2


@pytest.mark.parametrize(("steps", "asked"), [(3, 0), (20, 1)])
def test_a_head_that_may_look_whether_it_is_right_is_sent_public_messages(
    vault: Vault, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, steps: int, asked: int
) -> None:
    monkeypatch.setattr(train_model_module, "public_messages", lambda _: ("My head hurts.",))
    run(vault, replace(PLAN, scope="head", optimizer="", steps=steps, block_steps=steps))
    assert len(sent[0]["job"]["public_messages"]) == asked


@pytest.mark.skipif(devices_here() < 2, reason="needs two processor cores")
def test_two_devices_spend_what_one_spends(
    tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = replace(PLAN, scope="top", steps=3, block_steps=3, devices=2)
    with monkeypatch.context() as processes:
        processes.setattr(trainer_process, "FrameProcess", FrameProcess)  # a team meets between processes
        progress, result = run(vault, shared)
    assert result is not None
    assert [p.step for p in progress if p.phase == "training"] == [1, 2, 3]
    changed = read_tensors(result.tensors)
    assert changed
    assert all(".layer.5." in name for name in changed)
    with empty_vault(tmp_path / "l.vault") as lonely:
        confirm_one(lonely)
        _, alone = run(lonely, replace(shared, devices=1))
    assert alone is not None
    assert result.privacy == alone.privacy
