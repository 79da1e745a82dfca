"""What may be called normal, and the name of what that denies (resources/recognition/normals.toml)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ml.recognition.tokens import form_of

Forms = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NormalTable:
    """The lists in word forms; `functions` by their last form, longest first."""

    alone: Mapping[str, str]
    functions: Mapping[str, tuple[tuple[Forms, str], ...]]
    normal: frozenset[str]
    between: frozenset[str]
    denying: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """Every name that something denies."""
        return frozenset(
            [*self.alone.values(), *(name for held in self.functions.values() for _, name in held)]
        )


@cache
def read_normals() -> NormalTable:
    """The table that ships with the program; read once."""
    data = tomllib.loads(files("resources").joinpath("recognition", "normals.toml").read_text("utf-8"))
    functions: dict[str, list[tuple[Forms, str]]] = {}
    for name, called in data["function"].items():
        for words in called:
            forms = tuple(map(form_of, words.split()))
            functions.setdefault(forms[-1], []).append((forms, name))
    words = {kind: frozenset(map(form_of, said.split())) for kind, said in data["words"].items()}
    return NormalTable(
        alone={form_of(word): name for name, said in data["alone"].items() for word in said.split()},
        functions={last: tuple(sorted(held, key=lambda f: -len(f[0]))) for last, held in functions.items()},
        normal=words["normal"],
        between=words["between"],
        denying=words["denying"],
    )


def normal_key(name: str) -> str:
    """Under which a lexicon holds the term that is denied: no words of a text are such forms."""
    return f"@normal-{name.casefold().replace(' ', '-')}"
