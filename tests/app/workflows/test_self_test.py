"""The self-test believes no part: what is broken is named with its remedy, and stops no other check."""

import shutil
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from app.config.part_check import PartCheck, PartStatus
from app.errors import PartBroken, PolicyError, RulesRefused, UsageError
from app.workflows import check_machine, check_update_file
from app.workflows.check_reasoning import Reasoning, check_rules, check_starting_model, gpu_is_absent
from app.workflows.check_trainer import trainer_is_absent
from app.workflows.self_test import SelfTestPlan, self_test
from ml.federated.base_version import BaseVersion
from ml.federated.payload import read_payload
from ml.federated.update_file import OpenedUpdate, SiteKeys, VerifiedUpdate, open_update
from ml.registry import starting_model


def first_checks(plan: SelfTestPlan, count: int) -> Iterator[PartCheck]:
    checks = (step for step in self_test(plan) if isinstance(step, PartCheck))
    return (next(checks) for _ in range(count))


def test_a_policy_that_is_not_understood_is_reported_and_stops_no_other_check(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("idle_lock_s = 1\n")
    checks = {check.name: check for check in first_checks(SelfTestPlan(policy=policy), 3)}
    assert checks["policy"].status is PartStatus.BROKEN
    assert str(policy) in checks["policy"].detail
    assert "idle_lock_s" in checks["policy"].detail
    assert checks["program"].status is checks["cache folder"].status is PartStatus.OK


def test_a_policy_is_told_in_words_with_its_path(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    assert check_machine.check_policy(policy) == f"no file at {policy}: the defaults hold"
    policy.write_text(
        'idle_lock_s = 60\nepsilon_cap = 3\nexport_allowed = false\nimport_folders = ["/srv"]\n'
    )
    told = check_machine.check_policy(policy)
    assert told == f"{policy}: locks after 60 s, epsilon at most 3, no export, imports from /srv"
    policy.write_bytes(b"\xff")
    with pytest.raises(PolicyError, match="cannot be read"):
        check_machine.check_policy(policy)


def test_a_hospitals_rules_file_with_a_mistake_is_found(tmp_path: Path, public_cache: Path) -> None:
    policy, own = tmp_path / "policy.toml", tmp_path / "own.toml"
    policy.write_text(f"rules_file = '{own}'\n")
    parts = Reasoning(public_cache)
    own.write_text("")
    assert check_rules(parts, policy).endswith(f"{own} is in force")
    own.write_text("[[red_flag]]\n")
    with pytest.raises(RulesRefused, match=r"own\.toml, line 1"):
        check_rules(parts, policy)


def test_an_altered_starting_model_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "model"
    shutil.copytree(Path(str(files("resources"))) / starting_model.FOLDER, folder)
    labels = bytearray((folder / "labels.json").read_bytes())
    labels[100] ^= 1
    (folder / "labels.json").write_bytes(labels)
    monkeypatch.setattr(starting_model, "FOLDER", str(folder))
    with pytest.raises(PartBroken, match=r"labels\.json .* was altered.*install the program again"):
        check_starting_model(Reasoning(tmp_path))


def test_an_update_file_is_sealed_verified_and_altered() -> None:
    assert "refused" in check_update_file.check_update_file()


def test_a_verifier_that_believes_altered_files_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    genuine: list[OpenedUpdate] = []

    def credulous(data: bytes, *, identity: str, trusted: SiteKeys, base: BaseVersion) -> VerifiedUpdate:
        if not genuine:
            genuine.append(open_update(data, identity))
        return VerifiedUpdate(genuine[0].statement, genuine[0].digest, read_payload(genuine[0].payload))

    monkeypatch.setattr(check_update_file, "verify_update_file", credulous)
    with pytest.raises(PartBroken, match="export nothing"):
        check_update_file.check_update_file()


def test_a_cache_folder_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ANAMNESIS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UsageError, match="ANAMNESIS_CACHE"):
        check_machine.check_cache()


def test_a_qt_that_ends_its_process_is_reported_with_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import os; os.write(2, b'qt.qpa.plugin: libxcb-cursor.so.0 is missing\\n'); os.abort()"
    monkeypatch.setattr(check_machine, "program_command", lambda *words: [sys.executable, "-c", code])
    with pytest.raises(PartBroken, match=r"libxcb-cursor\.so\.0"):
        list(check_machine.check_window())


def test_a_package_without_its_trainer_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trainer_is_absent() == ""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "program" / "anamnesis"))
    monkeypatch.delenv("ANAMNESIS_TRAINER", raising=False)
    assert "anamnesis-trainer" in trainer_is_absent()
    trainer = tmp_path / "trainer" / "anamnesis-trainer"
    trainer.parent.mkdir()
    trainer.write_text("")
    assert trainer_is_absent() == ""


def test_a_gpu_that_was_asked_for_is_never_passed_over(tmp_path: Path) -> None:
    assert gpu_is_absent(Reasoning(tmp_path, "cuda")) == ""
    assert "--provider cpu" in gpu_is_absent(Reasoning(tmp_path, "cpu"))
