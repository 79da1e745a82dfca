"""The one gate for foreign files: asks the confined process that reads them, and believes only typed nouns.

A file that crashes its reader, hangs or passes a limit is refused in one line; the next file gets a new
reader, which then has to learn anew what the files before it said.
"""

import os
import queue
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from threading import Event
from types import TracebackType
from typing import Any

import msgspec

from app.clinical.patient import Patient
from app.config.program import program_command
from app.errors import ImportRefused, ReaderEnded, WorkerFailed
from app.exchange.confinement import Confinement
from app.exchange.item import ImportedItem
from app.exchange.item_frames import one_line, unpack_item
from app.exchange.reader import ReadPlan
from app.exchange.source_file import SourceFile
from app.workflows.frame_process import FrameProcess
from ml.errors import MlError
from ml.frames import UNDECODABLE

LARGEST_FRAME, BACKLOG, PEOPLE_A_FRAME = 256 << 20, 8, 10_000
GRACE_S, START_S = 2.0, 300.0
_FROM_SENDER = "it is damaged or made to harm; ask the sender for another export"
_NEVER_STARTED = "the process that reads foreign files does not start; run `anamnesis self-test`"
_SINGLE_THREADED = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # a reader may start no thread

Frame = dict[str, Any]


@dataclass(frozen=True, slots=True)
class GateLimits:
    """What one file may cost; `silence_s` is how long no record of it may come."""

    confinement: Confinement = field(default_factory=Confinement)
    silence_s: float = 600


@dataclass(frozen=True, slots=True)
class PackedItems:
    """Some items of a file as they came, and the SHA-256 of the file's bytes."""

    file: str
    origin: str
    items: list[bytes]

    def opened(self) -> list[ImportedItem]:
        """The items. Raises ReaderEnded where they are something else."""
        try:
            return list(map(unpack_item, self.items))
        except (*UNDECODABLE, KeyError) as error:
            raise ReaderEnded(f"{self.file}: {_FROM_SENDER}") from error

    @property
    def weight(self) -> int:
        """How many bytes they are."""
        return sum(map(len, self.items))


class ForeignGate:
    """A reader for the files of one import, replaced when a file has ended it; a context manager.

    `people` are those of the vault. Once `stop` is set, every answer ends early.
    """

    def __init__(
        self,
        plan: ReadPlan,
        people: Mapping[str, Patient],
        *,
        stop: Event | None = None,
        limits: GateLimits | None = None,
    ):
        self.has_forgotten = False
        self.network = ""  # what keeps the reader off the network, once it has said so
        self._plan = plan
        self._people = people
        self._stop = stop or Event()
        self._limits = limits or GateLimits()
        self._reader: FrameProcess | None = None

    def __enter__(self) -> "ForeignGate":
        self._started()  # it gets ready while something else is still going on
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended()

    @property
    def pid(self) -> int:
        """The reader's process id."""
        return self._started().pid

    def members(self, file: SourceFile) -> list[SourceFile]:
        """The file itself, or what its archive holds. Raises ImportRefused."""
        frames = self._ask("members", file)
        told = [pair for frame in frames if frame["kind"] == "members" for pair in frame["members"]]
        return [
            SourceFile(file.path, str(member), one_line(str(refused)), file.limits)
            for member, refused in told
        ]

    def learn(self, file: SourceFile) -> Iterator[int]:
        """The first pass over a file: how many steps were taken. Raises ImportRefused."""
        yield from (int(frame["steps"]) for frame in self._ask("learn", file) if frame["kind"] == "step")

    def read(self, file: SourceFile) -> Iterator[PackedItems]:
        """The second pass over a file: its items. Raises ImportRefused."""
        for frame in self._ask("read", file):
            yield PackedItems(file.name, str(frame["origin"]), list(frame["items"]))

    def renew(self) -> None:
        """A new reader that has learnt nothing."""
        self._ended()
        self.has_forgotten = False

    def _ask(self, deed: str, file: SourceFile) -> Iterator[Frame]:
        """The reader's answers before its last; none follow once `stop` is set."""
        reader = self._started()
        reader.send({"do": deed, "path": os.fsencode(file.path), "member": file.member})
        while (frame := self._next(reader, file.name)) is not None:
            if frame["kind"] == "done":
                return
            if frame["kind"] == "refused":
                raise ImportRefused(one_line(str(frame["reason"])))
            yield frame

    def _next(self, reader: FrameProcess, name: str) -> Frame | None:
        """The next frame about a file; None once `stop` is set."""
        silent = time.monotonic()
        while not self._stop.is_set():
            try:
                frame = reader.receive()
            except queue.Empty:
                if time.monotonic() - silent > (self._limits.silence_s if self.network else START_S):
                    raise self._silent(name) from None
                continue
            except MlError:
                raise self._lost(f"{name}: {_FROM_SENDER}") from None
            if frame is not None and frame["kind"] == "ready":
                self.network = str(frame["network"])
                continue
            if frame is not None and frame["kind"] not in ("exhausted", "fault"):
                return frame
            reason = self._why(reader, frame)
            if self._stop.is_set():  # what stopped us may have ended the reader too
                break
            if not self.network:
                raise WorkerFailed(_NEVER_STARTED)
            raise self._lost(f"{name}: {reason}")
        self._ended()
        return None

    def _why(self, reader: FrameProcess, frame: Frame | None) -> str:
        """What ended a reader, in words."""
        most = self._limits.confinement
        if frame is not None and frame["kind"] == "fault":
            place = one_line(str(frame["reason"]))
            return f"a fault of this program ({place}); report this line. The other files are not affected"
        if frame is not None:
            return f"reading it needs more than {most.memory_bytes >> 20:,} MiB of memory; split it"
        code = reader.end(grace_s=GRACE_S)
        if code == -getattr(signal, "SIGXCPU", 0):
            return f"one record of it takes more than {most.cpu_s} s of computing; {_FROM_SENDER}"
        return f"it ended the process that read it; {_FROM_SENDER}"

    def _silent(self, name: str) -> ReaderEnded | WorkerFailed:
        if not self.network:
            return WorkerFailed(_NEVER_STARTED)
        return self._lost(
            f"{name}: no record of it came for {self._limits.silence_s:g} s; "
            "check the disk or share it lies on, then import it again"
        )

    def _lost(self, reason: str) -> ReaderEnded:
        self._ended()
        self.has_forgotten = True
        return ReaderEnded(reason)

    def _ended(self) -> None:
        self.network = ""
        if self._reader is not None:
            self._reader.end()
            self._reader = None

    def _started(self) -> FrameProcess:
        if self._reader is not None:
            return self._reader
        self._reader = FrameProcess(
            program_command("worker", "read"),
            environment={**os.environ, **_SINGLE_THREADED},
            backlog=BACKLOG,
            largest=LARGEST_FRAME,
        )
        self._begin(self._reader)
        return self._reader

    def _begin(self, reader: FrameProcess) -> None:
        """Confine it, and tell it how to read and whom the vault knows. Raises WorkerFailed."""
        plan = self._plan
        told = {"column_map": plan.column_map, "patient_id": plan.patient_id}
        told |= {"patient_system": plan.patient_system, "limits": asdict(plan.limits)}
        reader.send({"confinement": asdict(self._limits.confinement), "plan": told})
        people = list(self._people.values())
        for start in range(0, len(people), PEOPLE_A_FRAME):
            some = msgspec.msgpack.encode(people[start : start + PEOPLE_A_FRAME])
            reader.send({"do": "know", "people": some})
