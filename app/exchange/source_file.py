"""Finds the files of an import (folders and zip archives are walked) and tells what each one is.

A file or archive that can't be used is found all the same, with the reason, so that the report names
it and the others go on.
"""

import re
import stat
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from app.errors import ImportRefused
from app.exchange.item import ReadLimits
from app.exchange.unpacking import DAMAGE, open_file, open_member

TEXT_SUFFIXES = (".txt", ".text", ".md")
TABLE_SUFFIXES = (".csv", ".tsv")
JSON_SUFFIXES = (".json", ".ndjson", ".jsonl", ".phenopacket")
HEAD_BYTES = 4096
_ZIP = b"PK\x03\x04"
_DAMAGED_ZIP = "a zip archive that is cut short or damaged; copy it again"
_MAGIC = {
    b"{\\rtf": "rtf",
    b"%PDF-": "PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"II*\0": "a picture",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    _ZIP: "a packed file inside another",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
    b"SQLite format 3": "a database",
}
_MESSAGE = re.compile(rb"\x0b?(?:MSH|FHS|BHS)[^\w\s,;]")
_CDA = (b"<ClinicalDocument", b"urn:hl7-org:v3", b'root="2.16.840.1.113883.10.20.')
_JSON_KEYS = (b'"resourceType"', b'"phenotypicFeatures"', b'"phenotypic_features"')


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file, or a member of a zip archive; `refused` says why it must not be read, or is empty.

    The archive stays open for all its members: its directory is read once, not once a member.
    """

    path: Path
    member: str = ""
    refused: str = ""
    limits: ReadLimits = field(default_factory=ReadLimits)
    archive: zipfile.ZipFile | None = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        """What a report calls it: the file's own name, without its folders."""
        own, inner = (
            "".join(c if c.isprintable() else "�" for c in text)[-120:]
            for text in (self.path.name, PurePosixPath(self.member).name)
        )
        return f"{own}:{inner}" if self.member else own

    @property
    def scope(self) -> str:
        """What sets it apart from every other file of an import."""
        return f"{self.path}\0{self.member}"

    @property
    def stem(self) -> str:
        """Its name without its folders, `.gz` and the ending that tells the format."""
        own = PurePosixPath(self.member or self.path.name).name
        own = own[: -len(".gz")] if own.casefold().endswith(".gz") else own
        return PurePosixPath(own).stem

    @property
    def suffix(self) -> str:
        """The ending that tells the format, without `.gz`; lower case."""
        suffixes = [s.casefold() for s in PurePosixPath(self.member or self.path.name).suffixes]
        return next((s for s in reversed(suffixes) if s != ".gz"), "")

    def open(self) -> BinaryIO:
        """Its bytes, unzipped. Raises ImportRefused, also while being read."""
        if self.refused:
            raise ImportRefused(f"{self.name}: {self.refused}")
        if self.archive is not None:
            return open_member(self.archive, self.member, name=self.name, limits=self.limits)
        return open_file(self.path, name=self.name, limits=self.limits)

    def read(self, limits: ReadLimits) -> bytes:
        """All its bytes. Raises ImportRefused over the limit of one document."""
        with self.open() as stream:
            data = stream.read(limits.largest_document + 1)
        if len(data) > limits.largest_document:
            raise ImportRefused(f"{self.name}: larger than {limits.largest_document >> 20} MiB; split it")
        return data


def source_files(paths: Sequence[Path], limits: ReadLimits) -> Iterator[SourceFile]:
    """Every file below the paths, in a fixed order. Raises ImportRefused for a path that is not there."""
    for file in files_below(paths, limits):
        yield from [file] if file.refused else members_of(file.path, limits)


def files_below(paths: Sequence[Path], limits: ReadLimits) -> Iterator[SourceFile]:
    """Every file below the paths, archives closed: nothing is read. Raises ImportRefused, as above."""
    for path in paths:
        if not path.exists():
            raise ImportRefused(f"{path.name}: there is no such file or folder; check the path")
        if not path.is_dir():
            yield _file(path, limits)
            continue
        for file in sorted(p for p in path.rglob("*") if not p.is_dir() or p.is_symlink()):
            if not file.name.startswith("."):
                yield from _below(path, file, limits)


