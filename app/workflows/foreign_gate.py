"""The one gate for foreign files: asks the confined process that reads them, and believes only typed nouns.

A file that crashes its reader, hangs or passes a limit is refused in one line; the next file gets a new
reader, which then has to learn anew what the files before it said.
"""

import os
import queue
import signal
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
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


class Answer(msgspec.Struct, frozen=True):
    """A reader's frame, as far as it is believed: its kind, and what may come with it."""

    kind: str
    network: str = ""
    steps: int = 0
    members: tuple[tuple[str, str], ...] = ()
    origin: str = ""
    items: tuple[bytes, ...] = ()
    reason: str = ""


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
    items: Sequence[bytes]

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
        told = [pair for answer in self._ask(_about("members", file), file.name) for pair in answer.members]
        return [SourceFile(file.path, member, one_line(refused), file.limits) for member, refused in told]

    def learn(self, file: SourceFile) -> Iterator[int]:
        """The first pass over a file: how many steps were taken. Raises ImportRefused."""
        yield from (answer.steps for answer in self._ask(_about("learn", file), file.name))

    def read(self, file: SourceFile) -> Iterator[PackedItems]:
        """The second pass over a file: its items. Raises ImportRefused."""
        for answer in self._ask(_about("read", file), file.name):
            yield PackedItems(file.name, answer.origin, answer.items)

    def renew(self) -> None:
        """A new reader that has learnt nothing."""
        self._ended()
        self.has_forgotten = False

    def packet(self, file: SourceFile) -> tuple[ImportedItem, int | None]:
        """A file's first phenopacket, and its subject's age in days where told. Raises ImportRefused."""
        answers = list(self._ask(_about("packet", file), file.name))
        items = [item for answer in answers for item in PackedItems(file.name, "", answer.items).opened()]
        if len(items) != 1:
            raise ReaderEnded(f"{file.name}: {_FROM_SENDER}")
        return items[0], None if answers[0].steps < 0 else answers[0].steps

    def check(self, kind: str, content: Path | bytes, *, name: str) -> None:
        """Let the reader parse a file of another kind, whole, and forget it. Raises ImportRefused.

        What passes neither crashes its parser, nor hangs it, nor bloats it; who uses it parses it again.
        """
        what = {"data": content} if isinstance(content, bytes) else {"path": os.fsencode(content)}
        deque(self._ask({"do": "check", "kind": kind, **what}, name), maxlen=0)

    def _ask(self, request: Frame, name: str) -> Iterator[Answer]:
        """The reader's answers before its last; none follow once `stop` is set."""
        reader = self._started()
        reader.send(request)
        while (answer := self._next(reader, name)) is not None:
            if answer.kind == "done":
                return
            if answer.kind == "refused":
                raise ImportRefused(one_line(answer.reason))
            yield answer

    def _next(self, reader: FrameProcess, name: str) -> Answer | None:
        """The next answer about a file; None once `stop` is set."""
        silent = time.monotonic()
        while not self._stop.is_set():
            try:
                answer = understood(reader.receive())
            except queue.Empty:
                if time.monotonic() - silent > (self._limits.silence_s if self.network else START_S):
                    raise self._silent(name) from None
                continue
            except (MlError, msgspec.MsgspecError):
                raise self._lost(f"{name}: {_FROM_SENDER}") from None
            if answer.kind == "ready":
                self.network = answer.network
                continue
            if answer.kind not in ("exhausted", "fault", "ended"):
                return answer
            reason = self._why(reader, answer)
            if self._stop.is_set():  # what stopped us may have ended the reader too
                break
            if not self.network:
                raise WorkerFailed(_NEVER_STARTED)
            raise self._lost(f"{name}: {reason}")
        self._ended()
        return None

    def _why(self, reader: FrameProcess, answer: Answer) -> str:
        """What ended a reader, in words."""
        most = self._limits.confinement
        if answer.kind == "fault":
            place = one_line(answer.reason)
            return f"a fault of this program ({place}); report this line. The other files are not affected"
        if answer.kind == "exhausted":
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
            apart=True,
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


def check_foreign(kind: str, content: Path | bytes, *, name: str) -> None:
    """`ForeignGate.check` by a reader of its own. Raises ImportRefused."""
    with ForeignGate(ReadPlan(), {}) as gate:
        gate.check(kind, content, name=name)


def _about(deed: str, file: SourceFile) -> Frame:
    return {"do": deed, "path": os.fsencode(file.path), "member": file.member}


def understood(frame: Frame | None) -> Answer:
    """A frame strictly typed; the end of the pipe is an answer too."""
    return Answer("ended") if frame is None else msgspec.convert(frame, Answer)
