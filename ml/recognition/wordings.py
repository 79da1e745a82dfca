"""Everyday wordings of terms, each with the ontology's own name (resources/recognition/wordings.toml).

"can't|cannot keep food|water down" stands for every choice of its words; "cannot" for its other forms
in two words too. A line that begins with "=" stands as it is inflected only: "low potassium", but not
"lowered his potassium".
"""

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import product
from typing import NamedTuple

_TWO_WORDS = ("can not", "could not", "not able")


class Wording(NamedTuple):
    """What somebody says; `exact` where near synonyms of its words say something else."""

    text: str
    exact: bool


@cache
def _lists() -> dict[str, dict[str, list[str]]]:
    text = files("resources").joinpath("recognition", "wordings.toml").read_text("utf-8")
    return tomllib.loads(text)


def sayings() -> dict[str, tuple[str, ...]]:
    """By the ontology's name: what somebody may say in so many words."""
    return {name: tuple(lines) for name, lines in _lists()["as_said"].items()}


@cache
def read_wordings() -> tuple[tuple[str, Wording], ...]:
    """(the ontology's name, wording) in the file's order: of two alike the later stands. Read once."""
    return tuple(
        (name, wording)
        for section in _lists().values()
        for name, lines in section.items()
        for line in lines
        for wording in _spelled_out(line)
    )


def _spelled_out(line: str) -> Iterator[Wording]:
    exact = line.startswith("=")
    for words in product(*(word.split("|") for word in line.removeprefix("=").split())):
        phrase = " ".join(words).replace("_", " ")
        yield Wording(phrase, exact)
        if "cannot" in words:
            yield from (Wording(phrase.replace("cannot", other), exact) for other in _TWO_WORDS)
