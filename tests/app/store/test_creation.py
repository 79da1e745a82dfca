"""A new vault is made whole or not at all, as dear to guess at as the machine allows."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from argon2.low_level import hash_secret_raw

from app.errors import UsageError, VaultError
from app.store import key_derivation
from app.store.header import read_header
from app.store.key_derivation import KdfParameters, cost_for_this_machine, strongest_within
from app.store.vault import Vault

FAST = KdfParameters.fast_for_tests()
SECRET = "correct horse battery"
MEASURED = key_derivation._seconds  # before the tests are told that this machine is slow


@pytest.mark.parametrize("was_there", [False, True])
def test_a_vault_that_cannot_be_made_leaves_nothing(tmp_path: Path, was_there: bool) -> None:
    if was_there:
        (tmp_path / "v").mkdir()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(VaultError, match="free space"):
            Vault.create(tmp_path / "v", user="ann", passphrase=SECRET, kdf=FAST)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [p.name for p in tmp_path.rglob("*")] == (["v"] if was_there else [])


@pytest.mark.parametrize("what", ["file", "full folder", "dangling link"])
def test_what_is_there_already_stays(tmp_path: Path, what: str) -> None:
    target = tmp_path / "v"
    if what == "file":
        target.write_text("mine")
    elif what == "full folder":
        target.mkdir()
        (target / "mine").write_text("mine")
    else:
        target.symlink_to("nowhere")
    with pytest.raises(UsageError, match="there already"):
        Vault.create(target, user="ann", passphrase=SECRET, kdf=FAST)
    assert len(list(tmp_path.rglob("*"))) == (2 if what == "full folder" else 1)


@pytest.mark.parametrize(
    ("s_per_mib", "memory_mib", "memory", "passes"),
    [
        (1e-5, 65_536, 512, 16),
        (2e-4, 65_536, 512, 4),
        (5e-4, 65_536, 256, 3),
        (5e-4, 1024, 128, 7),
        (1e-3, 65_536, 128, 3),
        (0.1, 65_536, 64, 3),
        (1e-5, 128, 64, 3),
    ],
)
def test_the_cost_grows_with_the_machine_and_has_a_floor(
    s_per_mib: float, memory_mib: int, memory: int, passes: int
) -> None:
    cost = strongest_within(0.5, s_per_mib=s_per_mib, memory_mib=memory_mib)
    assert (cost.memory_kib, cost.time_cost) == (memory * 1024, passes)


@pytest.mark.slow
def test_the_cost_of_this_machine_is_stored_and_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_derivation, "_seconds", MEASURED)
    monkeypatch.setattr(key_derivation, "hash_secret_raw", hash_secret_raw)  # not from memory
    cost = cost_for_this_machine()
    assert cost.memory_kib >= 64 * 1024
    assert cost.time_cost >= 3
    Vault.create(tmp_path / "v", user="ann", passphrase=SECRET, kdf=cost)[0].close()
    assert {slot.kdf for slot in read_header(tmp_path / "v").slots} == {cost.checked()}
    Vault.open(tmp_path / "v", user="ann", passphrase=SECRET).close()


PROBE = """
import ctypes, resource, sys
from pathlib import Path
from app.store.vault import Vault
with Vault.open(Path(sys.argv[1]), user="ann", passphrase=sys.stdin.readline().rstrip()) as vault:
    print(resource.getrlimit(resource.RLIMIT_CORE)[0], ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's; elsewhere only the limit is set")
def test_a_process_that_holds_a_key_leaves_no_core_dump(tmp_path: Path) -> None:
    Vault.create(tmp_path / "v", user="ann", passphrase=SECRET, kdf=FAST)[0].close()
    command = [sys.executable, "-c", PROBE, str(tmp_path / "v")]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, input=f"{SECRET}\n", capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.split() == ["0", "0"]


@pytest.mark.parametrize("read_only", [False, True])
def test_temporary_data_stays_in_memory_at_every_opening(tmp_path: Path, read_only: bool) -> None:
    Vault.create(tmp_path / "v", user="ann", passphrase=SECRET, kdf=FAST)[0].close()
    with Vault.open(tmp_path / "v", user="ann", passphrase=SECRET, read_only=read_only) as vault:
        assert vault.session().rows("PRAGMA temp_store") == [(2,)]
        assert vault.session().rows("PRAGMA cache_size") == [(-65_536,)]
        compiled = {row[0] for row in vault.session().rows("PRAGMA compile_options")}
        assert compiled.isdisjoint({"TEMP_STORE=0"})