def members_of(path: Path, limits: ReadLimits) -> list[SourceFile]:
    """The file itself, or what its archive holds."""
    if not zipfile.is_zipfile(path):
        damaged = _begins_as_zip(path)
        return [SourceFile(path, refused=_DAMAGED_ZIP if damaged else "", limits=limits)]
    try:
        return _members(path, limits)
    except ImportRefused as error:
        return [SourceFile(path, refused=str(error).removeprefix(f"{path.name}: "))]


def kind_of(file: SourceFile) -> str:
    """What a file holds: `json`, `table`, `text`, `rtf`, `unknown`, or the name of a format not read."""
    head = _head(file)
    if not head:
        raise ImportRefused(f"{file.name}: the file is empty; export it again")
    if named := next((name for start, name in _MAGIC.items() if head.startswith(start)), ""):
        return named
    if _MESSAGE.match(head):
        return "HL7 v2"
    if any(sign in head for sign in _CDA):
        return "C-CDA"
    if head.startswith(b"<") and b"http://hl7.org/fhir" in head:
        return "FHIR XML"
    if head.startswith(b"{") and any(key in head for key in _JSON_KEYS):
        return "json"  # whatever its name says
    if file.suffix in TABLE_SUFFIXES:
        return "table"
    if file.suffix in TEXT_SUFFIXES:
        return "text"
    return "json" if head.startswith((b"{", b"[")) or file.suffix in JSON_SUFFIXES else "unknown"


def _begins_as_zip(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(_ZIP)) == _ZIP
    except OSError:
        return False  # whoever reads it is told why


def _head(file: SourceFile) -> bytes:
    with file.open() as stream:
        return stream.read(HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip(b" \r\n\t")


def _below(folder: Path, file: Path, limits: ReadLimits) -> Iterator[SourceFile]:
    """A file found while walking: a link must not lead out of the folder that the user named."""
    if file.is_symlink() and not file.resolve().is_relative_to(folder.resolve()):
        yield SourceFile(file, refused="a link that leads out of the folder; import its target by name")
    elif file.is_symlink() and file.is_dir():
        return  # its files lie in the folder and are found there
    else:
        yield _file(file, limits)


def _file(file: Path, limits: ReadLimits) -> SourceFile:
    refused = "" if file.is_file() else "neither a file nor a folder; it is not read"
    return SourceFile(file, refused=refused, limits=limits)


def _members(path: Path, limits: ReadLimits) -> list[SourceFile]:
    try:
        archive = zipfile.ZipFile(path)
        infos = [i for i in archive.infolist() if not i.is_dir()]
    except DAMAGE as error:
        raise ImportRefused(f"{path.name}: the archive is damaged; send it again") from error
    if any(i.filename == "[Content_Types].xml" for i in infos):
        raise ImportRefused(
            f"{path.name}: this is an Office document; save a table as CSV (UTF-8), a letter as plain text"
        )
    if len(infos) > limits.most_members:
        raise ImportRefused(f"{path.name}: more than {limits.most_members} files; split the archive")
    if sum(i.file_size for i in infos) > limits.largest_unpacked:
        raise ImportRefused(
            f"{path.name}: unpacks to more than {limits.largest_unpacked >> 20} MiB; split it"
        )
    for info in infos:
        _check_member(path, info, limits)
    shown = [i.filename for i in infos if not _is_hidden(i.filename)]
    return [SourceFile(path, member, limits=limits, archive=archive) for member in shown]


def _is_hidden(member: str) -> bool:
    parts = PurePosixPath(member).parts
    return bool(parts) and (parts[-1].startswith(".") or "__MACOSX" in parts)


def _check_member(path: Path, info: zipfile.ZipInfo, limits: ReadLimits) -> None:
    name = PurePosixPath(info.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or stat.S_ISLNK(info.external_attr >> 16):
        raise ImportRefused(f"{path.name}: a member points outside the archive; don't trust this file")
    if info.file_size > limits.largest_document:
        raise ImportRefused(
            f"{path.name}: a member is larger than {limits.largest_document >> 20} MiB; unpack it"
        )
    if info.file_size > 1_000_000 and info.file_size > limits.largest_ratio * max(info.compress_size, 1):
        raise ImportRefused(
            f"{path.name}: a member is packed too tightly to be a record; don't trust this file"
        )
    if info.flag_bits & 1:
        raise ImportRefused(f"{path.name}: the archive is encrypted; unpack it first")
