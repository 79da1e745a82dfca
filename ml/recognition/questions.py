"""Questions in a text, and how they are answered: "Any fever?" - "No."

A polar question asks whether there is something; "When did the headache start?" takes it as given and
is left alone. Only a plain yes or no settles what was asked.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

_MARK = re.compile(r"(?<=[\w\s])\?(?=[\s\"”']|$)")
_BEGIN = re.compile(r"[.!?:;\]]\s|\n\s*\n")
_LONGEST = 400  # code points looked back for the question's beginning
_GIVEN = re.compile(
    r"\W*(?:and |so |okay |ok |well )*(?:when|where|why|who|which|what(?!'s up)(?! about)|how(?! about))\b",
    re.IGNORECASE,
)
_EXISTENCE = re.compile(
    r"\b(?:any|anything|had|have|having|has|get|getting|experienced?|experiencing|noticed?|feel|feeling|felt"
    r"|suffer\w*|about|ever|history)\b",
    re.IGNORECASE,
)
_SPEAKER = r"(?:\[[A-Za-z_ ]{1,20}\]|[A-Z][A-Za-z_ ]{0,20}:)"
_FILLER = r"(?:(?:um+|uh+|er|oh|well|hm+|ah|so|okay|ok)\b[\s,.]*)*"
_ANSWER = re.compile(
    rf"\s*(?:{_SPEAKER}\s*)?{_FILLER}"
    r"(?:(?P<yes>yes|yeah|yep|yup|i do|i have|sometimes|definitely|certainly|a little|a bit)"
    r"|(?P<no>no(?=\s*(?:[,.;!?\n-]|$|(?:i|we|he|she|it|not|nothing|thanks?|sir|ma['’]?am)\b))"
    r"|nope|nah|none|never|not really|not at all|i don['’]t|i have not|i haven['’]t))\b",
    re.IGNORECASE,
)


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
    return found


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
