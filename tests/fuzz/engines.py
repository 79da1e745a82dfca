"""Two engines: seeded mutation, which repeats by its seed, and atheris, which follows the code it covers.

Atheris (libFuzzer for Python) is a tool, not a dependency: `--engine atheris` needs it installed beside.
A finding does not end a run: each kind (exception and place) is kept once, with the bytes that showed it.
"""

import contextlib
import gzip
import io
import json
import random
import sys
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from types import ModuleType

from tests.app.exchange.hostile_seeds import spoilt_bytes, spoilt_tree
from tests.fuzz.targets import TARGETS

SLOW_S = 5.0
TOLD_EVERY = 50_000
SMALL_INPUT = 100
LARGEST_INPUT = 32 << 10
GZIP = b"\x1f\x8b"


@dataclass(slots=True)
class Findings:
    """How often a target was run, and what went wrong: kind to how often and the first bytes."""

    target: str
    folder: Path | None = None
    runs: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    first: dict[str, bytes] = field(default_factory=dict)

    def run(self, data: bytes) -> None:
        """Run the target once."""
        self.runs += 1
        begun = time.perf_counter()
        try:
            TARGETS[self.target](data)
        except Exception as error:
            self._note(_kind(error), data)
        if time.perf_counter() - begun > SLOW_S and self._is_slow(data):
            self._note("slow", data)

    def _is_slow(self, data: bytes) -> bool:
        """Whether a slow run was slow by itself: once more, by the processor's time."""
        begun = time.process_time()
        with contextlib.suppress(Exception):
            TARGETS[self.target](data)
        return time.process_time() - begun > SLOW_S

    def _note(self, kind: str, data: bytes) -> None:
        self.kinds[kind] += 1
        if kind in self.first:
            return
        self.first[kind] = data
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / f"{self.target}-{len(self.first)}").write_bytes(data)
            (self.folder / f"{self.target}-{len(self.first)}.txt").write_text(kind, "utf-8")


def mutated(data: bytes, dice: random.Random) -> bytes:
    """Spoilt bytes; for JSON as often a spoilt tree, for gzip as often spoilt content, packed again."""
    if data[:2] == GZIP and dice.random() < 0.5:
        try:
            return gzip.compress(mutated(unpacked(data), dice), 1, mtime=0)
        except (OSError, EOFError, zlib.error):
            pass
    if data[:1] in b"[{" and dice.random() < 0.5:
        try:
            return b"\n".join(
                json.dumps(spoilt_tree(json.loads(line), dice)).encode("utf-8", "surrogatepass")
                for line in (data.splitlines() if data.count(b"\n{") else [data])
            )
        except (ValueError, RecursionError):
            pass
    return spoilt_bytes(data, dice)


def unpacked(data: bytes) -> bytes:
    """The beginning of a gzip file's content."""
    with gzip.open(io.BytesIO(data)) as stream:
        return stream.read(LARGEST_INPUT)


def fuzz_seeded(findings: Findings, seeds: list[bytes], *, runs: int, seed: int) -> None:
    """Each run is one seed file, rather a small one than a large, mutated up to three times."""
    dice = random.Random(f"{findings.target}/{seed}")
    shares = list(accumulate(1 / (SMALL_INPUT + len(data)) for data in seeds))
    for number in range(runs):
        (data,) = dice.choices(seeds, cum_weights=shares)
        for _ in range(dice.choice((0, 1, 1, 1, 2, 3))):
            data = mutated(data, dice)[:LARGEST_INPUT]
        findings.run(data)
        if (number + 1) % TOLD_EVERY == 0:
            print(f"{findings.target}: {number + 1:,} runs, {len(findings.kinds)} kinds", flush=True)


def fuzz_covered(
    atheris: ModuleType, findings: Findings, corpus: Path, *, runs: int, seed: int, done: Callable[[], None]
) -> None:
    """Coverage-guided; libFuzzer ends the process, so `done` is called after the last run."""

    def one(data: bytes) -> None:
        findings.run(data)
        if findings.runs % TOLD_EVERY == 0:
            print(f"{findings.target}: {findings.runs:,} runs, {len(findings.kinds)} kinds", flush=True)
        if findings.runs >= runs:
            done()

    def mutate(data: bytes, most: int, turn: int) -> bytes:
        dice = random.Random(turn)
        if dice.random() < 0.3:
            return mutated(data, dice)[:most]
        return bytes(atheris.Mutate(data, most))

    options = [
        f"-seed={seed}",
        f"-max_len={LARGEST_INPUT}",
        "-timeout=60",
        "-rss_limit_mb=4096",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one, custom_mutator=mutate)
    atheris.Fuzz()


def _kind(error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    why = f": {error}" if isinstance(error, AssertionError) else ""
    return f"{type(error).__name__}{why} ({Path(place.filename).name}:{place.lineno})"
