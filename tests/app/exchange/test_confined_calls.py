"""What native code that has taken a reader over asks of the kernel, call by call."""

import json
import subprocess
import sys
from ctypes.util import find_library
from pathlib import Path

import pytest

from app.exchange.confinement import SECCOMP

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the calls are the Linux kernel's"),
    pytest.mark.skipif(not find_library("seccomp"), reason="libseccomp is not installed here"),
]
ROOT = Path(__file__).parents[3]
BEGIN = """
import ctypes, fcntl, json, os, pty, sys, termios
import app.exchange.confinement as confinement
way, kept = sys.argv[1], sys.argv[2].encode()
terminal = pty.openpty()[1]
told = {"way": confinement.confine(confinement.Confinement(ways=(way,)))}
libc = ctypes.CDLL(None, use_errno=True)
wide = ctypes.c_ulong
number_of = ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_name
def call(what, *arguments):  # not by libc, which puts a newer call in an older one's place
    number = number_of(what.encode()) if isinstance(what, str) else what
    return libc.syscall(wide(number), *(wide(a) if isinstance(a, int) else a for a in arguments))
"""
DEEDS = """
five, parent, more = (ctypes.c_int64 * 4)(5, 0, 5, 0), os.getppid(), 1 << 32
deeds = {
    "utime": lambda: call("utime", kept, five),
    "utimes": lambda: call("utimes", kept, five),
    "futimesat": lambda: call("futimesat", -100, kept, five),
    "utimensat": lambda: call("utimensat", -100, kept, five, 0),
    "setxattr": lambda: call("setxattr", kept, b"user.a", b"x", 1, 0),
    "setxattrat": lambda: call(463, -100, kept, 0, b"user.b", (ctypes.c_uint64 * 2)(0, 1), 16),
    "type": lambda: libc.ioctl(terminal, wide(termios.TIOCSTI), b"i"),
    "type, in more bits": lambda: libc.ioctl(terminal, wide(more | termios.TIOCSTI), b"i"),
    "resize": lambda: libc.ioctl(terminal, wide(termios.TIOCSWINSZ), b"12345678"),
    "lock": lambda: libc.flock(terminal, fcntl.LOCK_SH),
    "signal by owner": lambda: libc.fcntl(terminal, fcntl.F_SETOWN, parent),
    "signal by owner, in more bits": lambda: libc.fcntl(terminal, wide(more | fcntl.F_SETOWN), parent),
    "slow another": lambda: libc.setpriority(0, parent, 0),
    "shared memory": lambda: 0 if libc.shmget(0, 4096, 0o1600) >= 0 else -1,
}
told |= {name: deed() == 0 for name, deed in deeds.items()}
print(json.dumps(told), flush=True)
"""
LIST = """
def errno_of(number):
    ctypes.set_errno(0)
    call(number, *[-1] * 6)
    return ctypes.get_errno()
numbers = {name: number_of(name.encode()) for name in confinement._FORBIDDEN}
told["named"] = {name: errno_of(number) for name, number in numbers.items() if number >= 0}
told["new"] = {n: errno_of(n) for n in confinement._NEW if n not in confinement._HARMLESS_NEW}
print(json.dumps(told), flush=True)
"""


def told_by(script: str, way: str, folder: Path) -> dict[str, object]:
    """What a process that was confined one way could do."""
    (folder / "kept").write_text("kept", "utf-8")
    command = [sys.executable, "-c", BEGIN + script, way, str(folder / "kept")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.stdout, done.stderr[-2000:]
    told: dict[str, object] = json.loads(done.stdout)
    assert (told.pop("way") == SECCOMP) == (way == SECCOMP)
    return told


def test_no_time_or_attribute_of_a_file_changes_and_nothing_reaches_a_terminal_or_a_process(
    tmp_path: Path,
) -> None:
    told = told_by(DEEDS, SECCOMP, tmp_path)
    assert [name for name, could in told.items() if could] == []
    assert (tmp_path / "kept").stat().st_mtime > 5


def test_the_trial_convicts_where_nothing_confines(tmp_path: Path) -> None:
    told = told_by(DEEDS, "none", tmp_path)
    changes = ("utime", "utimes", "futimesat", "utimensat", "resize", "lock", "signal by owner")
    assert [told[name] for name in changes] == [True] * 7
    assert [told[name] for name in ("signal by owner, in more bits", "slow another")] == [True] * 2
    assert (tmp_path / "kept").stat().st_mtime == 5


def test_every_call_of_the_list_is_refused_and_of_the_new_ones_all_but_harmless(tmp_path: Path) -> None:
    told = told_by(LIST, SECCOMP, tmp_path)
    assert set(told["named"].values()) == {1}  # type: ignore[attr-defined]
    assert set(told["new"].values()) == {38}  # type: ignore[attr-defined]
