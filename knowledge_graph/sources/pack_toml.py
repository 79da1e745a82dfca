"""Reads a pack in TOML: the program's own common conditions, or a hospital's. Errors name the line.

[pack]
id = "ward7"                      # namespace of its diseases: WARD7:...
name = "Ward 7"
version = "2026-11"
licence = "internal"

[[term]]                          # a finding that HPO lacks
id = "double-shadow"              # becomes WARD7:double-shadow
name = "Double shadow sign"
is_a = ["HP:0002088"]             # only where certain

[[condition]]
name = "Seaside fever"            # id = "OMIM:..." speaks of a known disease
icd10cm = "R50.9"
age_years = [18, 65]              # the usual ages
possible_years = [1, 90]          # where stated: outside of these hardly anybody has it
sex = "any"                       # female, mostly female, male, mostly male, any
prevalence = "common"             # or { emergency = "common", primary_care = "rare" }
urgency = "urgent"                # emergency, urgent, routine
source = "Ward 7 protocol, 2026"
estimate = true                   # the frequencies are an expert's estimate
itself = ["HP:0033834"]           # HPO terms that name the condition, rather than a finding of it
findings = [
  ["HP:0001945", "Fever", "very frequent"],
  ["double-shadow", "Double shadow sign", "7/12", "its own source"],
]
"""

import re
import tomllib
from typing import Any

import msgspec

from knowledge_graph.errors import SourceRefused
from knowledge_graph.sources.association import Association
from knowledge_graph.sources.knowledge_pack import KnowledgePack, LocalTerm, PackDisease
from knowledge_graph.sources.pack_rows import (
    HPO_SPACES,
    ID,
    checked_ages,
    disease_id_of,
    frequency_of,
    is_mostly,
    itself,
    prevalence_of,
    row,
    sex_of,
)
from knowledge_graph.terms.occurrence import Prevalence, Setting, Urgency
from knowledge_graph.terms.term import DiseaseId, TermId


