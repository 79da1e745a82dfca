"""At which ages a finding can be asked about: the table `resources/questions/ages.toml`."""

from functools import cache
from importlib.resources import files
from typing import Annotated

import msgspec
import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rules.rule import AgeText, TermText, days_of, term_of
from knowledge_graph.terms.term import TermId


class AskingAges(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The age from which, and below which, a term and all below it can be asked about."""

    first: Annotated[dict[TermText, AgeText], msgspec.Meta(min_length=1)] = msgspec.field(name="from")
    below: dict[TermText, AgeText]

    def out_of_age(self, graph: CompiledGraph, age_days: int) -> npt.NDArray[np.bool_]:
        """Terms that a person of this age can't be asked about (n_terms,)."""
        too_young = (term for term, age in self.first.items() if age_days < days_of(age))
        too_old = (term for term, age in self.below.items() if age_days >= days_of(age))
        found = np.zeros(len(graph.term_ids), bool)
        for term in (*too_young, *too_old):
            number = graph.term_index.get(TermId(term_of(term)))
            if number is not None:
                found[graph.descendants[number]] = True
        return found


@cache
def shipped_ages() -> AskingAges:
    """The program's own table."""
    text = files("resources.questions").joinpath("ages.toml").read_text("utf-8")
    return msgspec.toml.decode(text, type=AskingAges)
