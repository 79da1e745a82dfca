"""Questions in a text, and how they are answered: "Any fever?" - "No."

A polar question asks whether there is something; "When did the headache start?" takes it as given and
is left alone. Only a plain yes or no settles what was asked.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_MARK = re.compile(r"(?<=[\w\s])\?(?=[\s\"”']|$)")
_BEGIN = re.compile(r"[.!?:;\]]\s|\n\s*\n")
_LONGEST = 400  # code points looked back for the question's beginning
_GIVEN = re.compile(
    r"\W*(?:and |so |okay |ok |well )*(?:when|where|why|who|which|besides|apart from|other than"
    r"|what(?!'s up)(?! about)|how(?! about))\b",
    re.IGNORECASE,
)
_EXISTENCE = re.compile(
    r"\b(?:any|anything|had|have|having|has|get|getting|experienced?|experiencing|noticed?|feel|feeling|felt"
    r"|suffer\w*|about|ever|history|hurts?|hurting|aches?|aching|itch\w*|burns?|burning|stings?|bleeds?"
    r"|bleeding|swell|swollen|cough\w*|vomit\w*|throw\w*|bringing|wheez\w*|sneez\w*|sweat\w*|faint\w*|leak\w*)\b",
    re.IGNORECASE,
)
_SPEAKER = r"(?:\[[A-Za-z_ ]{1,20}\]|[A-Z][A-Za-z_ ]{0,20}:)"
_FILLER = r"(?:(?:um+|uh+|er|oh|well|hm+|ah|so|okay|ok)\b[\s,.]*)*"
_ANSWER = re.compile(
    rf"\s*(?:{_SPEAKER}\s*)?{_FILLER}"
    r"(?:(?P<yes>yes|yeah|yep|yup|i do|i have|sometimes|definitely|certainly|a little|a bit)"
    r"|(?P<no>no(?=\s*(?:[,.;!?\n-]|$|(?:i|we|he|she|it|no|not|none|nothing|thanks?|sir|ma['’]?am)\b))"
    r"|nope|nah|none|never|not really|not at all|i don['’]t|i have not|i haven['’]t))\b",
    re.IGNORECASE,
)


_TURN = re.compile(rf"(?<=\w)[ .]*\n(?={_SPEAKER})")
_ASKING = (  # the first that stands in the turn's end
    re.compile(
        r"\b(?:have|has|had|do|does|did|are|is|was|were) (?:you|he|she|it|they|there|your|his|her)\b",
        re.IGNORECASE,
    ),
    re.compile(r"\bany\b", re.IGNORECASE),
)
_TURN_END = 160  # code points before the answer
_DENIED = re.compile(r"(?:n['’]t|\bnot?|\bwithout)\s(?:\w+\s){0,3}$")


class Answer(StrEnum):
    """What was said to a polar question."""

    YES = "yes"
    NO = "no"
    OPEN = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A polar question, `start` to `end` in code points, and its answer; `choice` where it says "or"."""

    start: int
    end: int
    answer: Answer
    choice: bool


def polar_questions(text: str) -> list[Question]:
    """Every polar question in reading order."""
    found = []
    before = 0
    for mark in _MARK.finditer(text):
        start = _beginning(text, max(before, mark.start() - _LONGEST), mark.start())
        before = mark.end()
        asked = text[start : mark.start()]
        if re.search(r"\w", asked) and not _GIVEN.match(asked):
            choice = re.search(r"\bor\b", asked) is not None
            found.append(Question(start, mark.start(), _answer(text, mark.end(), asked), choice))
    return sorted((*found, *_unmarked(text)), key=lambda question: question.start)


def _unmarked(text: str) -> Iterator[Question]:
    """Questions transcribed without a mark, known by the plain no of the next speaker."""
    for turn in _TURN.finditer(text):
        end = turn.start()
        low = max(text.rfind("\n", 0, end) + 1, end - _TURN_END)
        asking = next((found[-1] for p in _ASKING if (found := [*p.finditer(text, low, end)])), None)
        if asking is None or "?" in text[asking.start() : end] or _DENIED.search(text, low, asking.start()):
            continue
        if _answer(text, end, asking.group() + " any") is Answer.NO:
            yield Question(asking.start(), end, Answer.NO, choice=False)


def _beginning(text: str, low: int, end: int) -> int:
    ends = [m.end() for m in _BEGIN.finditer(text, low, end)]
    return ends[-1] if ends else low


def _answer(text: str, place: int, asked: str) -> Answer:
    match = _ANSWER.match(text, place)
    if match is None:
        return Answer.OPEN
    if match["yes"]:
        return Answer.YES
    plain = _EXISTENCE.search(asked) is not None or len(asked.split()) <= 3
    return Answer.NO if plain else Answer.OPEN
