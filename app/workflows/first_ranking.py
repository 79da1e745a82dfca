"""Loads the compiled graph and ranks for the first time, in a process that has done nothing else.

`benchmark graph` runs it with the ids of a patient's terms, an absent one with a `-` before it; it prints
milliseconds by the wall clock and of the processor.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.cache import load_compiled
from knowledge_graph.ranking.rank import rank
from knowledge_graph.terms.term import TermId


def main(words: Sequence[str]) -> int:
    """The cache's folder, then the terms."""
    folder, *said = words
    findings = [
        Finding(
            TermId(word.removeprefix("-")),
            FindingState.EXCLUDED if word.startswith("-") else FindingState.OBSERVED,
        )
        for word in said
    ]
    began, worked = time.perf_counter(), time.process_time()
    rank(load_compiled(Path(folder)), findings)
    print(1000 * (time.perf_counter() - began), 1000 * (time.process_time() - worked))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
