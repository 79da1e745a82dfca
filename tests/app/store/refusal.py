"""What the tests of refusals share: the vault's person, and what refusing or only reading must leave."""

from pathlib import Path

import pytest

from app.errors import VaultError
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault
from tests.app.store.disk_states import digest

FAST = KdfParameters.fast_for_tests()
SECRET = "correct horse battery"
SCRATCH = ("vault.db-shm",)  # SQLite's shared memory: rebuilt at every opening, never read after a stop


def open_it(path: Path, *, read_only: bool = False) -> Vault:
    return Vault.open(path, user="ann", passphrase=SECRET, read_only=read_only)


def assert_refused(path: Path, error: type[VaultError], says: str) -> None:
    before = digest(path, without=SCRATCH)
    for read_only in (False, True):
        with pytest.raises(error, match=says) as refused:
            open_it(path, read_only=read_only)
        assert "\n" not in str(refused.value)
        assert SECRET not in str(refused.value)
        assert digest(path, without=SCRATCH) == before


def assert_only_reads(path: Path, says: str) -> None:
    before = digest(path, without=SCRATCH)
    with open_it(path) as vault:
        assert says in str(vault.read_only_because)
        with pytest.raises(VaultError, match="nothing can be changed"):
            vault.set_setting("a", "1")
        assert vault.patient_count() <= 1
    assert digest(path, without=SCRATCH) == before
