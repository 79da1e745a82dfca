"""Reads in notes the conditions that rules ask for by code: "30 weeks pregnant", "known sickle cell disease".

Their names are the list's (`resources/recognition/conditions.toml`) and those of the packs' diseases, where a
rule asks for the code. Negation, relatives, fears and the past are told as they are for findings; what an
old note names counts for as long as it can last.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import zip_longest

from app.workflows.condition_list import NamedCondition, shipped_conditions, still_counts
from knowledge_graph.findings.finding import Sex
from knowledge_graph.rules.facts import CodedCondition
from knowledge_graph.rules.requirement import is_code
from knowledge_graph.rules.rule import RuleBook
from knowledge_graph.sources.knowledge_pack import PackDisease
from ml.recognition.lexicon import Lexicon
from ml.recognition.recogniser import Mention, Recogniser

_NOTHING = "-"  # the id of words that look like a condition and are none


class ConditionReader:
    """The names of the conditions that a book of rules asks for, ready for many notes."""

    def __init__(self, book: RuleBook, diseases: Iterable[PackDisease] = ()):
        listed = shipped_conditions()
        self._spans = listed.span
        wanted = {code for rule in (*book.red_flags, *book.pairs) for code in rule.codes}
        self.known = [c for c in (*listed.condition, *_of_packs(diseases)) if _is_wanted(c.coded, wanted)]
        self._conditions: dict[str, NamedCondition] = {}
        for condition in self.known:
            self._conditions.setdefault(condition.code, condition)
        self._entries = [(_NOTHING, listed.never), *((c.code, c.names) for c in self.known)]
        self._beginnings = {_beginnings(name) for condition in self.known for name in condition.names}

    @cached_property
    def _recogniser(self) -> Recogniser:
        return Recogniser(Lexicon.build(self._entries))

    def mentions(self, text: str) -> tuple[Mention, ...]:
        """Where a note names a condition, in reading order; the `term_id` is its code."""
        folded = _folded(text)
        if not any(all(word in folded for word in words) for words in self._beginnings):
            return ()  # most notes, at a tenth of the time of a reading
        found = (m for m in self._recogniser.mentions(text) if m.term_id != _NOTHING)
        return tuple(m for m in found if self._conditions[m.term_id].is_meant(m, text))

    def read(
        self,
        texts: Sequence[str],
        *,
        sex: Sex = Sex.UNKNOWN,
        age_days: int | None = None,
        days_old: Sequence[int | None] = (),
    ) -> tuple[CodedCondition, ...]:
        """What the notes say that the patient has now, each code once, with the first place that says so.

        `days_old`: of each note, how long before the record's newest entry it was written, where known.
        """
        found: dict[str, CodedCondition] = {}
        for text, days in zip_longest(texts, days_old[: len(texts)]):
            for mention in self.mentions(text):
                condition = self._conditions[mention.term_id]
                now = condition.is_there(mention) and still_counts(condition.coded, days, self._spans)
                if now and condition.may_be_of(sex, age_days):
                    said = f"{condition.names[0]}, named in a note at {mention.start}-{mention.end}"
                    coded = condition.coded
                    found.setdefault(condition.code, CodedCondition(coded.system, coded.code, said))
        return tuple(found.values())

    def name(self, code: str) -> str:
        """What a code of `mentions` is called."""
        return self._conditions[code].names[0]


def _of_packs(diseases: Iterable[PackDisease]) -> Iterator[NamedCondition]:
    for disease in diseases:
        if disease.icd10cm:
            only = None if disease.other_sex_too or disease.sex is Sex.UNKNOWN else disease.sex
            yield NamedCondition(f"ICD-10:{disease.icd10cm}", (disease.name,), sex=only)


def _is_wanted(condition: CodedCondition, codes: Iterable[str]) -> bool:
    return any(is_code(condition, code) for code in codes)


def _folded(text: str) -> str:
    """Without case, British and American spelling alike."""
    return text.casefold().replace("ae", "e").replace("oe", "e")


def _beginnings(name: str) -> frozenset[str]:
    """What every inflection of a name's words begins with, folded."""
    words = re.findall(r"\w+", _folded(name))
    return frozenset(word if len(word) < 5 else word[: max(4, len(word) - 2)] for word in words)
