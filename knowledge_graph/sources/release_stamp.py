"""Remembers the content hash of a release by its files' marks: a start need not read 63 MB to know it.

A mark is what the file system says without reading: size, times of change, place on the disk. The time of
the last change of status can't be set by hand, so that other content under an old date is seen too; where it
is the time of making (Windows), only who puts back both size and date of a file on purpose is not noticed.
What is remembered carries a checksum: a wrong hash would name a cache that no start ever finds.
"""

import hashlib
from pathlib import Path

import msgspec

from knowledge_graph.sources.cache_file import keep, kept
from knowledge_graph.sources.hpo_release import HpoRelease, content_hash

LAYOUT = "2"  # of the stamp: raise it when what it holds changes
SETTLED_NS = 2_000_000_000  # a file changed less than this ago may change again within one tick of its clock
Mark = tuple[str, int, int, int, int]


class _Stamp(msgspec.Struct, frozen=True):
    marks: tuple[Mark, ...]
    content_hash: str


class _Sealed(msgspec.Struct, frozen=True):
    sha256: str
    stamp: msgspec.Raw


def remembered_hash(release: HpoRelease, cache_dir: Path, *, now_ns: int) -> str:
    """`content_hash` of the release; the files are read only where they are not as they were."""
    marks = tuple(_mark(path) for path in release.paths)
    names = "\n".join(name for name, *_ in marks)
    path = cache_dir / f"release-{hashlib.sha256(names.encode()).hexdigest()[:16]}-{LAYOUT}.json"
    known = kept(path, _read)
    if known is not None and known.marks == marks:
        return known.content_hash
    stamp = _Stamp(marks, content_hash(release))
    if all(now_ns - max(changed, status) > SETTLED_NS for _, _, changed, status, _ in marks):
        keep(path, _to_bytes(stamp))
    return stamp.content_hash


def _mark(path: Path) -> Mark:
    found = path.stat()
    return (str(path.resolve()), found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def _to_bytes(stamp: _Stamp) -> bytes:
    body = msgspec.json.encode(stamp)
    return msgspec.json.encode(_Sealed(hashlib.sha256(body).hexdigest(), msgspec.Raw(body)))


def _read(path: Path) -> _Stamp | None:
    """None where it is damaged. Raises OSError."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Sealed)
        if hashlib.sha256(found.stamp).hexdigest() != found.sha256:
            return None
        return msgspec.json.decode(found.stamp, type=_Stamp)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
