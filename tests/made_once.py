"""What costs seconds and cannot change is made once a process: the patches that every test runs under."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from argon2.low_level import hash_secret_raw

from app.workflows.everyday_notes import EverydayNotes
from app.workflows.search_terms import TermCatalogue
from knowledge_graph.graph.cache import read_compiled
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.overlay import overlaid
from ml.inference import version_loading
from ml.inference.predictor import Predictor
from ml.recognition.lexicon_file import lexicon_from_bytes
from ml.registry.model_version import VersionContent
from ml.registry.starting_model import starting_version
from ml.text.encoder_files import EncoderFiles, find_encoder

MOST = 3  # the release's graph, the same under the program's own pack, and a test's own


@contextmanager
def made_once() -> Iterator[None]:
    """A key, a lexicon, a graph, what is made of it, and the shipped model; all else is made each time."""
    kept = {
        "app.store.key_derivation.hash_secret_raw": cache(hash_secret_raw),
        "app.workflows.suggest_findings.lexicon_from_bytes": lru_cache(4)(lexicon_from_bytes),
        "app.workflows.load_knowledge.overlaid": last_few(overlaid, _same_layers),
        "app.workflows.tell_messages.EverydayNotes": last_few(EverydayNotes, _same_graph),
        "app.gui.assistant.TermCatalogue": last_few(TermCatalogue, _same_graph),
        "knowledge_graph.graph.cache.read_compiled": unless_altered(read_compiled),
        "ml.inference.version_loading.version_onnx": _shipped_onnx(version_loading.version_onnx),
        "ml.inference.version_loading._predictor": _shipped_predictor(version_loading._predictor),
    }
    with ExitStack() as stack:
        for place, remembering in kept.items():
            stack.enter_context(patch(place, remembering))
        yield


def last_few(make: Callable[..., Any], same: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    """`make`, which remembers what the last few arguments gave."""
    known: deque[tuple[tuple[Any, ...], Any]] = deque(maxlen=MOST)

    def remembering(*given: Any) -> Any:
        for before, found in known:
            if same(before, given):
                return found
        known.append((given, make(*given)))
        return known[-1][1]

    return remembering


def unless_altered(
    read: Callable[[Path], CompiledGraph | None],
) -> Callable[[Path], CompiledGraph | None]:
    """`read`, which reads a file again only where it is another file or was written since."""
    once = lru_cache(MOST)(lambda path, _stamp: read(path))

    def remembering(path: Path) -> CompiledGraph | None:
        found = path.stat()
        return once(path, (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size))

    return remembering


def _same_graph(before: Any, given: Any) -> bool:
    return bool(before[0] is given[0])


def _same_layers(before: Any, given: Any) -> bool:
    return before[0] is given[0] and list(before[1]) == list(given[1])


start, default = cache(starting_version), cache(find_encoder)


def _shipped_onnx(really: Callable[..., bytes]) -> Callable[..., bytes]:
    """Any other model, and the shipped one over another encoder, is put together and checked each time."""
    once = cache(lambda precision: really(start(), default(), precision=precision))

    def version_onnx(content: VersionContent, encoder: EncoderFiles, *, precision: str = "int8") -> bytes:
        if (content, encoder) == (start(), default()):
            found: bytes = once(precision)
            return found
        return really(content, encoder, precision=precision)

    return version_onnx


def _shipped_predictor(really: Callable[..., Predictor]) -> Callable[..., Predictor]:
    """The shipped model is opened once; each predictor remembers its own texts only."""
    once = cache(lambda **words: really(start(), default(), **words))

    def _predictor(content: VersionContent, encoder: EncoderFiles, **words: Any) -> Predictor:
        if (content, encoder) != (start(), default()):
            return really(content, encoder, **words)
        first: Predictor = once(**words)
        return Predictor(
            first._session,
            first._tokenizer,
            first.labels,
            first.version,
            doubt=first._doubt,
            workers=first.workers,
        )

    return _predictor
