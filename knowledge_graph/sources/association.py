"""Reads phenotype.hpoa: which disease shows which phenotypic abnormality, how often, says who.

Columns as in the HPO annotation format. Two ways of saying that a finding is excluded are in the
data and mean the same here: the qualifier NOT, and a frequency of 0/m or 0 %.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from knowledge_graph.errors import SourceRefused
from knowledge_graph.findings.finding import Sex
from knowledge_graph.terms.term import DiseaseId, TermId

COLUMNS = [
    *("database_id", "disease_name", "qualifier", "hpo_id", "reference", "evidence"),
    *("onset", "frequency", "sex", "modifier", "aspect", "biocuration"),
]
# HPO frequency subontology (HP:0040279): the middle of each class's range.
FREQUENCY_CLASSES = {
    "HP:0040280": (1.0, "obligate (100 %)"),
    "HP:0040281": (0.9, "very frequent (80-99 %)"),
    "HP:0040282": (0.55, "frequent (30-79 %)"),
    "HP:0040283": (0.17, "occasional (5-29 %)"),
    "HP:0040284": (0.025, "very rare (1-4 %)"),
    "HP:0040285": (0.0, "excluded (0 %)"),
}
LARGEST_COUNT = 1_000_000
_QUALIFIERS = ("", "NOT")
_ASPECTS = ("P", "I", "C", "M", "H")  # abnormality, inheritance, course, modifier, past history
_SEXES = {"MALE": Sex.MALE, "FEMALE": Sex.FEMALE}


@dataclass(frozen=True, slots=True)
class Frequency:
    """How often: a count n/m where one was given, else a fraction, else nothing is known."""

    text: str = ""
    numerator: int | None = None
    denominator: int | None = None
    fraction: float | None = None

    @property
    def is_zero(self) -> bool:
        """Whether the source says that nobody had it."""
        return self.numerator == 0 if self.numerator is not None else self.fraction == 0.0


class Association(msgspec.Struct, frozen=True, gc=False):
    """One row: a disease, a term, and its source. A struct, since 271,702 of them are made at once."""

    disease_id: DiseaseId
    disease_name: str
    term_id: TermId
    excluded: bool
    reference: str
    evidence: str
    onset: str
    frequency: Frequency
    sex: Sex
    aspect: str
    modifier: str = ""
    biocuration: str = ""


def read_associations(path: Path) -> tuple[Association, ...]:
    """All rows of the file. Raises SourceRefused with the line number where one is broken."""
    try:
        with path.open(encoding="utf-8") as stream:
            return tuple(parse_associations(stream, name=path.name))
    except (OSError, UnicodeDecodeError) as error:
        raise SourceRefused(f"{path.name} cannot be read as UTF-8 text; fetch it again") from error


def parse_associations(lines: Iterable[str], *, name: str) -> Iterator[Association]:
    """Rows from lines; the header must be the format's own."""
    numbered = enumerate(lines, start=1)
    _pass_header(numbered, name)
    frequencies: dict[str, Frequency] = {}
    known: dict[str, Any] = {}
    same = known.setdefault  # what many rows say is kept once: 100 MB less
    for number, line in numbered:
        cells: list[Any] = line.rstrip("\r\n").split("\t")
        if (line[:1] == "#" or not cells[0].strip()) and _is_remark(line):
            continue
        if len(cells) != len(COLUMNS):
            raise SourceRefused(_misfit(f"{name}:{number}", len(cells), header_seen=True))
        disease, title, qualifier, term, reference, evidence, onset, often, sex, modifier, aspect, who = cells
        how_often = frequencies.get(often)
        if how_often is None:
            how_often = frequencies[often] = parse_frequency(often, f"{name}:{number}")
        if ":" not in disease or qualifier not in _QUALIFIERS or aspect not in _ASPECTS:
            raise SourceRefused(_unlike(f"{name}:{number}"))
        yield Association(  # in the order of its fields: by name it takes twice as long
            same(disease, disease),
            same(title, title),
            same(term, term),
            qualifier == "NOT" or how_often.is_zero,
            same(reference, reference),
            same(evidence, evidence),
            same(onset, onset),
            how_often,
            _SEXES.get(sex.upper(), Sex.UNKNOWN) if sex else Sex.UNKNOWN,
            aspect,
            modifier,
            same(who, who),
        )
    if not frequencies:
        raise SourceRefused(f"{name} holds no row; fetch the file again")


def _pass_header(numbered: Iterable[tuple[int, str]], name: str) -> None:
    """Remarks, and the line that names the columns."""
    for number, line in numbered:
        cells = line.rstrip("\r\n").split("\t")
        if cells == COLUMNS:
            return
        if not _is_remark(line):
            raise SourceRefused(_misfit(f"{name}:{number}", len(cells), header_seen=False))


def _is_remark(line: str) -> bool:
    return line.startswith("#") or not line.strip()


def _unlike(where: str) -> str:
    return f"{where}: disease id, qualifier or aspect is none of the format's; fetch it again"


def _misfit(where: str, count: int, *, header_seen: bool) -> str:
    if header_seen:
        return f"{where}: {count} columns where {len(COLUMNS)} are due; the file is cut"
    return f"{where}: not the header of phenotype.hpoa; fetch the file again"


def parse_frequency(text: str, where: str) -> Frequency:
    """A frequency as the format allows it: n/m, a percentage, a class of HP:0040279, or nothing."""
    if not text:
        return Frequency()
    if text in FREQUENCY_CLASSES:
        fraction, words = FREQUENCY_CLASSES[text]
        return Frequency(words, fraction=fraction)
    try:
        if "/" in text:
            numerator, denominator = (int(part) for part in text.split("/"))
            if 0 <= numerator <= denominator and 0 < denominator <= LARGEST_COUNT:
                return Frequency(text, numerator, denominator, numerator / denominator)
        elif text.endswith("%"):
            fraction = float(text[:-1]) / 100
            if 0 <= fraction <= 1:
                return Frequency(text, fraction=fraction)
    except ValueError:
        pass
    raise SourceRefused(f"{where}: {text!r} is not a frequency (n/m, a percentage or a class)")
