"""Measures a cold diagnosis from the command line beside the same one that imports torch first.

Each run is a process of its own, the sides take turns, files are warm in the page cache. The figures
are medians of wall time, and the largest resident memory.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from app.config.program import is_packaged, program_command
from app.errors import UsageError, WorkerFailed

DEFAULT_ROUNDS = 5
POLL_S = 0.005
FINDINGS = "HP:0001166,HP:0001519,HP:0000098,HP:0002650,-HP:0001249"
NOTE = "She is tall with long fingers and scoliosis. No intellectual disability. Lens dislocation at 9 years."
WITH_TORCH = "import ml.training.classifier, sys; from app.cli.main import main; sys.exit(main(sys.argv[1:]))"
Progress = Callable[..., None]


@dataclass(frozen=True, slots=True)
class ColdRun:
    """One process from start to end."""

    wall_s: float
    memory_mib: float


def measure(progress: Progress, *, size: int | None = None, data: str | None = None) -> dict[str, object]:
    """`size` is the number of rounds. Raises UsageError in a package, whose light program has no torch."""
    if is_packaged():
        raise UsageError("benchmark startup needs an installation from source: the package has no torch here")
    rounds = size or DEFAULT_ROUNDS
    found: dict[str, object] = {"rounds": rounds}
    for name, asked, said in (
        ("findings", ["--findings", FINDINGS], ""),
        ("text", ["--text", "-"], NOTE),
    ):
        words = ["diagnose", *asked, "--json"]
        light, heavy = program_command(*words), [sys.executable, "-c", WITH_TORCH, *words]
        run_cold(light, said)  # fills the caches of graph, lexicon and encoder
        runs: dict[str, list[ColdRun]] = {"light": [], "heavy": []}
        for number in range(rounds):
            progress(f"{name}, round {number + 1} of {rounds}")
            runs["light"].append(run_cold(light, said))
            runs["heavy"].append(run_cold(heavy, said))
        found |= _figures(name, runs)
    return found


def run_cold(command: list[str], said: str = "") -> ColdRun:
    """Run a command to its end. Raises WorkerFailed where it fails."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        process.stdin.write(said.encode())
        process.stdin.close()
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, _peak_mib(process.pid))
            time.sleep(POLL_S)
    if process.returncode != 0:
        raise WorkerFailed("a measured diagnosis failed; run `anamnesis self-test`")
    return ColdRun(time.perf_counter() - began, peak)


def _peak_mib(pid: int) -> float:
    """Largest resident memory so far. (The one that `wait4` tells includes this process before the exec.)"""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    line = next((text for text in status.splitlines() if text.startswith("VmHWM")), "VmHWM: 0 kB")
    return int(line.split()[1]) / 1024


def _figures(name: str, runs: dict[str, list[ColdRun]]) -> dict[str, object]:
    light, heavy = (median(r.wall_s for r in runs[side]) for side in ("light", "heavy"))
    return {
        f"{name}, cold, s": light,
        f"{name}, cold, with torch, s": heavy,
        f"{name}, with torch / without": heavy / light,
        f"{name}, memory, MiB": max(r.memory_mib for r in runs["light"]),
        f"{name}, memory with torch, MiB": max(r.memory_mib for r in runs["heavy"]),
    }
