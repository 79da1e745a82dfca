"""A training result survives sealing and storing; a foreign one is refused."""

from pathlib import Path

import pytest

from ml.errors import ModelFileError
from ml.registry.result_store import ResultStore
from ml.registry.training_result import PrivacyClaim, TrainingResult

RESULT = TrainingResult(
    run_id="run-1", base_version="0" * 64, scope="head", tensors=b"x", privacy=PrivacyClaim(epsilon=3.0)
)


def test_a_result_comes_back_as_it_went_in(tmp_path: Path) -> None:
    store = ResultStore(tmp_path)
    store.put(RESULT)
    assert store.get("run-1") == RESULT
    assert store.run_ids() == ("run-1",)
    store.remove("run-1")
    assert store.run_ids() == ()


def test_a_result_is_kept_sealed(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, lambda _, data: data[::-1], lambda _, data: data[::-1])
    store.put(RESULT)
    assert (tmp_path / "run-1.result").read_bytes() == RESULT.to_bytes()[::-1]
    assert store.get("run-1") == RESULT


@pytest.mark.parametrize("run_id", ["", "../x", "a/b", "a.b"])
def test_a_run_id_cannot_leave_the_folder(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(ModelFileError):
        ResultStore(tmp_path).get(run_id)


def test_foreign_bytes_are_refused() -> None:
    with pytest.raises(ModelFileError):
        TrainingResult.from_bytes(b"\x80\x04K\x01.")


@pytest.mark.parametrize("data", [b"\x81\xa6run_id\xa1\xff", b"\x91" * 10_000, b"", b"\xc1"])
def test_bytes_of_another_form_are_refused(data: bytes) -> None:
    with pytest.raises(ModelFileError, match="no"):
        TrainingResult.from_bytes(data)
