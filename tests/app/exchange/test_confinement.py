"""A reader of foreign files can read them, and nothing else: whatever code runs in it."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.exchange.confinement import GUARD, NAMESPACE, SECCOMP

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are the Linux kernel's")
ROOT = Path(__file__).parents[3]
TRY = """
import ctypes, json, os, resource, signal, socket, sys
import app.exchange.confinement as confinement
way, native, folder = sys.argv[1], sys.argv[2] == "native", sys.argv[3]
if native:
    confinement._guard = lambda *_: None  # as code of a library that the parsers use, taken over
limits = confinement.Confinement(memory_bytes=1 << 30, cpu_s=0, ways=(way,))
told = {"way": confinement.confine(limits), "core dump": resource.getrlimit(resource.RLIMIT_CORE)[1] > 0}
libc = ctypes.CDLL(None, use_errno=True)
def tried(deed):
    try:
        return bool(deed())
    except (OSError, MemoryError):
        return False
def connect():
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", int(sys.argv[4]))) == 0
told["read"] = tried(lambda: open(folder + "/kept").read())
told["connect"] = tried(connect)
told["native socket"] = libc.socket(2, 1, 0) >= 0
told["write"] = tried(lambda: open(folder + "/written", "w").write("x"))
told["append"] = tried(lambda: open(folder + "/kept", "a").write("x"))
told["native create"] = libc.open((folder + "/created").encode(), os.O_WRONLY | os.O_CREAT, 0o600) >= 0
told["remove"] = libc.unlink((folder + "/kept").encode()) == 0
told["signal"] = libc.kill(os.getppid(), 0) == 0
told["run"] = tried(lambda: os.waitstatus_to_exitcode(os.system("true")) == 0)
told["memory"] = tried(lambda: bytearray(2 << 30))
print(json.dumps(told), flush=True)
confinement.renew_cpu(limits)
while way == confinement.SECCOMP:
    pass
"""


def confined(way: str, how: str, folder: Path, port: int) -> tuple[dict[str, object], int]:
    """What a process that was confined one way could do, and how a loop without end then ended it."""
    (folder / "kept").write_text("kept", "utf-8")
    command = [sys.executable, "-c", TRY, way, how, str(folder), str(port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.stdout, done.stderr[-2000:]
    return json.loads(done.stdout), done.returncode


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine that somebody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.slow
def test_by_seccomp_even_native_code_has_no_network_and_changes_nothing(tmp_path: Path, port: int) -> None:
    told, code = confined(SECCOMP, "native", tmp_path, port)
    if told["way"] != SECCOMP:
        pytest.skip("libseccomp is not installed here")
    assert told.pop("read") is True
    assert {name for name, could in told.items() if could is True} == set()
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert code == -signal.SIGXCPU


@pytest.mark.slow
def test_without_it_a_namespace_without_a_network_serves(tmp_path: Path, port: int) -> None:
    told, _ = confined(NAMESPACE, "native", tmp_path, port)
    if told["way"] != NAMESPACE:
        pytest.skip("this kernel lets no user make a namespace")
    assert told["connect"] is False


@pytest.mark.slow
def test_the_guard_alone_stops_what_goes_through_python(tmp_path: Path, port: int) -> None:
    told, _ = confined(GUARD, "python", tmp_path, port)
    assert told["way"] == GUARD
    assert [told[deed] for deed in ("connect", "write", "append", "run", "memory")] == [False] * 5
    assert told["read"] is True


@pytest.mark.slow
def test_the_trial_convicts_where_nothing_confines(tmp_path: Path, port: int) -> None:
    told, _ = confined("none", "native", tmp_path, port)
    assert [told[deed] for deed in ("connect", "native socket", "remove", "signal", "run")] == [True] * 5
