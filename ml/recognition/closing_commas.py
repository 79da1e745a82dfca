"""Where a denial ends at a comma: "has not had a wet nappy for 12 hours, sunken eyes, lethargic".

"No fever, cough, rash" and "has not had fever, cough, rash" deny a list. What denies a verb denies none:
behind the comma stands what is there. So a finding before the comma, an "or" or another verb behind it
("did not fall, vomit") go on with a denial, and a comma after anything else ends it.
"""

from collections.abc import Iterable, Iterator, Sequence, Set

from ml.recognition.tokens import Word

_JOINS = frozenset({"or", "nor"})


def closing_commas(
    text: str,
    words: Sequence[Word],
    denials: Iterable[tuple[int, int]],
    *,
    named: Set[int],
    going_on: Set[str],
) -> Iterator[int]:
    """The numbers of the words behind the commas that end a denial.

    A denial is its own last word and the last one it could reach; `named` are the words of findings,
    `going_on` verbs that go on with a denial. A comma right behind it ("never had, um, a fever") is a pause.
    """
    for own, last in denials:
        behind = next((n for n in range(own + 1, last + 1) if _comma_before(text, words, n)), None)
        if behind in (None, own + 1) or not named.isdisjoint(range(own + 1, behind)):
            continue
        rest = [text[word.start : word.end].casefold() for word in words[behind : last + 1]]
        if rest[0] not in going_on and _JOINS.isdisjoint(rest):
            yield behind


def _comma_before(text: str, words: Sequence[Word], number: int) -> bool:
    return "," in text[words[number - 1].end : words[number].start]
