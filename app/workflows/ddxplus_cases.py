"""Patients of DDXPlus (tables as released) as cases: evidences of its pack, or the HPO terms they stand for.

With the DDXPlus pack the right answer is the pack's condition. Without it evidences become HPO terms where
`resources/packs/ddxplus.toml` has a certain link, and the right answer is the condition of the program's
common pack; a patient whose condition that pack lacks is left out.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from app.errors import UsageError
from app.workflows.evaluate_cases import Case
from knowledge_graph.errors import SourceRefused
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.sources.ddxplus import VALUE, condition_id, ddxplus_links, evidence_id
from knowledge_graph.sources.ddxplus_patients import DdxplusPatient, read_patients

_SEX = {"F": "FEMALE", "M": "MALE"}


def is_ddxplus_cases(path: Path) -> bool:
    """Whether a file of cases is DDXPlus's table, by its name: `release_test_patients`, or any CSV."""
    name = path.name.lower()
    return name.removesuffix(".gz").endswith(".csv") or name.removesuffix(".zip").endswith("_patients")


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
    for patient in _patients(path):
        link = known.get(patient.pathology)
        if link is None:
            raise UsageError(f"{patient.where}: the condition is none of DDXPlus's; check the file")
        told = _told(patient.evidences, patient.initial, evidences, dice)
        truth = condition_id(link.english) if own else link.common
        if truth in graph.disease_index:
            observed = dict.fromkeys(term for code in told if (term := say(code)))
            yield Case(
                disease_id=truth,
                observed=list(observed),
                age=f"P{patient.age}Y",
                sex=_SEX.get(patient.sex, "UNKNOWN"),
            )


def _patients(path: Path) -> Iterator[DdxplusPatient]:
    try:
        yield from read_patients(path)
    except SourceRefused as error:
        raise UsageError(str(error)) from error


def _hpo_terms(links: Mapping[str, str]) -> Callable[[str], str]:
    """From an evidence, with or without an answer, to the HPO term it stands for; "" where it has none."""
    return lambda code: links.get(code, links.get(code.split(VALUE)[0], "") if VALUE not in code else "")


def _told(given: Sequence[str], first: str, count: int | None, dice: random.Random) -> list[str]:
    if count is None:
        return list(given)
    others = [code for code in given if code != first]
    dice.shuffle(others)
    return [first, *others[: count - 1]]
