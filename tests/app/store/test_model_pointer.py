"""Which model is current stands in the database: an older record put back changes nothing, or is said."""

from pathlib import Path

import pytest

from app.store.model_pointer import VaultPointer
from app.workflows.list_models import model_store
from ml.registry.model_store import ModelStore
from ml.registry.model_version import TENSORS_FILE, ModelCard, pack_version
from tests.app.store.refusal import assert_only_reads, open_it

CARD = ModelCard(
    title="t", base_version="", scope="head", encoder="e", encoder_sha256="0" * 64, label_count=2
)


def _publish(store: ModelStore, weights: bytes) -> str:
    version = store.add(pack_version({TENSORS_FILE: weights}, CARD))
    store.set_current(version.version_id, at="2026", reason="publish")
    return version.version_id


def test_an_older_pointer_file_put_back_changes_nothing(path: Path) -> None:
    with open_it(path) as vault:
        by_file = ModelStore(vault.models_dir, vault.seal, vault.unseal)
        _publish(by_file, b"first")
        older = (vault.models_dir / "pointer").read_bytes()
        second = _publish(model_store(vault), b"second")
        assert not (vault.models_dir / "pointer").exists()
        (vault.models_dir / "pointer").write_bytes(older)
        assert model_store(vault).pointer().current == second
    with open_it(path, read_only=True) as vault:
        assert model_store(vault).pointer().current == second


def test_an_older_database_that_names_an_older_model_is_said(path: Path) -> None:
    with open_it(path) as vault:
        first = _publish(model_store(vault), b"first")
    older = (path / "vault.db").read_bytes()
    with open_it(path) as vault:
        assert model_store(vault).pointer().current == first
        _publish(model_store(vault), b"second")
    (path / "vault.db").write_bytes(older)
    assert_only_reads(path, "older than the vault's anchor")


@pytest.mark.parametrize("read_only", [True, False])
def test_a_pointer_from_before_the_database_kept_it_is_taken_over(path: Path, read_only: bool) -> None:
    with open_it(path) as vault:
        first = _publish(ModelStore(vault.models_dir, vault.seal, vault.unseal), b"first")
    with open_it(path, read_only=read_only) as vault:
        assert model_store(vault).pointer().current == first
        assert (vault.models_dir / "pointer").exists() is read_only


def test_the_change_of_model_is_one_audited_deed(path: Path) -> None:
    with open_it(path) as vault:
        before = vault.audit_count()
        VaultPointer(vault).write(b"{}")
        (event,) = vault.audit_events(limit=vault.audit_count() - before)
        assert (event.action, event.detail) == ("setting-changed", "models.pointer")


def test_a_version_under_another_versions_name_is_refused(path: Path) -> None:
    with open_it(path) as vault:
        store = model_store(vault)
        first, second = _publish(store, b"first"), _publish(store, b"second")
        versions = vault.models_dir / "versions"
        for name in sorted(p.name for p in (versions / second).iterdir()):
            (versions / second / name).write_bytes((versions / first / name).read_bytes())
        with pytest.raises(Exception, match="altered"):
            store.load(second)
