"""One flipped bit in each kind of file that the program keeps to start faster.

It is said, what is found stays the same, and the start after the next finds everything whole again.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from app.workflows import suggest_findings
from knowledge_graph.graph.cache import load_compiled, to_bytes
from knowledge_graph.graph.parsed_release import load_release
from knowledge_graph.sources import cache_file
from knowledge_graph.sources.hpo_release import HpoRelease, find_release
from knowledge_graph.sources.pack_reading import read_pack
from knowledge_graph.sources.release_stamp import SETTLED_NS
from tests.knowledge_graph.mini_release import write_mini_release

Start = Callable[[], object]
CACHES = {
    "compiled graph": "graph-*.bin",
    "parsed release": "parsed-*.bin",
    "release stamp": "release-*.json",
    "knowledge pack": "pack-*.bin",
    "lexicon": "lexicon-*.bin",
}
_PACK = """
[pack]
id = "ward"
name = "A ward"

[[condition]]
name = "Seaside fever"
source = "Ward protocol"
estimate = true
findings = [["HP:0000020", "Fever", "very frequent"]]
"""
SAID, SILENT, SLOW = "said", "passed in silence", "the start after it isn't fast again"


def cache_flips(kind: str, scratch: Path) -> tuple[bytes, Callable[[bytes], str]]:
    """One kind's file, whole, and what judges another content in its place."""
    folder = scratch / "cache"
    folder.mkdir(exist_ok=True)
    start = _starts(scratch, folder)[kind]
    wanted = start()
    (path,) = folder.glob(CACHES[kind])
    whole = path.read_bytes()

    def judge(data: bytes) -> str:
        path.write_bytes(data)
        with _log_lines() as said:
            found = start()
        before = _files(folder)
        with _log_lines() as said_again:
            again = start()
        if not said or found != wanted or again != wanted:
            return SILENT
        return SLOW if said_again or _files(folder) != before or path.read_bytes() != whole else SAID

    return whole, judge


def _starts(scratch: Path, folder: Path) -> dict[str, Start]:
    """What reads each kind of file, as a start of the program does; of a small ontology, to be quick."""
    release = _settled_release(scratch / "release")
    graph, pack = load_compiled(folder, release), scratch / "ward.toml"
    pack.write_text(_PACK, "utf-8")
    built = suggest_findings._build_lexicon(graph)  # once: the building takes 0.2 s

    def lexicon() -> object:
        with patch.object(suggest_findings, "_build_lexicon", lambda _graph: built):
            recogniser = suggest_findings.build_recogniser(graph, folder)
        return recogniser.mentions("She has fits, a focal seizure and an itchy rash.")

    return {
        "compiled graph": lambda: to_bytes(load_compiled(folder, release)),
        "parsed release": lambda: load_release(release, folder),
        "release stamp": lambda: to_bytes(load_compiled(folder, release)),
        "knowledge pack": lambda: read_pack(pack, folder),
        "lexicon": lexicon,
    }


def _settled_release(folder: Path) -> HpoRelease:
    """Files that changed long enough ago to be remembered by their marks."""
    if folder.exists():
        return find_release(folder)
    release = write_mini_release(folder)
    time.sleep(SETTLED_NS / 1e9 + 0.1)
    return release


def _files(folder: Path) -> dict[str, int]:
    """Each file and its place on the disk: what is made anew gets another."""
    return {path.name: path.stat().st_ino for path in folder.iterdir()}


@contextmanager
def _log_lines() -> Iterator[list[str]]:
    lines = list[str]()
    log, listener = logging.getLogger(cache_file.__name__), logging.Handler()
    listener.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    log.addHandler(listener)
    try:
        yield lines
    finally:
        log.removeHandler(listener)
