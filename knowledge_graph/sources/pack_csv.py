"""Reads a hospital's pack as a table (CSV, UTF-8): one line a disease and finding. Errors name the line.

Cells are parted by commas, semicolons or tabs, whichever the header holds most of.

Columns: disease, finding, source; where known frequency, age, sex, prevalence, urgency, icd10cm. `disease`
is a name or the id of a known disease (`OMIM:154700`), `finding` an HPO id. What is said of a disease on
several lines must agree.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import PurePath

from knowledge_graph.errors import SourceRefused
from knowledge_graph.sources.association import Association
from knowledge_graph.sources.knowledge_pack import KnowledgePack, PackDisease
from knowledge_graph.sources.pack_rows import (
    HPO_SPACES,
    ID,
    ages_of,
    disease_id_of,
    frequency_of,
    is_mostly,
    prevalence_of,
    row,
    sex_of,
    slug,
)
from knowledge_graph.terms.occurrence import Urgency

REQUIRED = ("disease", "finding", "source")
OPTIONAL = ("frequency", "age", "sex", "prevalence", "urgency", "icd10cm")
_OF_DISEASE = ("age", "sex", "prevalence", "urgency", "icd10cm")


def parse_csv_pack(text: str, *, name: str, content_hash: str) -> KnowledgePack:
    """A pack from its table; its id is the file's name. Raises SourceRefused with the line number."""
    pack_id = slug(PurePath(name).stem).replace("-", "_") or "local"
    pack_id = f"local_{pack_id}" if pack_id in HPO_SPACES or not pack_id[0].isalpha() else pack_id
    told: dict[str, dict[str, str]] = {}
    lines = list(_lines(text, name))
    if not lines:
        raise SourceRefused(f"{name}: no line below the header; write one for each disease and finding")
    for where, cells in lines:
        _agree(told.setdefault(cells["disease"], {}), cells, where)
    diseases = {who: _disease(who, said, pack_id, name) for who, said in told.items()}
    return KnowledgePack(
        pack_id=pack_id,
        name=PurePath(name).stem,
        version="",
        licence="",
        diseases=tuple(diseases.values()),
        rows=tuple(_row(cells, diseases[cells["disease"]], pack_id, where) for where, cells in lines),
        places=tuple(where for where, _ in lines),
        content_hash=content_hash,
    )


def _lines(text: str, name: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    head = plain.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)  # spreadsheets of many countries write semicolons
    reader = csv.DictReader(io.StringIO(plain), strict=True, delimiter=delimiter)
    try:
        columns = [c.strip().lower() for c in reader.fieldnames or ()]
        _check_columns(columns, name)
        reader.fieldnames = columns
        for cells in reader:
            where = f"{name}:{reader.line_num}"
            if None in cells or None in cells.values():
                raise SourceRefused(
                    f"{where}: not {len(columns)} cells; quote a cell that holds {delimiter!r}"
                )
            known = {column: cell.strip() for column, cell in cells.items()}
            if any(known.values()):
                lacking = [column for column in REQUIRED if not known[column]]
                if lacking:
                    raise SourceRefused(f"{where}: {', '.join(lacking)} is empty; every line needs it")
                yield where, known
    except csv.Error as error:
        raise SourceRefused(f"{name}:{reader.line_num}: not CSV ({error}); correct that line") from error


def _check_columns(columns: list[str], name: str) -> None:
    lacking = [column for column in REQUIRED if column not in columns]
    unknown = [column for column in columns if column not in (*REQUIRED, *OPTIONAL)]
    if lacking or unknown or len(set(columns)) != len(columns):
        known = ", ".join((*REQUIRED, *OPTIONAL))
        raise SourceRefused(f"{name}:1: the header must name each once of {known}; the first three always")


def _agree(said: dict[str, str], cells: Mapping[str, str], where: str) -> None:
    """Keep what a line says of its disease. Raises SourceRefused where an earlier line says otherwise."""
    for column in _OF_DISEASE:
        new = cells.get(column, "")
        if new and said.setdefault(column, new) != new:
            raise SourceRefused(
                f"{where}: {column} {new!r} where an earlier line of the disease says {said[column]!r}; "
                "let them agree"
            )
    said.setdefault("where", where)


def _disease(who: str, said: Mapping[str, str], pack_id: str, name: str) -> PackDisease:
    where = said["where"]
    urgency = said.get("urgency", "").lower()
    if urgency and urgency not in set(Urgency):
        raise SourceRefused(f"{where}: {urgency!r} is no urgency; write one of {', '.join(Urgency)}")
    return PackDisease(
        disease_id=disease_id_of(who if ID.fullmatch(who) else "", who, pack_id),
        name=who,
        icd10cm=said.get("icd10cm", ""),
        ages=ages_of(said.get("age", ""), where),
        sex=sex_of(said.get("sex", ""), where),
        other_sex_too=is_mostly(said.get("sex", "")),
        prevalence=prevalence_of(said.get("prevalence", ""), where),
        urgency=Urgency(urgency) if urgency else None,
        source=name,
    )


def _row(cells: Mapping[str, str], disease: PackDisease, pack_id: str, where: str) -> Association:
    return row(
        disease,
        cells["finding"],
        frequency_of(cells.get("frequency", ""), where),
        source=cells["source"],
        pack_id=pack_id,
        estimate=False,
    )
