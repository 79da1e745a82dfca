"""Fixtures every room shares: where the real test data lies, and a quiet Qt."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real, public samples beside the checkout; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the shared test data (../shared/data) is not beside this checkout")
    return SHARED
