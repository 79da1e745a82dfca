"""Compiles and drives the injector: this process, started again with it loaded, forks a child a fault."""

import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from app.errors import AnamnesisError
from ml.errors import MlError

SOURCE = Path(__file__).with_name("injector.c")
LOADED = "ANAMNESIS_TEST_INJECTOR"


class Fault(IntEnum):
    """What happens at the chosen call, and for the last of each pair at every call after it."""

    NOTHING = 0
    KILL = 1
    TORN = 2
    FULL_ONCE = 3
    FULL = 4
    BROKEN_ONCE = 5
    BROKEN = 6
    UNREADABLE_ONCE = 7
    UNREADABLE = 8

    @property
    def kills(self) -> bool:
        """Whether the process dies of it."""
        return self in (Fault.KILL, Fault.TORN)

    @property
    def at_reads(self) -> bool:
        """Whether it counts reads instead of changes."""
        return self in (Fault.UNREADABLE_ONCE, Fault.UNREADABLE)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended: `finished`, `refused`, `crashed` or `killed`; what it acknowledged; its calls."""

    how: str
    said: str
    acknowledged: tuple[str, ...]
    changes: int = 0
    reads: int = 0


def compiler() -> str | None:
    """A C compiler, where this machine has one (and loads libraries as Linux does)."""
    return shutil.which("gcc") or shutil.which("cc") if sys.platform == "linux" else None


def start_again_with_injector(memory: Path | None) -> Path:
    """Start this process anew with the library loaded; gives the scratch folder that lies in `memory`."""
    if not os.environ.get(LOADED):
        _load(memory)
    return Path(os.environ[LOADED]).parent


def _load(memory: Path | None) -> None:
    scratch = Path(tempfile.mkdtemp(dir=memory, prefix="anamnesis-faults-"))
    built = scratch / "injector.so"
    command = [compiler() or "gcc", "-shared", "-fPIC", "-O1", "-o", str(built), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    os.environ |= {"LD_PRELOAD": str(built), LOADED: str(built), "XDG_STATE_HOME": os.devnull}
    os.execv(sys.executable, [sys.executable, "-m", "tests.faults", *sys.argv[1:]])


def library() -> ctypes.CDLL:
    """The loaded injector."""
    loaded = ctypes.CDLL(os.environ[LOADED])
    loaded.fault_arm.argtypes = [ctypes.c_char_p, ctypes.c_long, ctypes.c_int]
    loaded.fault_mark.argtypes = [ctypes.c_char_p]
    loaded.fault_changes.restype = loaded.fault_reads.restype = ctypes.c_long
    return loaded


def run_with_fault(
    act: Callable[[Path, Callable[[str], None]], None],
    folder: Path,
    *,
    fault: Fault = Fault.NOTHING,
    at: int = -1,
    record: Path | None = None,
) -> Ending:
    """Run a deed on a folder in a forked child with one fault, and say how it ended."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        try:
            _in_child(act, folder, write_end, fault=fault, at=at, record=record)
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, encoding="utf-8") as pipe:
        lines = [json.loads(line) for line in pipe]
    os.waitpid(child, 0)
    acknowledged = tuple(line["ack"] for line in lines if "ack" in line)
    ends = [line for line in lines if "how" in line]
    return Ending(acknowledged=acknowledged, **ends[0]) if ends else Ending("killed", "", acknowledged)


def _in_child(
    act: Callable[[Path, Callable[[str], None]], None],
    folder: Path,
    pipe: int,
    *,
    fault: Fault,
    at: int,
    record: Path | None,
) -> None:
    injector = library()

    def tell(**line: object) -> None:
        os.write(pipe, (json.dumps(line) + "\n").encode())

    def acknowledge(text: str) -> None:
        injector.fault_mark(text.encode())
        tell(ack=text)

    if record is not None:
        injector.fault_record(os.open(record, os.O_WRONLY | os.O_CREAT))
    injector.fault_arm(str(folder).encode(), at, int(fault))
    how, said = "finished", ""
    try:
        act(folder, acknowledge)
    except (AnamnesisError, MlError) as error:
        how, said = "refused", str(error)
    except BaseException as error:
        how, said = "crashed", f"{type(error).__name__}: {error}"
    counted = {"changes": injector.fault_changes(), "reads": injector.fault_reads()}
    injector.fault_disarm()
    tell(how=how, said=said, **counted)
