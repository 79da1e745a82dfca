"""On a network share a vault has one place, for a reader too; elsewhere others may read meanwhile."""

from pathlib import Path

import pytest

from app.errors import VaultLocked
from app.store import network_share
from app.store.network_share import networked, on_network_share
from tests.app.store.refusal import open_it

MOUNTS = """rootfs / ext4 rw 0 0
files:/records /srv/records nfs4 rw 0 0
//files/old /srv/old\\040records cifs rw 0 0
/dev/sdb1 /srv/records/local xfs rw 0 0
someone@host:/ /home/ann/remote fuse.sshfs rw 0 0
portal /run/user/1000/doc fuse.portal rw 0 0
cut line
"""


@pytest.mark.parametrize(
    ("folder", "shared"),
    [
        ("/srv/records/clinic.vault", True),
        ("/srv/records", True),
        ("/srv/records2/clinic.vault", False),
        ("/srv/records/local/clinic.vault", False),
        ("/srv/old records/clinic.vault", True),
        ("/home/ann/remote/v", True),
        ("/home/ann/v", False),
        ("/run/user/1000/doc/v", False),
    ],
)
def test_the_innermost_mount_says_whether_it_is_a_share(folder: str, shared: bool) -> None:
    assert networked(Path(folder), MOUNTS) is shared


def test_this_machines_mounts_can_be_read(tmp_path: Path) -> None:
    assert on_network_share(tmp_path) in (True, False)


@pytest.fixture
def share(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"files:/r {path.resolve()} nfs4 rw 0 0\n")
    monkeypatch.setattr(network_share, "MOUNTS", mounts)
    return path


@pytest.mark.skipif(not Path("/proc/self/mounts").exists(), reason="mounts are listed so on Linux alone")
def test_on_a_share_a_reader_is_told_while_another_writes_and_a_writer_while_another_reads(
    share: Path,
) -> None:
    for first, second in ((False, True), (True, False), (True, True)):
        with open_it(share, read_only=first), pytest.raises(VaultLocked, match="another window or process"):
            open_it(share, read_only=second)
    with open_it(share, read_only=True) as vault:
        assert vault.patient_count() == 1


def test_elsewhere_others_may_read_meanwhile(path: Path) -> None:
    with open_it(path), open_it(path, read_only=True) as reader:
        assert reader.patient_count() == 1
