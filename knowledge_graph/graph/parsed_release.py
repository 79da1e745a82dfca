"""Reads the three files of a release, and keeps what was read so that the next time nothing is parsed.

What many rows say is kept once: a column of phenotype.hpoa is the list of its distinct values and one number
a row. Sealed and named by a hash, as the compiled graph is; what is damaged is read anew from the sources.
"""

import time
from pathlib import Path
from types import GenericAlias
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.sealed_arrays import Arrays, read_sealed, sealed
from knowledge_graph.sources.association import Association, read_associations
from knowledge_graph.sources.cache_file import keep, kept
from knowledge_graph.sources.gene import GeneLink, read_gene_links
from knowledge_graph.sources.hpo_release import HpoRelease
from knowledge_graph.sources.ontology import Ontology, read_ontology
from knowledge_graph.sources.release_stamp import remembered_hash
from knowledge_graph.terms.term import Term

LAYOUT = "2"  # of what is kept: raise it when a reader or a noun changes
_COLUMNS = msgspec.structs.fields(Association)
_Distinct: Any = msgspec.defstruct(
    "_Distinct", [(column.name, GenericAlias(list, (column.type,))) for column in _COLUMNS], array_like=True
)


class ParsedRelease(NamedTuple):
    """What the files say, not yet laid out."""

    ontology: Ontology
    associations: tuple[Association, ...]
    links: tuple[GeneLink, ...]


class _Words(msgspec.Struct, array_like=True):
    version: str
    terms: list[Term]
    links: tuple[GeneLink, ...]
    distinct: _Distinct


def parse_release(release: HpoRelease) -> ParsedRelease:
    """Parse and check the files. Raises SourceRefused."""
    return ParsedRelease(
        read_ontology(release.ontology),
        read_associations(release.associations),
        read_gene_links(release.genes),
    )


def load_release(release: HpoRelease, cache_dir: Path) -> ParsedRelease:
    """The same, from the cache where it lies there. Raises SourceRefused."""
    source_hash = remembered_hash(release, cache_dir, now_ns=time.time_ns())
    path = cache_dir / f"parsed-{source_hash[:32]}-{LAYOUT}.bin"
    known = kept(path, _read)
    if known is None:
        known = parse_release(release)
        keep(path, _to_bytes(known))
    return known


def _to_bytes(parsed: ParsedRelease) -> bytes:
    arrays, distinct = {}, {}
    for column in _COLUMNS:
        numbers: dict[Any, int] = {}
        said = (numbers.setdefault(getattr(r, column.name), len(numbers)) for r in parsed.associations)
        arrays[column.name] = np.fromiter(said, np.int32, len(parsed.associations))
        distinct[column.name] = list(numbers)
    terms = list(parsed.ontology.terms.values())
    words = _Words(parsed.ontology.version, terms, parsed.links, _Distinct(**distinct))
    return sealed({**arrays, "words": np.frombuffer(msgspec.msgpack.encode(words), np.uint8)})


def _read(path: Path) -> ParsedRelease | None:
    try:
        arrays = read_sealed(path)
        return None if arrays is None else _parsed(arrays)
    except (KeyError, ValueError, IndexError, msgspec.MsgspecError):
        return None


def _parsed(arrays: Arrays) -> ParsedRelease:
    words = msgspec.msgpack.decode(arrays["words"].data, type=_Words)
    columns = (_spread(getattr(words.distinct, c.name), arrays[c.name]) for c in _COLUMNS)
    ontology = Ontology.of(words.version, {term.term_id: term for term in words.terms})
    return ParsedRelease(ontology, tuple(map(Association, *columns)), words.links)


def _spread(distinct: list[Any], numbers: npt.NDArray[Any]) -> list[Any]:
    """The value of each row: numpy looks objects up faster than a loop."""
    values = np.empty(len(distinct), object)
    values[:] = distinct
    spread: list[Any] = values[numbers].tolist()
    return spread
