"""A check and a rehearsed restore read the sealed models, too; a damaged one keeps nobody from a backup."""

from pathlib import Path

import pytest

from app.errors import VaultDamaged
from app.store.backup import back_up, restore
from app.store.check import check_vault
from app.store.key_derivation import KdfParameters
from app.store.restoring import rehearse_restore
from app.store.vault import Vault
from tests.app.store.prepared_rekey import prepare_rekey
from tests.app.store.refusal import SECRET, open_it

PLACE = Path("models") / "versions" / "one" / "weights.bin"
SAYS = f"sealed file: {PLACE.as_posix()} was altered"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made, _ = Vault.create(tmp_path / "v", user="ann", passphrase=SECRET, kdf=KdfParameters.fast_for_tests())
    with made:
        (made.path / PLACE).parent.mkdir(parents=True)
        (made.path / PLACE).write_bytes(made.seal("weights", b"whole" * 100))
        draft = made.models_dir / ".draft-1"
        draft.mkdir()
        (draft / "weights.bin").write_bytes(b"half of it")
    return tmp_path / "v"


def flip(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("place", [0, 9, 12, 30, -1])
def test_an_altered_model_is_found_where_sealed_files_are_read(path: Path, place: int) -> None:
    with open_it(path, read_only=True) as vault:
        assert check_vault(vault, sealed_files=True).sound
    flip(path / PLACE, place)
    with open_it(path, read_only=True) as vault:
        assert check_vault(vault, sealed_files=True).problems == (SAYS,)
        assert check_vault(vault).sound


def test_a_rehearsed_restore_says_that_a_model_is_damaged(path: Path, tmp_path: Path) -> None:
    with open_it(path) as vault:
        back_up(vault, tmp_path / "b", passphrase=SECRET)
    assert rehearse_restore(tmp_path / "b", user="ann", passphrase=SECRET).audit_events > 0
    flip(tmp_path / "b" / PLACE, -1)
    with pytest.raises(VaultDamaged, match=SAYS):
        rehearse_restore(tmp_path / "b", user="ann", passphrase=SECRET)


def test_a_damaged_model_keeps_nobody_from_backing_up_restoring_or_changing_the_key(
    path: Path, tmp_path: Path
) -> None:
    flip(path / PLACE, -1)
    with open_it(path) as vault:
        back_up(vault, tmp_path / "b", passphrase=SECRET)
    restore(tmp_path / "b", tmp_path / "r", user="ann", passphrase=SECRET)
    prepare_rekey(open_it(path), passphrase=SECRET).commit()
    for place in (path, tmp_path / "r"):
        with open_it(place, read_only=True) as vault:
            assert check_vault(vault, sealed_files=True).problems == (SAYS,)
