"""Our lists of how clinical English differs from the ontology (resources/lexicon_supplement.toml)."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Supplement:
    """Word forms brought together, abbreviations joined to names, names left out."""

    irregular: dict[str, str]
    spelling: tuple[tuple[str, str], ...]  # (British, American), inside words
    same: dict[str, str]
    adjectives: frozenset[str]  # those of `same` that can't end a name
    abbreviations: dict[str, str]
    rivals: dict[str, tuple[str, ...]]  # what else an abbreviation means where a text speaks of it
    shorthand: dict[str, str]  # parts of "n/v" and the like, to names
    pairs: frozenset[str]  # of single letters
    blocked: frozenset[str]
    compounds: re.Pattern[str]  # phrases in which no name is meant


@cache
def read_supplement() -> Supplement:
    """The lists that ship with the program; read once."""
    text = files("resources").joinpath("lexicon_supplement.toml").read_text("utf-8")
    data = tomllib.loads(text)
    organs = _inverted(data["organs"])
    return Supplement(
        irregular=_inverted(data["irregular"]),
        spelling=tuple((british, american) for american, british in data["spelling"].items()),
        same=_inverted(data["same"]) | organs,
        adjectives=frozenset(organs),
        abbreviations=data["abbreviations"],
        rivals={short: tuple(others) for short, others in data["rivals"].items()},
        shorthand=data["shorthand"]["letters"],
        pairs=frozenset(data["shorthand"]["pairs"].split()),
        blocked=frozenset(data["blocked"]["names"].split()),
        compounds=re.compile(rf"\b(?:{'|'.join(data['compounds']['phrases'])})s?\b", re.IGNORECASE),
    )


def _inverted(lists: dict[str, str]) -> dict[str, str]:
    return {other: kept for kept, others in lists.items() for other in others.split()}
