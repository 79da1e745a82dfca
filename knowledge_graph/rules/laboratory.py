"""Laboratory values to findings: which finding a LOINC code's value below or above its range stands for."""

from collections.abc import Iterable, Mapping, Sequence

from knowledge_graph.rules.facts import LabValue
from knowledge_graph.rules.rule import LaboratoryRule, term_of
from knowledge_graph.terms.term import TermId


def by_loinc(rules: Iterable[LaboratoryRule]) -> dict[str, LaboratoryRule]:
    """The rule of each code."""
    return {code: rule for rule in rules for code in rule.loinc}


def laboratory_terms(rules: Mapping[str, LaboratoryRule], labs: Sequence[LabValue]) -> tuple[TermId, ...]:
    """The findings of values, oldest first: of each test the newest value speaks, if out of range."""
    newest: dict[str, TermId | None] = {}
    for lab in labs:
        rule = rules.get(lab.loinc)
        if rule is not None:
            newest[rule.name] = term_for(rule, lab.side)
    return tuple(term for term in newest.values() if term is not None)


def term_for(rule: LaboratoryRule, side: str) -> TermId | None:
    """The finding on one side of the range; none within it, or where HPO has no term."""
    text = {"low": rule.low, "high": rule.high}.get(side)
    return TermId(term_of(text)) if text else None


def check_digit_holds(code: str) -> bool:
    """Whether a LOINC code's last digit is right (mod 10, LOINC Users' Guide, appendix C)."""
    number, digit = code.split("-")
    doubled = "".join(str(int(d) * 2) if place % 2 == 0 else d for place, d in enumerate(reversed(number)))
    return (10 - sum(map(int, doubled)) % 10) % 10 == int(digit)
