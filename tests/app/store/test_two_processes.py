"""One writer: a second process is told, may read, and takes over from a killed one."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.errors import VaultLocked
from app.store.check import check_vault
from tests.app.store.disk_states import digest
from tests.app.store.refusal import SCRATCH, SECRET, open_it

ROOT = Path(__file__).parents[3]

HOLD = """
import sys
from pathlib import Path
from app.store.vault import Vault
with Vault.open(Path(sys.argv[1]), user="ann", passphrase=sys.stdin.readline().rstrip()) as vault:
    print("open", flush=True)
    for line in sys.stdin:
        vault.set_setting("turn", line)
        print("done", flush=True)
"""


@pytest.fixture
def holder(path: Path) -> "subprocess.Popen[str]":
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(SECRET + "\n")
    child.stdin.flush()
    assert child.stdout.readline() == "open\n"
    return child


@pytest.mark.slow
def test_a_second_process_is_told_and_may_read_while_the_first_writes(
    path: Path, holder: "subprocess.Popen[str]"
) -> None:
    before = digest(path, without=SCRATCH)
    with pytest.raises(
        VaultLocked, match=rf"another window or process \(a window of ann since .*, process {holder.pid}\)"
    ):
        open_it(path)
    assert digest(path, without=SCRATCH) == before
    assert holder.stdin is not None
    assert holder.stdout is not None
    for _ in range(30):
        holder.stdin.write("x\n")
        holder.stdin.flush()
        with open_it(path, read_only=True) as reader:  # in the middle of commits and anchors
            assert "opened read-only" in str(reader.read_only_because)
            assert reader.verify_audit().intact
        assert holder.stdout.readline() == "done\n"
    holder.communicate()
    with open_it(path) as vault:
        assert not vault.read_only


@pytest.mark.slow
def test_a_killed_process_gives_the_writers_place_back_and_loses_nothing(
    path: Path, holder: "subprocess.Popen[str]"
) -> None:
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdin.write("kept\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "done\n"
    holder.kill()
    holder.communicate()
    with open_it(path) as vault:
        assert vault.setting("turn") == "kept\n"
        assert check_vault(vault).sound
