"""Keeps the compiled graph in a checksummed file, named by the hash of what it was made from.

safetensors behind a SHA-256, never pickle. A damaged or foreign cache is rebuilt from the sources.
"""

import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from knowledge_graph.graph.arrays import Associations, Rows
from knowledge_graph.graph.collector import collector_at_rest
from knowledge_graph.graph.compilation import compile_release
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.demographics import Demographics
from knowledge_graph.graph.kinship import Kinship
from knowledge_graph.graph.namesakes import FILE as NAMESAKES
from knowledge_graph.graph.namesakes import Namesakes
from knowledge_graph.graph.portraits import FILE as PORTRAITS
from knowledge_graph.graph.portraits import Portraits
from knowledge_graph.graph.profile import Profiles
from knowledge_graph.graph.sealed_arrays import read_sealed, sealed
from knowledge_graph.graph.signature import Signatures
from knowledge_graph.sources.cache_file import keep, kept
from knowledge_graph.sources.hpo_release import HpoRelease, find_release
from knowledge_graph.sources.release_stamp import remembered_hash
from knowledge_graph.terms.gene import GeneId
from knowledge_graph.terms.term import DiseaseId, TermId

LAYOUT = "14"
_PARTS: dict[str, Any] = {
    "associations": Associations,
    "profiles": Profiles,
    "signatures": Signatures,
    "demographics": Demographics,
    "namesakes": Namesakes,
    "portraits": Portraits,
}
_ROWS = ("ancestors", "parents", "onsets", "inheritance")
_KIN = tuple(Kinship.__slots__)


class _Words(msgspec.Struct, array_like=True):
    """What of the graph is no number. Not compressed: inflating takes longer than reading."""

    version: str
    content_hash: str
    term_ids: tuple[TermId, ...]
    term_names: tuple[str, ...]
    term_synonyms: tuple[tuple[str, ...], ...]
    alternatives: dict[str, TermId]
    disease_ids: tuple[DiseaseId, ...]
    disease_names: tuple[str, ...]
    name_words: tuple[str, ...]
    genes: tuple[tuple[str, ...], ...]
    gene_ids: tuple[tuple[GeneId, ...], ...]
    texts: tuple[str, ...]


def load_compiled(cache_dir: Path, release: HpoRelease | None = None) -> CompiledGraph:
    """The compiled graph of a release: from the cache, or compiled now and put there."""
    source = find_release() if release is None else release
    source_hash = remembered_hash(source, cache_dir, now_ns=time.time_ns())
    path = cache_dir / f"graph-{source_hash[:32]}-{_learned()}-{LAYOUT}.bin"
    with collector_at_rest():
        cached = kept(path, read_compiled)
    if cached is not None and cached.content_hash == source_hash:
        return cached
    graph = compile_release(source)
    keep(path, to_bytes(graph))
    return graph


def _learned() -> str:
    """Names what was learned and ships with the program: the first bytes of the SHA-256 before each file."""
    seals = b""
    for name in (NAMESAKES, PORTRAITS):
        with files("resources.ranking").joinpath(name).open("rb") as file:
            seals += file.read(4)
    return seals.hex()


def to_bytes(graph: CompiledGraph) -> bytes:
    """The graph as safetensors behind its SHA-256."""
    return sealed(_arrays(graph))


def read_compiled(path: Path) -> CompiledGraph | None:
    """The graph of a file, or None where that is damaged. Raises OSError."""
    try:
        arrays = read_sealed(path)
        return None if arrays is None else _graph(arrays)
    except (KeyError, ValueError, msgspec.MsgspecError):
        return None


def _arrays(graph: CompiledGraph) -> dict[str, Any]:
    arrays: dict[str, Any] = {}
    ragged = {name: getattr(graph, name) for name in _ROWS}
    ragged |= {name: getattr(graph.kinship, name) for name in _KIN}
    for name, rows in ragged.items():
        arrays[f"{name}.indptr"], arrays[f"{name}.values"] = rows.indptr, rows.values
    for part, kind in _PARTS.items():
        for name in kind.__slots__:
            arrays[f"{part}.{name}"] = getattr(getattr(graph, part), name)
    words = _Words(**{name: getattr(graph, name) for name in _Words.__struct_fields__})
    arrays["words"] = np.frombuffer(msgspec.msgpack.encode(words), np.uint8)
    return arrays


def _graph(arrays: dict[str, Any]) -> CompiledGraph:
    words = msgspec.msgpack.decode(arrays["words"].data, type=_Words)
    rows: dict[str, Any] = {name: _rows(arrays, name) for name in _ROWS}
    parts: dict[str, Any] = {
        part: kind(**{name: arrays[f"{part}.{name}"] for name in kind.__slots__})
        for part, kind in _PARTS.items()
    }
    return CompiledGraph(
        **msgspec.structs.asdict(words),
        kinship=Kinship(**{name: _rows(arrays, name) for name in _KIN}),
        **rows,
        **parts,
    )


def _rows(arrays: dict[str, Any], name: str) -> Rows:
    return Rows(arrays[f"{name}.indptr"], arrays[f"{name}.values"])
