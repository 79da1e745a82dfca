"""Patients of DDXPlus (CSV as released) as cases: evidences of its pack, or the HPO terms they stand for.

With the DDXPlus pack the right answer is the pack's condition. Without it evidences become HPO terms where
`resources/packs/ddxplus.toml` has a certain link, and the right answer is the condition of the program's
common pack; a patient whose condition that pack lacks is left out.
"""

import ast
import csv
import gzip
import io
import random
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from app.errors import UsageError
from app.workflows.evaluate_cases import Case
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.sources.ddxplus import VALUE, condition_id, ddxplus_links, evidence_id

COLUMNS = ("AGE", "SEX", "PATHOLOGY", "EVIDENCES", "INITIAL_EVIDENCE")
_SEX = {"F": "FEMALE", "M": "MALE"}


def is_ddxplus_cases(path: Path) -> bool:
    """Whether a file of cases is DDXPlus's table, by its name."""
    return path.name.removesuffix(".gz").lower().endswith(".csv")


def read_ddxplus_cases(
    path: Path, graph: CompiledGraph, *, evidences: int | None = None, seed: int = 0
) -> Iterator[Case]:
    """Cases from the table; with `evidences`, the first complaint and others drawn by chance, so many in all.

    Raises UsageError with the line number.
    """
    own = "DDXPLUS" in graph.pack_spaces
    links = ddxplus_links()
    known = {name: link for link in links.conditions for name in (link.french, link.english)}
    say = evidence_id if own else _hpo_terms(links.evidences)
    dice = random.Random(seed)
    for where, cells in _lines(path):
        link = known.get(cells["PATHOLOGY"])
        given = _evidences(cells, where)
        if link is None:
            raise UsageError(f"{where}: the condition is none of DDXPlus's; check the file")
        told = _told(given, cells["INITIAL_EVIDENCE"], evidences, dice)
        truth = condition_id(link.english) if own else link.common
        if truth in graph.disease_index:
            observed = dict.fromkeys(term for code in told if (term := say(code)))
            yield Case(
                disease_id=truth,
                observed=list(observed),
                age=f"P{cells['AGE']}Y",
                sex=_SEX.get(cells["SEX"], "UNKNOWN"),
            )


def _hpo_terms(links: Mapping[str, str]) -> Callable[[str], str]:
    """From an evidence, with or without an answer, to the HPO term it stands for; "" where it has none."""
    return lambda code: links.get(code, links.get(code.split(VALUE)[0], "") if VALUE not in code else "")


def _told(given: Sequence[str], first: str, count: int | None, dice: random.Random) -> list[str]:
    if count is None:
        return list(given)
    others = [code for code in given if code != first]
    dice.shuffle(others)
    return [first, *others[: count - 1]]


def _evidences(cells: dict[str, str], where: str) -> list[str]:
    try:
        given = ast.literal_eval(cells["EVIDENCES"])
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        given = None
    if not isinstance(given, list) or not all(isinstance(code, str) for code in given):
        raise UsageError(f"{where}: EVIDENCES is no list of DDXPlus evidences; check the file")
    return given


def _lines(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            reader = csv.DictReader(io.TextIOWrapper(stream, "utf-8"))
            if not set(COLUMNS) <= set(reader.fieldnames or ()):
                raise UsageError(
                    f"{path.name} lacks the columns {', '.join(COLUMNS)}; it is no DDXPlus table"
                )
            for cells in reader:
                if None in cells.values() or not cells["AGE"].isdigit():
                    raise UsageError(f"{path.name}:{reader.line_num}: not whole; check the file")
                yield f"{path.name}:{reader.line_num}", cells
    except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError) as error:
        raise UsageError(
            f"the cases file {path} cannot be read; check the path and that it is whole"
        ) from error
