"""Findings as letters between signs: "N/V", "D&V", "CP/SOB/palps" (resources/lexicon_supplement.toml)."""

import re
from bisect import bisect_left
from collections.abc import Iterator

from ml.recognition.lexicon import Lexicon, LexiconMatch, short_key
from ml.recognition.supplement import read_supplement
from ml.recognition.tokens import WordSequence

_SIGN = re.compile(r"\s?[/&+]\s?")
_LIST = re.compile(r"(?<![\w/&+-])[A-Za-z]{1,9}(?:\s?[/&+]\s?[A-Za-z]{1,9})+(?![\w/&-])")


def shorthand_matches(sequence: WordSequence, lexicon: Lexicon, text: str) -> Iterator[LexiconMatch]:
    """The finding of each letter or short word, at its own word."""
    if not ("/" in text or "&" in text or "+" in text):
        return
    for listed in _LIST.finditer(text):
        parts = _SIGN.split(listed[0].casefold())
        if not _is_list(parts):
            continue
        first = bisect_left(sequence.words, listed.start(), key=lambda w: w.start)
        if parts == ["h", "a"]:
            yield from _found(lexicon, "ha", first, first + 1)
            continue
        for number, part in enumerate(parts, first):
            yield from _found(lexicon, part, number, number)


def _is_list(parts: list[str]) -> bool:
    known = read_supplement()
    if "/".join(parts) in known.pairs:
        return True
    lettered = len(parts) > 2 or any(len(part) > 1 for part in parts)
    short = any(len(part) < 4 for part in parts)  # whole words are names as they stand
    return lettered and short and all(part in known.shorthand for part in parts)


def _found(lexicon: Lexicon, part: str, first: int, last: int) -> Iterator[LexiconMatch]:
    entry = lexicon.entry(short_key(part))
    if entry is not None:
        yield LexiconMatch(first, last, entry.term_id, entry.score)
