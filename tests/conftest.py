"""Fixtures every room shares: where the real test data lies, and a quiet Qt."""

import os
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from unittest.mock import patch

import pytest
from argon2.low_level import hash_secret_raw

from app.store import key_derivation
from app.workflows import suggest_findings
from knowledge_graph.graph.cache import load_compiled
from knowledge_graph.graph.compiled_graph import CompiledGraph
from ml.inference import version_loading
from ml.recognition.lexicon_file import lexicon_from_bytes
from ml.registry.model_version import VersionContent
from ml.registry.starting_model import starting_version
from ml.text.encoder_files import EncoderFiles, find_encoder

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
def _one_starting_model() -> Iterator[None]:
    """The shipped model's file is put together once a process, not for every window and diagnosis.

    Any other model, and the shipped one over another encoder, is put together and checked each time.
    """
    really = version_loading.version_onnx
    start, default = cache(starting_version), cache(find_encoder)
    once = cache(lambda precision: really(start(), default(), precision=precision))

    def version_onnx(content: VersionContent, encoder: EncoderFiles, *, precision: str = "int8") -> bytes:
        if (content, encoder) == (start(), default()):
            return once(precision)
        return really(content, encoder, precision=precision)

    with patch.object(version_loading, "version_onnx", version_onnx):
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_lexicon() -> Iterator[None]:
    """A built lexicon is read once a process, not for every window; nothing alters it."""
    read = lru_cache(4)(lexicon_from_bytes)
    with patch.object(suggest_findings, "lexicon_from_bytes", read):
        yield


@pytest.fixture(scope="session", autouse=True)
def _slow_machine() -> Iterator[None]:
    """New slots cost the least that is ever chosen, as on a machine that works off no more in time."""
    with patch.object(key_derivation, "_seconds", lambda _cost: key_derivation.UNLOCK_S):
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_derivation() -> Iterator[None]:
    """The same passphrase, salt and cost give the same key, so it is derived once a process."""
    with patch("app.store.key_derivation.hash_secret_raw", cache(hash_secret_raw)):
        yield
