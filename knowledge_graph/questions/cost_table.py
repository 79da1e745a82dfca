"""What it takes to settle a finding: a table that a hospital can edit, and its checker.

TOML. `[cost]` gives each class a positive number, in any unit; `[terms]` gives terms a class, one line a
term, and each holds for everything below it until a nearer line says otherwise. Where several lines are
equally near, the cheapest holds: a finding is established in the easiest way.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from knowledge_graph.errors import SourceRefused, UnknownTerm
from knowledge_graph.graph.compiled_graph import CompiledGraph

MOST_SHOWN = 5
LARGEST_BYTES = 4 << 20
_KEY = re.compile(r"""^\s*(?:\[\s*)?["']?(?P<key>[\w:]+)["']?\s*(?:=|\])""")


class CostClass(StrEnum):
    """How a finding is established, from the easiest to the hardest."""

    ASK = "ask"
    EXAMINE = "examine"
    BLOOD = "blood"
    IMAGING = "imaging"
    BIOPSY = "biopsy"
    SEQUENCING = "sequencing"


@dataclass(frozen=True, slots=True)
class CostTable:
    """The price of each class, and the class of some terms (current ids)."""

    price: Mapping[CostClass, float]
    terms: Mapping[str, CostClass]

    def of_terms(self, graph: CompiledGraph) -> "TermCosts":
        """The class and price of every term of the graph."""
        order = {kind: place for place, kind in enumerate(CostClass)}
        numbers = {graph.term_index[graph.resolve(term)]: kind for term, kind in self.terms.items()}
        cheapest = sorted(CostClass, key=lambda kind: (self.price[kind], order[kind]))
        chosen = np.full(len(graph.term_ids), len(cheapest), np.int8)
        for term, kind in numbers.items():
            below = np.zeros(len(graph.term_ids), bool)
            below[graph.descendants[term]] = True
            for nearer in numbers:
                if nearer != term and below[nearer]:
                    below[graph.descendants[nearer]] = False
            chosen[below] = np.minimum(chosen[below], cheapest.index(kind))
        kinds = (*cheapest, cheapest[0])  # what no line speaks of is asked
        price = np.array([self.price[kind] for kind in kinds])
        return TermCosts(tuple(kinds), chosen, price[chosen])


@dataclass(frozen=True, slots=True)
class TermCosts:
    """`number` (n_terms,) into `kinds`, and the price of each term (n_terms,)."""

    kinds: tuple[CostClass, ...]
    number: npt.NDArray[np.int8]
    price: npt.NDArray[np.float64]

    def kind(self, term: int) -> CostClass:
        """How a term is established."""
        return self.kinds[int(self.number[term])]


def shipped_costs(graph: CompiledGraph) -> CostTable:
    """The table that ships with the program: an expert estimate."""
    text = files("resources.questions").joinpath("costs.toml").read_text("utf-8")
    return parse_costs(text, file="costs.toml", graph=graph)


def read_costs(path: Path, graph: CompiledGraph) -> CostTable:
    """A hospital's own table. Raises SourceRefused with the lines that are wrong."""
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceRefused(f"the cost table {path} cannot be read; check its name and encoding") from error
    if len(data) > LARGEST_BYTES:
        raise SourceRefused(f"the cost table {path} is larger than {LARGEST_BYTES >> 20} MiB; shorten it")
    return parse_costs(text, file=path.name, graph=graph)


def parse_costs(text: str, *, file: str, graph: CompiledGraph) -> CostTable:
    """A table from its text. Raises SourceRefused that names file and lines."""
    try:
        found = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceRefused(f"{file}: not TOML ({error}); compare it with the shipped table") from error
    problems = [*_checked_names(found), *_checked_prices(found), *_checked_terms(found, graph)]
    if problems:
        raise SourceRefused(_told(file, text, problems))
    return CostTable(
        {kind: float(found["cost"][kind]) for kind in CostClass},
        {graph.resolve(term): CostClass(kind) for term, kind in found["terms"].items()},
    )


Problem = tuple[str, str]  # the key it is about, and what is wrong


def _checked_names(found: Mapping[str, object]) -> Iterable[Problem]:
    for name in found:
        if name not in ("cost", "terms"):
            yield name, f"{name!r} is neither [cost] nor [terms]"
    for name in ("cost", "terms"):
        if not isinstance(found.get(name), dict):
            yield name, f"the table [{name}] is missing"


def _checked_prices(found: Mapping[str, object]) -> Iterable[Problem]:
    prices = found.get("cost")
    if not isinstance(prices, dict):
        return
    for kind, price in prices.items():
        if kind not in set(CostClass):
            yield kind, f"{kind!r} is no class; the classes are {', '.join(CostClass)}"
        elif isinstance(price, bool) or not isinstance(price, int | float) or not 0 < price < 1e9:
            yield kind, f"the cost of {kind} is not a positive number"
    for kind in CostClass:
        if kind not in prices:
            yield "cost", f"[cost] says nothing of {kind}"


def _checked_terms(found: Mapping[str, object], graph: CompiledGraph) -> Iterable[Problem]:
    terms = found.get("terms")
    if not isinstance(terms, dict):
        return
    seen: dict[str, str] = {}
    for term, kind in terms.items():
        if kind not in set(CostClass):
            yield term, f"{term} has no class of {', '.join(CostClass)}"
        try:
            current = graph.resolve(term)
        except UnknownTerm as error:
            yield term, str(error)
            continue
        if current in seen:
            yield term, f"{term} is the same term as {seen[current]}; name it once"
        seen[current] = term


def _told(file: str, text: str, problems: list[Problem]) -> str:
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        match = _KEY.match(line)
        if match:
            lines.setdefault(match["key"], number)
    told = [f"line {lines.get(key, 1)}: {what}" for key, what in problems[:MOST_SHOWN]]
    more = f"; and {len(problems) - MOST_SHOWN} more" if len(problems) > MOST_SHOWN else ""
    return f"{file}: {'; '.join(told)}{more}"
