"""What hard constraints of sex and age do to each disease: a share of its log probability, shown on its own.

The direction is the source's; the amount is ours: LOWER divides a disease's odds by 20, EXCLUDE by a million.
Where sex or age is not known, or the record's sex is neither, nothing is lowered.
"""

from dataclasses import dataclass
from math import log

import numpy as np
import numpy.typing as npt

from knowledge_graph.findings.finding import Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rules.rule import Constraint, Effect, RuleBook, days_of, term_of
from knowledge_graph.rules.trace import cited
from knowledge_graph.terms.term import DiseaseId

LOG_FACTOR = {Effect.LOWER: log(1 / 20), Effect.EXCLUDE: log(1e-6)}


@dataclass(frozen=True, slots=True)
class Held:
    """A constraint that a person does not meet, and what it does to each of its diseases."""

    rule_id: str
    title: str
    effect: Effect
    source: str
    log_factor: float
    diseases: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ConstraintShare:
    """`share` (n_diseases,): natural logs, at most 0; `held`: which constraints make it up."""

    share: npt.NDArray[np.float64]
    held: tuple[Held, ...]

    def of_disease(self, disease: int) -> tuple[Held, ...]:
        """The constraints that bear on one disease."""
        return tuple(h for h in self.held if disease in h.diseases)


def constraint_share(
    graph: CompiledGraph,
    book: RuleBook,
    *,
    sex: Sex,
    age_days: int | None,
    shown_as: npt.NDArray[np.intp] | None = None,
) -> ConstraintShare:
    """The share of every disease, with the sources. Diseases the graph lacks are passed over.

    `shown_as` (n_diseases,) names the id that each disease is shown as: its other ids are held with it.
    """
    share = np.zeros(len(graph.disease_ids))
    held = []
    for rule in book.constraints:
        if not _broken(rule, sex, age_days):
            continue
        known = (graph.disease_index.get(DiseaseId(term_of(text))) for text in rule.diseases)
        diseases = _with_other_ids({number for number in known if number is not None}, shown_as)
        factor = LOG_FACTOR[rule.effect]
        share[list(diseases)] += factor
        source = cited(book.sources.get(rule.source), rule.section)
        held.append(Held(rule.id, rule.title, rule.effect, source, factor, diseases))
    return ConstraintShare(share, tuple(held))


def _with_other_ids(diseases: set[int], shown_as: npt.NDArray[np.intp] | None) -> tuple[int, ...]:
    if shown_as is None:
        return tuple(sorted(diseases))
    shown = {int(shown_as[disease]) for disease in diseases}
    return tuple(np.flatnonzero(np.isin(shown_as, list(shown))).tolist())


def _broken(rule: Constraint, sex: Sex, age_days: int | None) -> bool:
    other_sex = rule.sex is not None and sex in (Sex.FEMALE, Sex.MALE) and sex is not rule.sex
    if other_sex or age_days is None:
        return other_sex
    young = rule.age_from is not None and age_days < days_of(rule.age_from)
    old = rule.age_below is not None and age_days >= days_of(rule.age_below)
    return young or old
