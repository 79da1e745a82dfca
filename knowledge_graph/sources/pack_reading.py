"""Finds out what kind of pack a path is, reads it, and keeps what was read by the hash of its bytes."""

import hashlib
from importlib.resources import files
from pathlib import Path

import msgspec

from knowledge_graph.errors import SourceRefused
from knowledge_graph.sources.cache_file import keep, kept
from knowledge_graph.sources.ddxplus import ddxplus_files, is_ddxplus, read_ddxplus
from knowledge_graph.sources.knowledge_pack import KnowledgePack
from knowledge_graph.sources.orphanet import parse_orphanet
from knowledge_graph.sources.pack_csv import parse_csv_pack
from knowledge_graph.sources.pack_toml import parse_toml_pack

COMMON = "common"  # names the pack that ships with the program
LARGEST_BYTES = 256 * 2**20
LAYOUT = "5"  # of what is kept: raise it when a reader changes
_KINDS = {".toml": parse_toml_pack, ".csv": parse_csv_pack}


def read_pack(path: Path | str, cache_dir: Path | None = None) -> KnowledgePack:
    """A TOML, CSV or Orphanet XML file, a folder of DDXPlus, or COMMON. Raises SourceRefused."""
    parts = pack_bytes(path)
    digest = hashlib.sha256("\0".join(hashlib.sha256(data).hexdigest() for data in parts.values()).encode())
    content_hash = digest.hexdigest()
    place = (
        None
        if cache_dir is None
        else cache_dir / f"pack-{content_hash[:32]}-{Path(path).suffix[1:]}{LAYOUT}.bin"
    )
    known = None if place is None else kept(place, _unsealed)
    if known is None:
        known = _read(path, parts, content_hash)
        if place is not None:
            _keep(place, known)
    return known


def pack_bytes(path: Path | str) -> dict[str, bytes]:
    """Name and content of each file of the pack. Raises SourceRefused."""
    if path == COMMON:
        return {"common.toml": files("resources.packs").joinpath("common.toml").read_bytes()}
    place = Path(path)
    if place.is_dir() and not is_ddxplus(place):
        raise SourceRefused(
            f"the folder {place} is no DDXPlus release (release_conditions, release_evidences and "
            "release_train_patients, zipped); name a pack's file, or that folder"
        )
    try:
        every = ddxplus_files(place) if place.is_dir() else [place]
        if sum(file.stat().st_size for file in every) > LARGEST_BYTES:
            raise SourceRefused(
                f"the pack {place} is larger than {LARGEST_BYTES >> 20} MiB; name a smaller one"
            )
        return {file.name: file.read_bytes() for file in every}
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise SourceRefused(f"the pack {place} cannot be read ({reason}); check its path") from error


def _read(path: Path | str, parts: dict[str, bytes], content_hash: str) -> KnowledgePack:
    if path != COMMON and Path(path).is_dir():
        return read_ddxplus(Path(path), content_hash=content_hash)
    name, data = next(iter(parts.items()))
    kind = Path(name).suffix.lower()
    if kind == ".xml":
        return parse_orphanet(data, name=name, content_hash=content_hash)
    if kind not in _KINDS:
        raise SourceRefused(f"{name} is no pack: name a .toml, .csv or .xml file, or a folder of DDXPlus")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceRefused(f"{name}:{line}: not UTF-8; save the file as UTF-8") from error
    return _KINDS[kind](text, name=name, content_hash=content_hash)


def _unsealed(path: Path) -> KnowledgePack | None:
    """What was read before; None where it is damaged. Raises OSError."""
    data = path.read_bytes()
    try:
        if hashlib.sha256(data[32:]).digest() != data[:32]:
            return None
        return msgspec.msgpack.decode(data[32:], type=KnowledgePack)
    except msgspec.MsgspecError:
        return None


def _keep(path: Path, pack: KnowledgePack) -> None:
    body = msgspec.msgpack.encode(pack)
    keep(path, hashlib.sha256(body).digest() + body)
