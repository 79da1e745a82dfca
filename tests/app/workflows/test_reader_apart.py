"""The reader of foreign files has no terminal, and is ended all the same by a Ctrl+C in its asker's."""

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")]
ASKER = """
import fcntl, os, signal, sys, termios, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the tests' own asker ignores
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from pathlib import Path
from app.exchange.reader import ReadPlan
from app.exchange.source_file import SourceFile
from app.workflows.foreign_gate import ForeignGate
try:
    with ForeignGate(ReadPlan(), {}) as gate:
        gate.members(SourceFile(Path(sys.argv[1])))
        print(gate.pid, os.getsid(gate.pid) == gate.pid, os.getsid(0) == os.getpid(), flush=True)
        time.sleep(60)
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


def test_a_reader_has_a_session_of_its_own_and_a_ctrl_c_ends_it_with_its_asker(tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("Has fever.", "utf-8")
    keyboard, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", ASKER, str(note)],
        stdin=terminal,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    ) as asker:
        assert asker.stdout is not None
        reader, apart, at_terminal = asker.stdout.readline().split()
        assert (apart, at_terminal) == ("True", "True")
        assert Path(f"/proc/{reader}/stat").read_text("ascii").rpartition(")")[2].split()[4] == "0"
        os.write(keyboard, b"\x03")
        assert asker.stdout.readline() == "stopped\n"
    os.close(keyboard)
    os.close(terminal)
    gone = time.monotonic() + 10
    while Path(f"/proc/{reader}").exists() and time.monotonic() < gone:
        time.sleep(0.05)
    assert not Path(f"/proc/{reader}").exists()
