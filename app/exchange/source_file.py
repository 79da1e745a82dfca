"""Finds the files of an import (folders and zip archives are walked) and tells what each one is."""

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from app.errors import ImportRefused
from app.exchange.fhir_stream import open_plain_or_gzip
from app.exchange.item import ReadLimits

TEXT_SUFFIXES = (".txt", ".text", ".md")
TABLE_SUFFIXES = (".csv", ".tsv")
JSON_SUFFIXES = (".json", ".ndjson", ".jsonl", ".phenopacket")
HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file, or a member of a zip archive."""

    path: Path
    member: str = ""

    @property
    def name(self) -> str:
        """What a report calls it: the file's own name, without its folders."""
        return f"{self.path.name}:{PurePosixPath(self.member).name}" if self.member else self.path.name

    def open(self) -> BinaryIO:
        """Its bytes, unzipped."""
        if not self.member:
            return open_plain_or_gzip(self.path)
        with zipfile.ZipFile(self.path) as archive:
            return io.BytesIO(archive.read(self.member))

    def read(self, limits: ReadLimits) -> bytes:
        """All its bytes. Raises ImportRefused over the limit of one document."""
        with self.open() as stream:
            data = stream.read(limits.largest_document + 1)
        if len(data) > limits.largest_document:
            raise ImportRefused(f"{self.name}: larger than {limits.largest_document >> 20} MiB; split it")
        return data


def source_files(paths: Sequence[Path], limits: ReadLimits) -> Iterator[SourceFile]:
    """Every file below the paths, in a fixed order. Raises ImportRefused."""
    for path in paths:
        if not path.exists():
            raise ImportRefused(f"{path.name}: there is no such file or folder; check the path")
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            if file.name.startswith("."):
                continue
            if zipfile.is_zipfile(file):
                yield from _members(file, limits)
            else:
                yield SourceFile(file)


def kind_of(file: SourceFile) -> str:
    """What a file holds: `json`, `table`, `text`, `unknown`, or the name of a format that is not read."""
    try:
        head = _head(file)
    except (EOFError, OSError, zlib.error) as error:
        raise ImportRefused(
            f"{file.name}: the file is cut, damaged or not readable; send it again"
        ) from error
    if not head:
        raise ImportRefused(f"{file.name}: the file is empty; export it again")
    suffixes = [s.casefold() for s in PurePosixPath(file.member or file.path.name).suffixes if s != ".gz"]
    suffix = suffixes[-1] if suffixes else ""
    if head.startswith((b"{", b"[")) or suffix in JSON_SUFFIXES:
        return "json"
    if head.startswith((b"MSH|", b"MSH^", b"FHS|", b"BHS|")):
        return "HL7 v2"
    if b"<ClinicalDocument" in head or b"urn:hl7-org:v3" in head:
        return "C-CDA"
    if head.startswith(b"<") and b"http://hl7.org/fhir" in head:
        return "FHIR XML"
    if suffix in TABLE_SUFFIXES:
        return "table"
    if suffix in TEXT_SUFFIXES:
        return "text"
    return "unknown"


def _head(file: SourceFile) -> bytes:
    with file.open() as stream:
        return stream.read(HEAD_BYTES).lstrip(b"\xef\xbb\xbf \r\n\t")


def _members(path: Path, limits: ReadLimits) -> Iterator[SourceFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [i for i in archive.infolist() if not i.is_dir()]
    except (zipfile.BadZipFile, OSError) as error:
        raise ImportRefused(f"{path.name}: the archive is damaged; send it again") from error
    if len(infos) > limits.most_members:
        raise ImportRefused(f"{path.name}: more than {limits.most_members} files; split the archive")
    if sum(i.file_size for i in infos) > limits.largest_unpacked:
        raise ImportRefused(
            f"{path.name}: unpacks to more than {limits.largest_unpacked >> 30} GiB; split it"
        )
    for info in infos:
        _check_member(path, info, limits)
        if not PurePosixPath(info.filename).name.startswith((".", "__MACOSX")):
            yield SourceFile(path, info.filename)


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