class _Head(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    name: str
    version: str = ""
    licence: str = ""


class _Term(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    name: str
    is_a: list[str] = []


class _Condition(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    findings: list[list[str]]
    source: str
    id: str = ""
    icd10cm: str = ""
    age_years: tuple[float, float] | None = None
    possible_years: tuple[float, float] | None = None
    sex: str = "any"
    prevalence: str | dict[Setting, Prevalence] = ""
    urgency: Urgency | None = None
    estimate: bool = False
    same_as: list[str] = []
    itself: list[str] = []


class _File(msgspec.Struct, forbid_unknown_fields=True):
    pack: _Head
    condition: list[_Condition] = []
    term: list[_Term] = []


def parse_toml_pack(text: str, *, name: str, content_hash: str) -> KnowledgePack:
    """A pack from its text. Raises SourceRefused with the line number."""
    lines = _Lines(text, name)
    try:
        given = msgspec.convert(tomllib.loads(text), _File)
    except msgspec.ValidationError as error:
        raise SourceRefused(lines.misfit(str(error))) from error
    except (ValueError, RecursionError) as error:
        raise SourceRefused(f"{name} is not TOML ({error}); correct that line") from error
    if not re.fullmatch(r"[a-z][a-z0-9_]*", given.pack.id):
        raise SourceRefused(f"{name}: the pack's id {given.pack.id!r} must be lower-case letters and digits")
    if given.pack.id in HPO_SPACES:
        raise SourceRefused(f"{name}: {given.pack.id!r} is HPO's own; give the pack an id of its own")
    read = [_condition(c, given.pack, lines, place) for place, c in enumerate(given.condition)]
    _check_once([disease for disease, _, _ in read], lines)
    return KnowledgePack(
        pack_id=given.pack.id,
        name=given.pack.name,
        version=given.pack.version,
        licence=given.pack.licence,
        diseases=tuple(disease for disease, _, _ in read),
        rows=tuple(r for _, rows, _ in read for r in rows),
        places=tuple(p for _, _, places in read for p in places),
        content_hash=content_hash,
        terms=tuple(_term(t, given.pack.id) for t in given.term),
        stated_names=tuple(
            n for c in given.condition for n in (*[""] * len(c.itself), *(f[1] for f in c.findings))
        ),
    )


def _check_once(diseases: list[PackDisease], lines: "_Lines") -> None:
    seen: set[DiseaseId] = set()
    for place, disease in enumerate(diseases):
        if disease.disease_id in seen:
            where = lines.place("condition", place)
            raise SourceRefused(f"{where}: {disease.disease_id} is described a second time; join both")
        seen.add(disease.disease_id)


class _Lines:
    """Which line of the file a table or one of its words stands on."""

    def __init__(self, text: str, name: str):
        self._name = name
        self._lines = text.splitlines()
        self._heads: dict[str, list[int]] = {}
        for number, line in enumerate(self._lines):
            if found := re.match(r"\s*\[\[?\s*(\w+)\s*\]", line):
                self._heads.setdefault(found[1], []).append(number)

    def place(self, table: str, index: int, words: str = "") -> str:
        """`file:line` of the words in the table of that name and number; of its head where they lack."""
        heads = self._heads.get(table, [])
        if index >= len(heads):
            return self._name
        start = heads[index]
        end = min(
            (n for all_of in self._heads.values() for n in all_of if n > start), default=len(self._lines)
        )
        spoken = (n for n in range(start, end) if words and words in self._lines[n])
        return f"{self._name}:{next(spoken, start) + 1}"

    def misfit(self, said: str) -> str:
        """msgspec's words with the line instead of its path."""
        path = re.search(r"`\$\.(\w+)(?:\[(\d+)\])?\.?(\w*)", said)
        where = self.place(path[1], int(path[2] or 0), path[3]) if path else self._name
        return f"{where}: {said.split(' - at ')[0]}; correct that entry"


def _term(given: _Term, pack_id: str) -> LocalTerm:
    return LocalTerm(
        _local(given.id, pack_id), given.name, tuple(_local(parent, pack_id) for parent in given.is_a)
    )


def _local(text: str, pack_id: str) -> TermId:
    return TermId(text if ID.fullmatch(text) else f"{pack_id.upper()}:{text}")


def _condition(
    given: _Condition, head: _Head, lines: _Lines, index: int
) -> tuple[PackDisease, list[Association], list[str]]:
    where = lines.place("condition", index)
    if not given.name.strip() or not given.source.strip():
        raise SourceRefused(f"{where}: a condition needs a name and a source; name who says so")
    disease = PackDisease(
        disease_id=disease_id_of(given.id, given.name, head.id),
        name=given.name,
        icd10cm=given.icd10cm,
        ages=None if given.age_years is None else checked_ages(given.age_years, where),
        possible_ages=_possible(given, where),
        sex=sex_of(given.sex, where),
        other_sex_too=is_mostly(given.sex),
        prevalence=_prevalence(given.prevalence, where),
        urgency=given.urgency,
        source=given.source,
        same_as=tuple(DiseaseId(other) for other in given.same_as),
    )
    rows = [itself(disease, term, source=given.source, pack_id=head.id) for term in given.itself]
    places = [lines.place("condition", index, "itself")] * len(rows)
    for cells in given.findings:
        at = lines.place("condition", index, cells[0] if cells else "")
        rows.append(_row(cells, disease, given, head, at))
        places.append(at)
    return disease, rows, places


def _possible(given: _Condition, where: str) -> tuple[float, float] | None:
    if given.possible_years is None:
        return None
    youngest, oldest = checked_ages(given.possible_years, where)
    if given.age_years and not youngest <= given.age_years[0] < given.age_years[1] <= oldest:
        raise SourceRefused(f"{where}: the usual ages reach beyond the possible ones; let them agree")
    return youngest, oldest


def _prevalence(given: str | dict[Setting, Prevalence], where: str) -> dict[Setting, Prevalence]:
    return prevalence_of(given, where) if isinstance(given, str) else given


def _row(cells: list[Any], disease: PackDisease, given: _Condition, head: _Head, where: str) -> Association:
    if not 3 <= len(cells) <= 4:
        raise SourceRefused(f"{where}: a finding is [id, name, frequency] or [id, name, frequency, source]")
    return row(
        disease,
        _local(cells[0], head.id),
        frequency_of(cells[2], where, estimate=given.estimate),
        source=cells[3] if len(cells) == 4 else given.source,
        pack_id=head.id,
        estimate=given.estimate,
    )
