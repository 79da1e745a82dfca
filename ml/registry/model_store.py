"""ModelStore: sealed model versions in a folder, which one is current, and the way back.

    DIR/versions/<version id>/<file>     sealed, written once, renamed into place
    DIR/pointer                          sealed JSON: current version and history; replaced atomically

Sealing is the caller's (a vault's key); by default bytes are kept as they are. A caller who has a safer
place for the pointer (a file can be put back, and which version is current with it) gives that. Nothing
here is ever unpickled.
"""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import msgspec

from ml.errors import ModelFileError
from ml.frames import UNDECODABLE
from ml.registry.model_version import (
    CARD_FILE,
    MANIFEST_FILE,
    ModelVersion,
    VersionContent,
    VersionId,
    described,
    unpack_version,
)

Sealer = Callable[[str, bytes], bytes]
POINTER_NAME, POINTER_PURPOSE = "pointer", "model-pointer"


@dataclass(frozen=True, slots=True)
class PointerMove:
    """One entry of the history: which version became current, when, and why."""

    version_id: str
    at: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """The current version (None: the starting model) and every earlier move, oldest first."""

    current: str | None = None
    history: tuple[PointerMove, ...] = field(default_factory=tuple)


class PointerPlace(Protocol):
    """Where the pointer is kept; both deeds are whole or not at all."""

    def read(self) -> bytes | None:
        """What was written last; None where nothing was."""

    def write(self, data: bytes) -> None:
        """Keep it in the place of what was there."""


@dataclass(frozen=True, slots=True)
class PointerFile:
    """The pointer as a sealed file: good where nobody puts an older one back."""

    path: Path
    seal: Sealer
    unseal: Sealer

    def read(self) -> bytes | None:
        """The file unsealed."""
        return self.unseal(POINTER_PURPOSE, _read(self.path)) if self.path.exists() else None

    def write(self, data: bytes) -> None:
        """Sealed, and renamed into place."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self.path, self.seal(POINTER_PURPOSE, data))


def keep_as_is(_purpose: str, data: bytes) -> bytes:
    """No sealing: for public models."""
    return data


class ModelStore:
    """Versions by content hash. `seal` and `unseal` take a purpose and bytes; `place` keeps the pointer."""

    def __init__(
        self,
        folder: Path,
        seal: Sealer = keep_as_is,
        unseal: Sealer = keep_as_is,
        place: PointerPlace | None = None,
    ):
        self._folder = folder
        self._seal = seal
        self._unseal = unseal
        self._place = place or PointerFile(folder / POINTER_NAME, seal, unseal)

    def add(self, content: VersionContent) -> ModelVersion:
        """Keep a version; adding it again changes nothing."""
        version_id = content.version.version_id
        target = self._folder / "versions" / version_id
        if not target.exists():
            self._write_version(target, content)
        return content.version

    def load(self, version_id: str) -> VersionContent:
        """A version's bytes, unsealed and checked; refuses altered ones."""
        folder = self._folder / "versions" / version_id
        if not _is_hash(version_id) or not folder.is_dir():
            raise ModelFileError(f"there is no model version {version_id[:12]}; see `anamnesis models`")
        files = {p.name: self._opened(version_id, p) for p in sorted(folder.iterdir()) if p.is_file()}
        return unpack_version(files, version_id)

    def describe(self, version_id: str) -> ModelVersion:
        """A version without its large files; its manifest and card are checked."""
        folder = self._folder / "versions" / version_id
        if not _is_hash(version_id) or not (folder / MANIFEST_FILE).is_file():
            raise ModelFileError(f"there is no model version {version_id[:12]}; see `anamnesis models`")
        manifest, card = (self._opened(version_id, folder / name) for name in (MANIFEST_FILE, CARD_FILE))
        return described(manifest, card, version_id)

    def version_ids(self) -> tuple[VersionId, ...]:
        """Names of all kept versions, sorted."""
        folder = self._folder / "versions"
        names = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
        return tuple(VersionId(n) for n in names if _is_hash(n))

    def find(self, prefix: str) -> VersionId:
        """The one version whose name begins so; refuses none and several."""
        found = [v for v in self.version_ids() if v.startswith(prefix)] if prefix else []
        if len(found) != 1:
            problem = "no" if not found else "more than one"
            raise ModelFileError(f"{problem} model version begins with {prefix!r}; see `anamnesis models`")
        return found[0]

    def pointer(self) -> Pointer:
        """Which version is current, and the history."""
        kept = self._place.read()
        if kept is None:
            return Pointer()
        try:
            return msgspec.json.decode(kept, type=Pointer)
        except UNDECODABLE:
            raise ModelFileError("the record of the current model was altered; restore a backup") from None

    def set_current(self, version_id: str | None, *, at: str, reason: str) -> Pointer:
        """Make a kept version current (None: the starting model)."""
        if version_id is not None and version_id not in self.version_ids():
            raise ModelFileError(f"there is no model version {version_id[:12]}; see `anamnesis models`")
        move = PointerMove(version_id or "", at, reason)
        moved = Pointer(version_id, (*self.pointer().history, move))
        self._place.write(msgspec.json.encode(moved))
        return moved

    def _write_version(self, target: Path, content: VersionContent) -> None:
        draft = target.parent / f".draft-{uuid4().hex}"
        try:
            draft.mkdir(parents=True)
            _sync_folder(self._folder)
            for name, data in content.files.items():
                sealed = self._seal(_purpose(content.version.version_id, name), data)
                _write_durably(draft / name, sealed)
            _sync_folder(draft)
            draft.rename(target)
            _sync_folder(target.parent)
        except OSError as error:
            raise _unwritten(error) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _opened(self, version_id: str, path: Path) -> bytes:
        return self._unseal(_purpose(version_id, path.name), _read(path))


def _purpose(version_id: str, file_name: str) -> str:
    """Binds a sealed file to its place, so that two cannot be exchanged."""
    return f"model:{version_id}:{file_name}"


def _is_hash(name: str) -> bool:
    return len(name) == 64 and set(name) <= set("0123456789abcdef")


def _write_durably(path: Path, data: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def replace_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, durably."""
    draft = path.with_name(f".{path.name}-{uuid4().hex}")
    try:
        _write_durably(draft, data)
        os.replace(draft, path)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise _unwritten(error) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"a model file can't be read ({error.strerror}); mend the disk") from error


def _unwritten(error: OSError) -> ModelFileError:
    return ModelFileError(f"the model could not be written ({error.strerror}); free space, then try again")


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
