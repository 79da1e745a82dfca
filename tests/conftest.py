"""Fixtures every room shares: where the real test data lies, and a quiet Qt."""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from app.store import key_derivation
from knowledge_graph.graph.cache import load_compiled
from knowledge_graph.graph.compiled_graph import CompiledGraph
from tests.made_once import made_once

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["XDG_STATE_HOME"] = (
    os.devnull
)  # wrong passphrases are counted in no real account; a test names a folder

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real, public samples beside the checkout; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the shared test data (../shared/data) is not beside this checkout")
    return SHARED


@pytest.fixture(scope="session")
def public_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for derived public files, kept between runs beside pytest's own temporary folders."""
    folder = tmp_path_factory.getbasetemp().parent.parent / "anamnesis-test-cache"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def real_graph(public_cache: Path) -> CompiledGraph:
    """The compiled HPO release of the installed wheel."""
    return load_compiled(public_cache)


@pytest.fixture(scope="session", autouse=True)
def _made_once() -> Iterator[None]:
    """What costs seconds and cannot change is not made again for every window, vault and diagnosis."""
    with made_once():
        yield


@pytest.fixture(scope="session", autouse=True)
def _slow_machine() -> Iterator[None]:
    """New slots cost the least that is ever chosen, as on a machine that works off no more in time."""
    with patch.object(key_derivation, "_seconds", lambda _cost: key_derivation.UNLOCK_S):
        yield
