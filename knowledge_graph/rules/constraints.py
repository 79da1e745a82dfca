"""What hard constraints of sex and age do to each disease: a share of its log probability, shown on its own.

The direction is the source's; the amount is ours: LOWER divides a disease's odds by 20, LOWER_FAR by ten
thousand, EXCLUDE by a million. Rules speak first; of other diseases packs and onsets do. Where sex or age is
not known, or the record's sex is neither, nothing is lowered.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from knowledge_graph.findings.finding import Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rules.held import Held
from knowledge_graph.rules.rule import LOG_FACTOR, Constraint, RuleBook, days_of, term_of
from knowledge_graph.rules.stated_people import of_ages, of_onsets, of_sexes
from knowledge_graph.rules.trace import cited
from knowledge_graph.terms.term import DiseaseId

Numbers = npt.NDArray[np.intp]


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
    shown_as: Numbers | None = None,
) -> ConstraintShare:
    """The share of every disease, with the sources. Diseases the graph lacks are passed over.

    `shown_as` (n_diseases,) names the id that each disease is shown as: its other ids are held with it.
    """
    one_id = np.arange(len(graph.disease_ids)) if shown_as is None else shown_as
    ids, held = _OtherIds(one_id), list[Held]()
    wrong_sex = [rule for rule in book.constraints if _of_other_sex(rule, sex)]
    wrong_age = [r for r in book.constraints if not _of_other_sex(r, sex) and _of_other_age(r, age_days)]
    held += ids.all_of(_of_rule(graph, book, rule) for rule in wrong_sex)
    held += ids.all_of(of_sexes(graph, sex), unless=_share(held, len(one_id)))
    held += ids.all_of(_of_rule(graph, book, rule) for rule in wrong_age)
    if age_days is not None:
        held += ids.all_of(of_ages(graph, age_days))
        onsets = of_onsets(graph, age_days=age_days, shown_as=one_id)
        held += ids.all_of(onsets, unless=_share(held, len(one_id)))
    return ConstraintShare(_share(held, len(one_id)), tuple(held))


def _of_rule(graph: CompiledGraph, book: RuleBook, rule: Constraint) -> Held:
    known = (graph.disease_index.get(DiseaseId(term_of(text))) for text in rule.diseases)
    diseases = tuple(number for number in known if number is not None)
    source = cited(book.sources.get(rule.source), rule.section)
    return Held(rule.id, rule.title, rule.effect, source, LOG_FACTOR[rule.effect], diseases)


class _OtherIds:
    """The ids of each disease that has several; `shown_as` (n_diseases,) is who speaks for it."""

    def __init__(self, shown_as: Numbers):
        self._shown_as = shown_as
        self._others: dict[int, list[int]] = {}
        for number in np.flatnonzero(shown_as != np.arange(len(shown_as))).tolist():
            self._others.setdefault(int(shown_as[number]), []).append(number)

    def all_of(
        self, given: Iterable[Held], *, unless: npt.NDArray[np.float64] | None = None
    ) -> Iterator[Held]:
        """Each bears on all ids of its diseases; not on those of which something is said (`unless`)."""
        for one in given:
            shown = {int(self._shown_as[number]) for number in one.diseases}
            ids = shown.union(*(self._others[leader] for leader in shown & self._others.keys()))
            free = [number for number in sorted(ids) if unless is None or unless[number] == 0]
            if free:
                yield replace(one, diseases=tuple(free))


def _share(held: Iterable[Held], count: int) -> npt.NDArray[np.float64]:
    share = np.zeros(count)
    for one in held:
        share[list(one.diseases)] += one.log_factor
    return share


def _of_other_sex(rule: Constraint, sex: Sex) -> bool:
    return rule.sex is not None and sex in (Sex.FEMALE, Sex.MALE) and sex is not rule.sex


def _of_other_age(rule: Constraint, age_days: int | None) -> bool:
    if age_days is None:
        return False
    young = rule.age_from is not None and age_days < days_of(rule.age_from)
    old = rule.age_below is not None and age_days >= days_of(rule.age_below)
    return young or old
