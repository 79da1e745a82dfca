"""Questions in a text, and how they are answered: "Any fever?" - "No."

A polar question asks whether there is something; "When did the headache start?" takes it as given and
is left alone. Only a plain yes or no settles what was asked.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ml.recognition.turns import speaker_labels

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
_YES = (
    r"yes|yeah|yep|yup|yah|aye|i do(?!n['’]t)|i have(?!n['’]t)|(?:he|she|it) does(?!n['’]t)|definitely"
    r"|certainly|absolutely|sometimes|occasionally|often|always|constantly|(?:almost )?every"
    r"|most|now and (?:then|again)|on and off|off and on|from time to time|at times|all the time"
    r"|a little|a bit|a lot|a few|a couple|lots|loads|plenty|tons|some"
    r"|(?:just |only |maybe |about )?(?:once|twice|one|two|three|four|five|six|several)"
    r"|only when|just when|when i|mostly|mainly|terrible|awful|(?:really|quite) bad"
    r"|it (?:hurts|stings|burns|aches|itches)|(?P<both>both|all of (?:them|those|that))"
)
_NO = (
    r"no(?=\s*(?:[,.;!?\n-]|$|(?:i|we|he|she|it|no|not|none|nothing|never|just|but|okay|ok|only|thanks?|thank"
    r"|sir|ma['’]?am)\b|\[|[a-z_]{1,20}:))|nope|nah|none|nothing|never|not really|not at all|not that"
    r"|not (?:any ?more|recently|lately|yet)|no longer|i do(?:n['’]t| not)|(?:he|she|it) doesn['’]t"
    r"|i have(?:n['’]t| not)|(?:he|she) hasn['’]t|i didn['’]t|negative|denies"
    r"|(?:it|that)['’]s (?:gone|all gone|stopped|better|fine)|gone"
)
_ANSWER = re.compile(
    rf"\s*(?:(?:{_SPEAKER}|[A-Za-z_]{{1,12}}:)\s*)?{_FILLER}"
    rf"(?:(?P<yes>{_YES})|(?P<no>{_NO}))\b",
    re.IGNORECASE,
)


_SAYS_NO = re.compile(rf"\s*(?:{_SPEAKER}|[A-Za-z_]{{1,12}}:)\s*{_FILLER}no\b", re.IGNORECASE)
_LINE_OF_SPEAKER = re.compile(rf"\n(?={_SPEAKER})")
_ASKING = (  # the first that stands in the turn's end
    re.compile(
        r"\b(?:have|has|had|do|does|did|are|is|was|were) (?:you|he|she|it|they|there|your|his|her)\b",
        re.IGNORECASE,
    ),
    re.compile(r"\bany\b", re.IGNORECASE),
)
_BREATH = re.compile(
    r"\b(?:any|have you (?:had|got|noticed|been|ever)|do you (?:have|get|feel)|are you (?:having|getting)"
    r"|is there)\b(?P<asked>(?:\s+(?!(?:no|nope|not|but|and i|yes|yeah)\b)[\w'’/-]+){1,9}?)"
    r"\s+(?:u[mh]+ |oh |er )*(?:no|nope|nah)(?=\s*(?:$|\n)"
    r"|\s+(?:no|nope|i|i['’]m|i['’]ve|not|but|okay|ok|all|and|any|it|he|she|we|they|just|only|thank|thanks"
    r"|nothing|never|have|do|did|is|are|how|what|alright|right|good)\b)",
    re.IGNORECASE,
)
_VERB = re.compile(r"\W*(?:is|are|was|were|do|does|did|can|could|will|would)\b", re.IGNORECASE)
_BRIEF = 5  # words
_TURN_END = 160  # code points before the answer
_DENIED = re.compile(r"(?:n['’]t|\bnot|\bwithout)\s(?:\w+\s){0,3}$")


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
            choice = re.search(r"\bor\b", asked) is not None and not _takes_all(text, mark.end())
            found.append(Question(start, mark.start(), _answer(text, mark.end(), asked), choice))
    return sorted(
        (*found, *_apart(found, (*_unmarked(text), *_run_on(text)))), key=lambda question: question.start
    )


def _apart(found: Sequence[Question], others: Iterable[Question]) -> Iterator[Question]:
    """Those that lie in none that was found before."""
    held = list(found)
    for one in others:
        if not any(one.start < other.end and other.start < one.end for other in held):
            held.append(one)
            yield one


def _unmarked(text: str) -> Iterator[Question]:
    """Questions transcribed without a mark, known by the plain no of the next speaker."""
    labels = speaker_labels(text)
    turns = sorted({*(start for start, _ in labels), *(m.end() for m in _LINE_OF_SPEAKER.finditer(text))})
    ends = dict(labels)
    for before, turn in zip((0, *turns), turns, strict=False):
        plain = _answer(text, turn, "any") is Answer.NO
        if not plain and _SAYS_NO.match(text, turn) is None:
            continue
        end = before + len(text[before:turn].rstrip(" .,\n\t"))
        low = max(ends.get(before, before), text.rfind("\n", 0, end) + 1, end - _TURN_END)
        start = _asked_from(text, low, end, labelled=before in ends) if plain or before in ends else None
        if not plain and start != low:
            continue  # "no cough" answers "shortness of breath" only where that was all that was said
        if start is not None and "?" not in text[start:end] and not _DENIED.search(text, low, start):
            yield Question(start, end, Answer.NO, choice=False)


def _asked_from(text: str, low: int, end: int, *, labelled: bool) -> int | None:
    """Where the question begins that a turn ends with; a turn of few words is one as a whole."""
    asking = next((found[-1] for p in _ASKING if (found := [*p.finditer(text, low, end)])), None)
    if asking is not None:
        return asking.start()
    brief = len(text[low:end].split()) <= _BRIEF and not _DENIED.search(f"{text[low:end]} ")
    return low if labelled and brief else None


def _run_on(text: str) -> Iterator[Question]:
    """Question and answer in one breath: "any fever no no fever but i have chills"."""
    for asked in _BREATH.finditer(text):
        yield Question(asked.start(), asked.end("asked"), Answer.NO, choice=False)


def _beginning(text: str, low: int, end: int) -> int:
    ends = [m.end() for m in _BEGIN.finditer(text, low, end)]
    return ends[-1] if ends else low


def _takes_all(text: str, place: int) -> bool:
    """Whether the answer is yes to everything that was asked: "both"."""
    match = _ANSWER.match(text, place)
    return match is not None and match["both"] is not None


def _answer(text: str, place: int, asked: str) -> Answer:
    match = _ANSWER.match(text, place)
    if match is None:
        return Answer.OPEN
    if match["yes"]:
        return Answer.YES
    brief = len(asked.split()) <= (3 if _VERB.match(asked) else _BRIEF)
    plain = brief or _EXISTENCE.search(asked) is not None
    return Answer.NO if plain else Answer.OPEN
