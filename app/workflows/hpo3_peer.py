"""The published peer of `benchmark graph`: hpo3, in a Python of its own, since it installs over pyhpo.

Run as a program it is the peer: it loads the same data files, is told the terms of every disease (a line of
JSON), then answers each patient (a line of JSON with the ids of observed terms) with the time it took and
Resnik's best-match average of every disease. It is told the terms because left to itself it takes rows 0/m
for findings, and inheritance and onset as well; its information content still counts 0/m rows.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

if __name__ != "__main__":
    from app.errors import UsageError

METHOD = {"kind": "omim", "method": "resnik", "combine": "BMA"}


class Hpo3Peer:
    """A running peer; `load_ms` is what reading the data files took."""

    def __init__(self, process: "subprocess.Popen[str]", profiles: Sequence[Sequence[str]]):
        self._process = process
        self.load_ms = float(self._asked([list(terms) for terms in profiles])["load_ms"])

    def scores(self, term_ids: Sequence[str]) -> tuple[float, list[float]]:
        """Milliseconds, and the score of every disease."""
        answer = self._asked(list(term_ids))
        return float(answer["ms"]), [float(score) for score in answer["scores"]]

    def _asked(self, question: list[Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise UsageError(
                "the Python named by --hpo3 has no working hpo3; make one by "
                "`python3 -m venv DIR && DIR/bin/pip install hpo3` and name DIR/bin/python"
            )
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def hpo3_peer(python: Path, data: Path, profiles: Sequence[Sequence[str]]) -> Iterator[Hpo3Peer]:
    """Start the peer on the data files in a folder, and end it. Raises UsageError where it does not start.

    `profiles` are the term ids of each disease, none of them empty.
    """
    threads = os.environ.get("OMP_NUM_THREADS", "")
    environment = {"PATH": os.defpath, **({"RAYON_NUM_THREADS": threads} if threads else {})}
    try:
        process = subprocess.Popen(
            [str(python), "-I", str(Path(__file__)), str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env=environment,
        )
    except OSError as error:
        raise UsageError(f"{python} cannot be run; name the Python of hpo3's environment") from error
    with process:
        try:
            yield Hpo3Peer(process, profiles)
        finally:
            process.kill()


def _main(data: str) -> None:
    from pyhpo import HPOSet, Ontology, helper

    told = json.loads(sys.stdin.readline())
    began = time.perf_counter()
    Ontology(data, from_obo_file=True)
    load_ms = 1000 * (time.perf_counter() - began)
    profiles = [HPOSet.from_queries(terms) for terms in told]
    print(json.dumps({"load_ms": load_ms}), flush=True)
    for line in sys.stdin:
        patient = HPOSet.from_queries(json.loads(line))
        began = time.perf_counter()
        scores = helper.batch_set_similarity([(patient, profile) for profile in profiles], **METHOD)
        took = 1000 * (time.perf_counter() - began)
        print(json.dumps({"ms": took, "scores": scores}), flush=True)


if __name__ == "__main__":
    _main(sys.argv[1])
