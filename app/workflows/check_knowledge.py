"""Checks packs against HPO and each other: what is refused, what is odd, what was resolved."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import ImportRefused
from app.exchange.foreign_kind import PACK
from app.workflows.foreign_gate import check_foreign
from knowledge_graph.errors import SourceRefused, UnknownTerm
from knowledge_graph.graph.cache import load_compiled
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.contradictions import Contradiction, contradictions
from knowledge_graph.graph.overlay import overlaid
from knowledge_graph.rules.checking import ABNORMALITY
from knowledge_graph.sources.knowledge_pack import KnowledgePack
from knowledge_graph.sources.pack_reading import COMMON, read_pack
from knowledge_graph.sources.pack_rows import HPO_SPACES

_ICD10CM = re.compile(r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?")


@dataclass(frozen=True, slots=True)
class PackReport:
    """One pack. `refused` is empty where it can be used; `remarks` are odd, each with its place."""

    path: str
    title: str = ""
    licence: str = ""
    diseases: int = 0
    terms: int = 0
    rows: int = 0
    left_out: int = 0
    refused: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KnowledgeReport:
    """Every pack by itself, and what contradicts itself in HPO and the packs together."""

    version: str
    packs: tuple[PackReport, ...]
    contradictions: tuple[Contradiction, ...] = field(default=())

    @property
    def refused(self) -> bool:
        """Whether a pack cannot be used."""
        return any(pack.refused for pack in self.packs)


def check_knowledge(cache_dir: Path, paths: Sequence[Path | str]) -> KnowledgeReport:
    """Read and compare everything; a broken pack is reported, not raised."""
    base = load_compiled(cache_dir)
    reports: list[PackReport] = []
    graph = base
    for path in paths:
        report, graph = _checked(graph, path)
        reports.append(report)
    return KnowledgeReport(graph.title, tuple(reports), contradictions(graph))


def _checked(graph: CompiledGraph, path: Path | str) -> tuple[PackReport, CompiledGraph]:
    """A pack laid over those before it."""
    try:
        if path != COMMON:
            check_foreign(PACK, Path(path).absolute(), name=Path(path).name)
        pack = read_pack(path)
        over = overlaid(graph, [pack])
    except (SourceRefused, ImportRefused) as error:
        return PackReport(str(path), refused=str(error)), graph
    return PackReport(
        str(path),
        title=pack.title,
        licence=pack.licence,
        diseases=len(pack.diseases),
        terms=len(pack.terms),
        rows=len(pack.rows),
        left_out=over.packs[-1].left_out,
        remarks=(*_remarks(over, pack), *_disease_remarks(graph, pack)),
    ), over


def _remarks(graph: CompiledGraph, pack: KnowledgePack) -> Iterator[str]:
    """Retired ids, names that are not the term's, terms that are no finding, rows said twice."""
    said: set[tuple[str, str]] = set()
    names = pack.stated_names or ("",) * len(pack.rows)
    for row, place, name in zip(pack.rows, pack.places, names, strict=True):
        try:
            number = graph.term_number(row.term_id)
        except UnknownTerm as error:
            yield f"{place}: left out: {error}"
            continue
        current = graph.term_ids[number]
        if current != row.term_id and row.term_id.startswith("HP:"):
            yield f"{place}: {row.term_id} is now {current} ({graph.term_names[number]})"
        known = {graph.term_names[number].casefold(), *(s.casefold() for s in graph.term_synonyms[number])}
        if name and name.casefold() not in known:
            yield f"{place}: {current} is {graph.term_names[number]!r}, not {name!r}"
        if row.aspect == "P" and current.startswith("HP:") and not _tells(graph, current):
            yield f"{place}: {current} ({graph.term_names[number]}) is no finding of a patient; name one"
        if (row.disease_id, current) in said:
            yield f"{place}: {current} is said of {row.disease_id} a second time"
        said.add((row.disease_id, current))


def _tells(graph: CompiledGraph, term_id: str) -> bool:
    return term_id != ABNORMALITY and graph.is_a(term_id, ABNORMALITY)


def _disease_remarks(before: CompiledGraph, pack: KnowledgePack) -> Iterator[str]:
    """Diseases without findings, ids that HPO lacks in its own spaces, codes that are none."""
    shown = {row.disease_id for row in pack.rows if row.aspect == "P"}
    for disease in pack.diseases:
        named = f"{disease.disease_id} ({disease.name})"
        if disease.disease_id not in shown and (shown or pack.strict):  # Orphanet may tell of genes alone
            yield f"{named} has no finding"
        space = disease.disease_id.split(":")[0]
        if space.lower() in HPO_SPACES and disease.disease_id not in before.disease_index:
            yield f"{named} is no disease of HPO {before.version}; check the id"
        if disease.icd10cm and not _ICD10CM.fullmatch(disease.icd10cm):
            yield f"{named}: {disease.icd10cm!r} is no code of ICD-10-CM"
