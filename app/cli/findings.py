"""Finds HPO terms in a text, with their places, states and contexts, or those that a few words mean."""

import argparse
import sys
from pathlib import Path
from typing import Any

from app.cli.age_argument import add_age_argument, read_age
from app.cli.console import Console
from app.cli.did_you_mean import did_you_mean
from app.config.settings import cache_dir
from app.errors import UsageError

LARGEST_BYTES = 64 << 20
MOST_TERMS = 10


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the text, or the words."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--text", metavar="FILE", help="UTF-8 text; - for standard input")
    what.add_argument(
        "--words",
        metavar="WORDS",
        help='a finding in words of your own ("can\'t see at night"): which term is it?',
    )
    add_age_argument(parser)
    parser.epilog = (
        "start and end count Unicode code points of the decoded file, end exclusive: "
        "line ends as they are, a byte order mark not counted. --age is the patient's when "
        "the text was written: limits of vital signs and laboratory values hang on it."
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """`start` and `end` count code points of the text as it lies in the file, less a byte order mark."""
    age_days = read_age(arguments.age)
    if arguments.words is not None:
        if age_days is not None:
            raise UsageError("--age is about the values in a text; it goes with --text")
        return _of_words(arguments.words, console)
    from app.workflows.suggest_findings import build_recogniser
    from knowledge_graph.graph.cache import load_compiled

    text = read_text(arguments.text)
    graph = load_compiled(cache_dir())
    findings = [
        {
            "term_id": m.term_id,
            "name": graph.term_names[graph.term_number(m.term_id)],
            "state": m.state,
            "start": m.start,
            "end": m.end,
            "score": round(m.score, 3),
            "experiencer": m.experiencer,
            "temporality": m.temporality,
        }
        for m in build_recogniser(graph, cache_dir()).mentions(text, age_days=age_days)
    ]
    conditions = _conditions(text)
    lines = [
        f"{f['start']:>6}-{f['end']:<6} {f.get('term_id') or f['code']} {f['name']} ({f['state']}, "
        f"{f['experiencer']}, {f['temporality']})"
        for f in (*findings, *conditions)
    ]
    guess = "" if lines else did_you_mean(" ".join(text.split()))
    further = {"conditions": conditions} if conditions else {}
    console.result(
        {"findings": findings, **further, **({"guess": guess} if guess else {})},
        "\n".join(lines) or "; ".join(filter(None, ("no findings", guess))),
    )
    return 0


def _conditions(text: str) -> list[dict[str, Any]]:
    """What the text names that rules ask for by code, with its places."""
    from app.workflows.read_conditions import ConditionReader
    from knowledge_graph.rules.rule_file import merge, shipped_rules

    reader = ConditionReader(merge(shipped_rules()))
    return [
        {
            "code": m.term_id,
            "name": reader.name(m.term_id),
            "state": m.state,
            "start": m.start,
            "end": m.end,
            "experiencer": m.experiencer,
            "temporality": m.temporality,
        }
        for m in reader.mentions(text)
    ]


def _of_words(words: str, console: Console) -> int:
    """Terms worded so, or that mean the like (`likeness` above 0), best first."""
    from app.workflows.search_terms import TermCatalogue
    from knowledge_graph.graph.cache import load_compiled

    if not words.strip():
        raise UsageError('--words is empty; say a finding in words, such as "can\'t see at night"')
    hits = TermCatalogue(load_compiled(cache_dir())).search(words, limit=MOST_TERMS)
    terms = [
        {
            "term_id": hit.term_id,
            "name": hit.name,
            "wording": hit.synonym or hit.name,
            "likeness": round(hit.likeness, 3),
        }
        for hit in hits
    ]
    lines = [
        f"{hit.term_id} {hit.name}"
        + (f" ({'like' if hit.likeness else 'also'}: {hit.synonym})" if hit.synonym else "")
        for hit in hits
    ]
    console.result({"terms": terms}, "\n".join(lines) or "no term means the like; try other words")
    return 0


def read_text(name: str) -> str:
    """Text from a file or standard input. Raises UsageError."""
    try:
        data = sys.stdin.buffer.read(LARGEST_BYTES + 1) if name == "-" else _limited(Path(name))
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{name} cannot be read ({error.strerror}); name a text file") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8 text (byte {error.start}); convert it to UTF-8") from error
    if len(data) > LARGEST_BYTES:
        raise UsageError(f"{name} is larger than {LARGEST_BYTES >> 20} MiB; split it")
    return text


def _limited(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(LARGEST_BYTES + 1)
