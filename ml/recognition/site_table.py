"""Complaints, parts of the body, and the terms of one at the other (resources/recognition/sites.toml).

Where a part has no term of its own for a complaint, the larger part that it lies within speaks.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ml.recognition.tokens import form_of

Forms = tuple[str, ...]
KINDS = ("adjective", "noun", "verb")


@dataclass(frozen=True, slots=True)
class SiteTable:
    """What the table says, in word forms."""

    complaints: Mapping[str, tuple[tuple[str, frozenset[str]], ...]]  # form: (complaint, kinds)
    parts: Mapping[str, tuple[tuple[Forms, str], ...]]  # first form: (all forms, part), longest first
    between: Mapping[str, frozenset[str]]
    terms: Mapping[tuple[str, str], str]  # (complaint, part): the ontology's name
    verbs: frozenset[str]  # forms that say a complaint as a verb does


@cache
def read_sites() -> SiteTable:
    """The table that ships with the program; read once."""
    data = tomllib.loads(files("resources").joinpath("recognition", "sites.toml").read_text("utf-8"))
    parts = {name.replace(" ", "-"): part for name, part in data["part"].items()}
    return SiteTable(
        complaints=_complaints(data["complaint"]),
        parts=_phrases(parts),
        between={kind: frozenset(map(form_of, words.split())) for kind, words in data["between"].items()},
        terms={
            (complaint, part): term
            for part in parts
            for complaint, said in data["complaint"].items()
            if (term := _term(parts, part, complaint) or _term(parts, part, said.get("like", "")))
        },
        verbs=frozenset(map(form_of, ["hurt", "hurting", "ache", "aching", "itch", "throb", "throbbing"])),
    )


def site_key(complaint: str, part: str) -> str:
    """Under which a lexicon holds the term of a complaint at a part: no words of a text are such forms."""
    return " ".join(sorted((f"@{complaint}", f"@{part}")))


def _complaints(data: Mapping[str, Mapping[str, str]]) -> dict[str, tuple[tuple[str, frozenset[str]], ...]]:
    kinds: dict[str, dict[str, set[str]]] = {}
    for complaint, words in data.items():
        for kind in KINDS:
            for word in words.get(kind, "").split():
                kinds.setdefault(form_of(word), {}).setdefault(complaint, set()).add(kind)
    return {
        form: tuple((name, frozenset(said)) for name, said in found.items()) for form, found in kinds.items()
    }


def _phrases(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[tuple[Forms, str], ...]]:
    found: dict[str, dict[Forms, str]] = {}
    for name, part in parts.items():
        for words in part["words"]:
            forms = tuple(map(form_of, words.split()))
            found.setdefault(forms[0], {})[forms] = name
    return {first: tuple(sorted(held.items(), key=lambda p: -len(p[0]))) for first, held in found.items()}


def _lines(parts: Mapping[str, Mapping[str, Any]], part: str) -> Iterator[Mapping[str, Any]]:
    while part:
        yield parts[part]
        part = str(parts[part].get("within", "")).replace(" ", "-")


def _term(parts: Mapping[str, Mapping[str, Any]], part: str, complaint: str) -> str:
    return next((str(line[complaint]) for line in _lines(parts, part) if complaint in line), "")
