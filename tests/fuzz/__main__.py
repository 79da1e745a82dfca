"""`python -m tests.fuzz --target NAME --runs N`: gives a reader of foreign files spoilt ones, and counts."""

import argparse
import importlib
import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fuzz.engines import Findings

INSTRUMENTED = [
    *("app.exchange", "app.clinical", "knowledge_graph.sources"),
    *("ml.federated", "ml.registry", "ml.inference"),
]


def main() -> int:
    """Exit code 0 where every run ended in a value or in one line."""
    arguments = _arguments()
    if arguments.engine == "atheris" and importlib.util.find_spec("atheris") is None:
        print("atheris is not installed; install it beside, or leave out --engine", file=sys.stderr)
        return 2
    atheris = _instrumented() if arguments.engine == "atheris" else None
    from tests.fuzz.engines import Findings, fuzz_seeded
    from tests.fuzz.seeds import seeds_of
    from tests.fuzz.targets import TARGETS

    wrong = 0
    for target in sorted(TARGETS) if arguments.target == "all" else [arguments.target]:
        findings = Findings(target, arguments.keep)
        if atheris is not None:
            _follow_coverage(atheris, findings, arguments)
        fuzz_seeded(findings, seeds_of(target), runs=arguments.runs, seed=arguments.seed)
        wrong |= _told(findings)
    return wrong


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--target", default="all", help="one target (default: all)")
    parser.add_argument("--runs", type=int, default=2_000, help="executions a target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=("seeded", "atheris"), default="seeded")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the bytes of each finding there")
    return parser.parse_args()


def _instrumented() -> Any:
    """Atheris, with the readers loaded under its eyes."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=INSTRUMENTED):
        importlib.import_module("tests.fuzz.targets")
    return atheris


def _follow_coverage(atheris: Any, findings: "Findings", arguments: argparse.Namespace) -> None:
    """Does not come back: libFuzzer has no end but the process's."""
    from tests.fuzz.engines import fuzz_covered
    from tests.fuzz.seeds import seeds_of

    corpus = Path(tempfile.mkdtemp(prefix="corpus-"))
    for number, data in enumerate(seeds_of(findings.target)):
        (corpus / f"seed-{number}").write_bytes(data)

    def done() -> None:
        code = _told(findings)
        shutil.rmtree(corpus, ignore_errors=True)
        os._exit(code)

    fuzz_covered(atheris, findings, corpus, runs=arguments.runs, seed=arguments.seed, done=done)


def _told(findings: "Findings") -> int:
    print(
        f"{findings.target:14} {findings.runs:10,} runs {len(findings.kinds):4} kinds of finding", flush=True
    )
    for kind, count in findings.kinds.most_common():
        print(f"    {count:7,} x {kind}", flush=True)
    return 1 if findings.kinds else 0


if __name__ == "__main__":
    sys.exit(main())
