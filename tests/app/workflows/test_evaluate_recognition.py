"""The recogniser keeps its accuracy on annotated public texts, and refuses a folder without them."""

from pathlib import Path

import pytest

from app.errors import UsageError
from app.workflows.evaluate_recognition import measure

pytestmark = pytest.mark.slow


def silent(text: str, **fields: object) -> None:
    """Progress that nobody watches."""


def test_findings_and_negation_are_read_at_least_as_well_as_promised(shared_data: Path) -> None:
    result = measure(silent, size=None, data=str(shared_data))
    assert result["term_f1"] >= 0.74  # type: ignore[operator]
    assert result["negation_f1"] >= 0.95  # type: ignore[operator]
    assert result["sentences"] == 1122


def test_a_folder_without_texts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="hpo_concepts"):
        measure(silent, data=str(tmp_path))
