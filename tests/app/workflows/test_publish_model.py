"""A training result becomes a version in a real vault: exported, checked, audited, and undone."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.errors import ModelUnavailable
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault
from app.workflows.list_models import current_version, list_models, load_version, named_card, result_store
from app.workflows.publish_model import PublishPlan, publish_model, waiting_result
from app.workflows.roll_back import roll_back
from ml.errors import ModelFileError
from ml.inference.version_loading import load_predictor
from ml.registry.model_version import TENSORS_FILE, ModelVersion
from ml.registry.starting_model import starting_version
from ml.registry.tensor_file import read_tensors, write_tensors
from ml.registry.training_result import PrivacyClaim, TrainingResult
from ml.text.encoder_files import find_encoder

pytestmark = pytest.mark.slow
DIAGNOSIS = 7


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    path = tmp_path_factory.mktemp("publish") / "site.vault"
    vault, _ = Vault.create(path, user="ada", passphrase="correct horse", kdf=KdfParameters.fast_for_tests())
    with vault:
        yield vault


@pytest.fixture(scope="module")
def result() -> TrainingResult:
    start = starting_version()
    bias = read_tensors(start.files[TENSORS_FILE])["head.bias"]
    bias[DIAGNOSIS] += 40
    return TrainingResult(
        run_id="run-1",
        base_version=start.version.version_id,
        scope="head",
        tensors=write_tensors({"head.bias": bias}),
        privacy=PrivacyClaim(epsilon=2.5, delta=1e-5, mechanism="DP-SGD"),
    )


@pytest.fixture(scope="module")
def published(vault: Vault, result: TrainingResult, public_cache: Path) -> ModelVersion:
    result_store(vault).put(result)
    plan = PublishPlan("2025-01-02T03:04:05+00:00", public_cache, threads=1, probes=28)
    *progress, version = publish_model(vault, waiting_result(vault), plan)
    assert all(isinstance(line, str) for line in progress)
    assert isinstance(version, ModelVersion)
    assert result_store(vault).run_ids() == ()
    return version


def test_a_fresh_vault_uses_the_starting_model(tmp_path: Path) -> None:
    vault, _ = Vault.create(
        tmp_path / "new.vault", user="ada", passphrase="correct horse", kdf=KdfParameters.fast_for_tests()
    )
    with vault:
        assert current_version(vault).version == starting_version().version
        assert [row.current for row in list_models(vault)] == [True]
        with pytest.raises(ModelUnavailable, match="nothing to go back to"):
            roll_back(vault, at="2025-01-01")
        with pytest.raises(ModelUnavailable, match="train"):
            waiting_result(vault)
        for run_id in ("run-1", "run-2"):
            result_store(vault).put(TrainingResult(run_id, "", "head", b""))
        assert waiting_result(vault, "run-1").run_id == "run-1"
        with pytest.raises(ModelUnavailable, match="run-3 waits; name one of run-1, run-2"):
            waiting_result(vault, "run-3")


def test_a_result_is_published_used_audited_and_rolled_back(vault: Vault, published: ModelVersion) -> None:
    """One story, since each export takes seconds and a test may run in a process of its own."""
    _is_current_and_says_its_guarantee(vault, published)
    _predicts_what_was_learned(vault, published)
    assert any(
        e.action == "model.publish" and e.record_id == published.version_id for e in vault.audit_events(50)
    )
    _is_refused_when_altered(vault, published)
    _can_be_left_and_taken_again(vault, published)


def _is_current_and_says_its_guarantee(vault: Vault, published: ModelVersion) -> None:
    assert published.card.privacy.epsilon == 2.5
    assert published.card.base_version == starting_version().version.version_id
    assert published.card.parity.fp32_max_abs_diff < 1e-3
    start, row = list_models(vault)
    assert (start.current, row.current) == (False, True)
    assert "epsilon 2.5" in named_card((row,), published.version_id[:8])


def _predicts_what_was_learned(vault: Vault, published: ModelVersion) -> None:
    model = load_predictor(current_version(vault), find_encoder(), provider="cpu")
    assert model.version == published.version_id
    assert int(np.argmax(model.log_probabilities(["weakness and seizures"])[0])) == DIAGNOSIS


def _is_refused_when_altered(vault: Vault, published: ModelVersion) -> None:
    path = vault.models_dir / "versions" / published.version_id / TENSORS_FILE
    sealed = path.read_bytes()
    path.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    with pytest.raises(Exception, match=r"alter|damage"):
        load_version(vault, published.version_id)
    path.write_bytes(sealed)
    assert load_version(vault, published.version_id).version == published


def _can_be_left_and_taken_again(vault: Vault, published: ModelVersion) -> None:
    assert roll_back(vault, at="2025-02-01") == starting_version().version
    assert current_version(vault).version == starting_version().version
    assert roll_back(vault, at="2025-02-02", to=published.version_id[:10]) == published
    with pytest.raises(ModelFileError, match="no model version"):
        roll_back(vault, at="2025-02-03", to="ffff")
