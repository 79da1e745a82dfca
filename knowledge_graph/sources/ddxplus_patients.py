"""Reads DDXPlus's tables of patients: CSV as released, with or without its ending, zipped or gzipped."""

import ast
import csv
import gzip
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from knowledge_graph.errors import SourceRefused
from knowledge_graph.sources.association import Frequency

COLUMNS = ("AGE", "SEX", "PATHOLOGY", "EVIDENCES", "INITIAL_EVIDENCE")
_AGE = re.compile(r"[0-9]{1,3}")
_PLAIN_LIST = re.compile(r"\['[^'\"\\]*'(?:, '[^'\"\\]*')*\]")  # nearly every row: ten times as fast to read


class DdxplusPatient(NamedTuple):
    """One row. `where` is the file and line; `evidences` are codes, or codes with their answer."""

    where: str
    age: int
    sex: str
    pathology: str
    evidences: list[str]
    initial: str


def read_patients(path: Path) -> Iterator[DdxplusPatient]:
    """The rows of a table. Raises SourceRefused with the line."""
    try:
        with _opened(path) as stream:
            rows = csv.reader(io.TextIOWrapper(stream, "utf-8"))
            header = next(rows, [])
            if not set(COLUMNS) <= set(header):
                raise SourceRefused(
                    f"{path.name} lacks the columns {', '.join(COLUMNS)}; it is no DDXPlus table"
                )
            places = [header.index(name) for name in COLUMNS]
            for cells in rows:
                where = f"{path.name}:{rows.line_num}"
                if len(cells) != len(header) or not _AGE.fullmatch(cells[places[0]]):
                    raise SourceRefused(f"{where}: not whole; check the file")
                age, sex, pathology, evidences, initial = (cells[place] for place in places)
                yield DdxplusPatient(where, int(age), sex, pathology, _evidences(evidences, where), initial)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, csv.Error, UnicodeDecodeError) as error:
        raise SourceRefused(f"{path.name} cannot be read; check the path and that it is whole") from error


def counted(path: Path) -> dict[str, dict[str, Frequency]]:
    """Of each pathology, how many of its patients have each evidence. Raises SourceRefused."""
    patients: Counter[str] = Counter()
    seen: dict[str, Counter[str]] = {}
    for patient in read_patients(path):
        patients[patient.pathology] += 1
        seen.setdefault(patient.pathology, Counter()).update(set(patient.evidences))
    return {
        pathology: {
            code: Frequency(f"{n}/{patients[pathology]}", n, patients[pathology], n / patients[pathology])
            for code, n in sorted(codes.items())
        }
        for pathology, codes in seen.items()
    }


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            tables = [name for name in archive.namelist() if not name.endswith("/")]
            if len(tables) != 1:
                raise SourceRefused(f"{path.name} holds {len(tables)} files where one table is due")
            with archive.open(tables[0]) as stream:
                yield cast(BinaryIO, stream)
    else:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            yield cast(BinaryIO, stream)


def _evidences(text: str, where: str) -> list[str]:
    if _PLAIN_LIST.fullmatch(text):
        return text[2:-2].split("', '")
    try:
        given = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        given = None
    if not isinstance(given, list) or not all(isinstance(code, str) for code in given):
        raise SourceRefused(f"{where}: EVIDENCES is no list of DDXPlus evidences; check the file")
    return given
