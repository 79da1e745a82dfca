"""The conditions that rules ask for by code: how notes name them, and for how long a record of one counts.

The list is `resources/recognition/conditions.toml`.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files

import msgspec

from app.workflows.suggest_findings import is_about_patient
from knowledge_graph.findings.finding import Sex
from knowledge_graph.rules.facts import CodedCondition
from knowledge_graph.rules.requirement import is_code
from knowledge_graph.rules.rule import AgeText, CodeText, Words, days_of
from ml.recognition.recogniser import OBSERVED, Mention

OF_PREGNANCY = ("ICD-10:O", "ICD-10:Z33", "ICD-10:Z34", "SNOMED:77386006")
_LONG_AGO = re.compile(
    r"\s*,?\s*(?:(?:back )?in (?:19|20)\d\d|(?:\w+ ){1,3}years? ago|last year|as a (?:child|teenager))\b",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[.;!?\n]")  # of a sentence


class NamedCondition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code and the names of its condition, the first to be shown. Who had a `lasting` one has it.

    Beside a word that begins with one of `never_beside`, in its sentence, a name tells of something else; so
    does one that counts weeks beside `weeks_never_beside`.
    """

    code: CodeText
    names: tuple[str, ...]
    sex: Sex | None = None  # the only sex that has it
    age_from: AgeText | None = None  # nobody younger has it
    lasting: bool = False
    never_beside: tuple[str, ...] = ()
    weeks_never_beside: tuple[str, ...] = ()

    @property
    def coded(self) -> CodedCondition:
        """The code as rules compare it."""
        return CodedCondition(*self.code.split(":", 1))

    def is_meant(self, mention: Mention, text: str) -> bool:
        """Whether a name in a note tells of the condition, by what else its sentence says."""
        before, after = text[: mention.start], text[mention.end :]
        sentence = f"{_ENDS.split(before)[-1]} {_ENDS.split(after, maxsplit=1)[0]}".casefold()
        beside = self.never_beside
        if "week" in mention.text.casefold():
            beside += self.weeks_never_beside
        if not self.lasting and _LONG_AGO.match(after):
            return False
        return not any(re.search(rf"\b{re.escape(word)}", sentence) for word in beside)

    def is_there(self, mention: Mention) -> bool:
        """Whether a mention says that the patient has it now."""
        now = mention.temporality == "current" or self.lasting
        return now and mention.state == OBSERVED and is_about_patient(mention)

    def may_be_of(self, sex: Sex, age_days: int | None) -> bool:
        """Whether it can be said of a patient of this sex and age, where they are known."""
        other_sex = self.sex is not None and sex is not Sex.UNKNOWN and sex is not self.sex
        too_young = self.age_from is not None and age_days is not None and age_days < days_of(self.age_from)
        return not (other_sex or too_young)


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how long after it was recorded a condition of these codes counts as one of now; who says so."""

    codes: tuple[CodeText, ...]
    lasts: AgeText
    source: Words
    estimate: bool = False  # ours, by what the source says


class ConditionList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`never`: what is said in a condition's words and is none. The first `span` that names a code counts."""

    never: tuple[str, ...]
    condition: tuple[NamedCondition, ...]
    span: tuple[Span, ...]


def sex_by(conditions: Iterable[CodedCondition], sex: Sex) -> Sex:
    """A person's sex where it is known; female where it is not and the record tells of a pregnancy."""
    if sex is not Sex.UNKNOWN:
        return sex
    pregnant = any(is_code(condition, code) for condition in conditions for code in OF_PREGNANCY)
    return Sex.FEMALE if pregnant else sex


@cache
def shipped_conditions() -> ConditionList:
    """The program's own list."""
    text = files("resources").joinpath("recognition", "conditions.toml").read_text("utf-8")
    return msgspec.toml.decode(text, type=ConditionList)


def still_counts(condition: CodedCondition, days_old: int | None, spans: Sequence[Span]) -> bool:
    """Whether what was recorded so many days before the record's newest entry can be so now.

    True where nobody knows how old it is, or for how long it lasts.
    """
    lasts = next((s.lasts for s in spans if any(is_code(condition, code) for code in s.codes)), None)
    return days_old is None or lasts is None or days_old <= days_of(lasts)
