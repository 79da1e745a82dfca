"""The process that reads foreign files: confined before the first one, asked over pipes, file by file.

Whatever a file does to it, the program that asks only ever sees frames: items as strictly typed nouns,
one line of refusal, or the end of the pipe.
"""

import hashlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from app.clinical.patient import Patient
from app.errors import ImportRefused
from app.exchange.admission import Admission
from app.exchange.confinement import Confinement, confine, renew_cpu
from app.exchange.first_packet import first_packet
from app.exchange.item import ImportedItem, ReadLimits
from app.exchange.item_frames import pack_item
from app.exchange.reader import ReadPlan, learn, read_records
from app.exchange.source_file import SourceFile, members_of
from knowledge_graph.errors import KnowledgeError
from ml.errors import MlError
from ml.frames import read_frame, write_frame
from ml.privacy.core_dumps import forbid_core_dumps

SIGN_OF_LIFE_S = 0.2
MOST_ITEMS, MOST_BYTES = 500, 1 << 20

Frame = dict[str, Any]


class ForeignReader:
    """Answers requests about files; keeps what earlier files of the same import said of references."""

    def __init__(self, plan: ReadPlan):
        self._plan = plan
        self._admission = Admission(plan.references)
        self._people: dict[str, Patient] = {}
        plan.references.known = self._people
        self._archive: tuple[Path, list[SourceFile]] = (Path(), [])

    def answers(self, request: Frame) -> Iterator[Frame]:
        """Frames for one request, the last of kind `done` (none for `know`). Raises ImportRefused."""
        deeds = {"know": self._know, "members": self._members, "learn": self._learn, "read": self._read}
        deeds |= {"check": _check, "packet": self._packet}
        yield from deeds[request["do"]](request)
        if request["do"] != "know":
            yield {"kind": "done"}

    def _know(self, request: Frame) -> Iterator[Frame]:
        """Learn whom the vault knows already."""
        people = msgspec.msgpack.decode(request["people"], type=tuple[Patient, ...])
        self._people.update((person.id, person) for person in people)
        yield from ()

    def _members(self, request: Frame) -> Iterator[Frame]:
        """Say which files a file holds."""
        found = self._opened(request_path(request))
        yield {"kind": "members", "members": [(f.member, f.refused) for f in found]}

    def _learn(self, request: Frame) -> Iterator[Frame]:
        """The first pass over a file: only signs of life."""
        file = self._file(request)
        try:
            yield from ({"kind": "step", "steps": steps} for steps in _paced(learn(file, self._plan)))
        except ImportRefused:
            self._plan.references.forget(file.scope)
            raise

    def _read(self, request: Frame) -> Iterator[Frame]:
        """The second pass over a file: its items, each batch with the hash of the file's bytes."""
        file = self._file(request)
        self._admission.begin(file.scope)
        try:
            origin = _sha256(file)
            items = map(self._admission.admitted, read_records(file, self._plan))
            yield from ({"kind": "items", "origin": origin, "items": batch} for batch in _batches(items))
        except ImportRefused:
            self._admission.forget()
            raise

    def _packet(self, request: Frame) -> Iterator[Frame]:
        """The file's first phenopacket, for a diagnosis without a vault; `steps` is the age in days."""
        file = SourceFile(request_path(request))
        item, age_days = first_packet(file.read(self._plan.limits), name=file.name)
        yield {"kind": "packet", "items": [pack_item(item)], "steps": -1 if age_days is None else age_days}

    def _file(self, request: Frame) -> SourceFile:
        path, member = request_path(request), request["member"]
        for file in self._opened(path):
            if file.member == member and not file.refused:
                return file
        raise ImportRefused(f"{SourceFile(path, member).name}: changed while it was read; import it again")

    def _opened(self, path: Path) -> list[SourceFile]:
        """A file's members, its archive open until another file is asked for."""
        if self._archive[0] != path:
            for file in self._archive[1][:1]:
                if file.archive is not None:
                    file.archive.close()
            self._archive = (path, members_of(path, self._plan.limits))
        return self._archive[1]


def _check(request: Frame) -> Iterator[Frame]:
    """Parse a file that holds no records, and say nothing of it."""
    from app.exchange.foreign_checks import check  # heavy: most readers never need it

    check(request["kind"], request["data"] if "data" in request else request_path(request))
    yield from ()


def request_path(request: Frame) -> Path:
    """The file that a request is about; names travel as the bytes that the system knows them by."""
    return Path(os.fsdecode(request["path"]))


def main() -> int:
    """Confine this process, then answer until the pipe ends; after a fault or want of memory, end."""
    forbid_core_dumps()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asks ends this
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    first = read_frame(requests)
    if first is None:
        return 0
    limits = msgspec.convert(first["confinement"], Confinement)
    reader = ForeignReader(ReadPlan(**{**first["plan"], "limits": ReadLimits(**first["plan"]["limits"])}))
    write_frame(answers, {"kind": "ready", "network": confine(limits)})
    while (request := read_frame(requests)) is not None:
        renew_cpu(limits)
        try:
            for answer in reader.answers(request):
                write_frame(answers, answer)
                renew_cpu(limits)
        except (ImportRefused, MlError, KnowledgeError) as refused:
            write_frame(answers, {"kind": "refused", "reason": str(refused)})
        except MemoryError:
            write_frame(answers, {"kind": "exhausted"})
            return 1
        except Exception as fault:
            write_frame(answers, {"kind": "fault", "reason": _place(fault)})
            return 1
    return 0


def _place(fault: Exception) -> str:
    """Our own fault without its message, which may hold content."""
    place = traceback.extract_tb(fault.__traceback__)[-1]
    return f"{type(fault).__name__}; {Path(place.filename).name}:{place.lineno}"


def _paced(steps: Iterable[object]) -> Iterator[int]:
    """How many steps were taken, told five times a second."""
    told = time.monotonic()
    for count, _ in enumerate(steps, 1):
        if time.monotonic() - told > SIGN_OF_LIFE_S:
            yield count
            told = time.monotonic()


def _batches(items: Iterable[ImportedItem]) -> Iterator[list[bytes]]:
    """Packed items, together until they are many, weigh something, or a moment has passed."""
    batch: list[bytes] = []
    begun, weight = time.monotonic(), 0
    for item in items:
        batch.append(pack_item(item))
        weight += len(batch[-1])
        late = time.monotonic() - begun > SIGN_OF_LIFE_S
        if late or len(batch) >= MOST_ITEMS or weight >= MOST_BYTES:
            yield batch
            batch, begun, weight = [], time.monotonic(), 0
    if batch:
        yield batch


def _sha256(file: SourceFile) -> str:
    with file.open() as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
