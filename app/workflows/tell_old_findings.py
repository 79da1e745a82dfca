"""Which findings the notes tell of only as past or long there: no news for a rule about an emergency.

What says so has to stand beside the finding itself: a patient "with a history of hypertension" who "presents
with shock" is in shock now. Nor is what only notes tell of that were written a month before the newest entry.
"""

import re
from collections.abc import Sequence
from itertools import zip_longest

from app.workflows.suggest_findings import is_about_patient
from ml.recognition.recogniser import OBSERVED, Mention, Recogniser

_REACH = 60  # characters
_NEW_DAYS = 30  # a note of so long ago tells no news, as "for a month" does not
_TIME = r"(?:months?|years?|yrs?|decades?)"
_BEFORE = re.compile(
    r"\b(?:chronic|(?:slowly\s+)?progressive|long[\s-]?standing|lifelong|congenital|previous|prior|old|status\s+post|s/p"
    rf"|history\s+of|h/o|survived|{_TIME}\s+of)\s+(?:an?\s+|the\s+)?$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    rf"^\s*,?\s*(?:(?:for|over|during)\s+(?:[\w.]+\s+){{0,3}}{_TIME}|(?:[\w.]+\s+){{0,2}}{_TIME}\s+(?:ago|earlier|before)"
    r"|last\s+year|since\s+(?:childhood|birth|infancy|(?:19|20)\d\d)|(?:in|from)\s+(?:19|20)\d\d|at\s+(?:the\s+)?age"
    r"|as\s+a\s+child|in\s+(?:childhood|infancy))\b",
    re.IGNORECASE,
)


def not_new(
    recogniser: Recogniser, texts: Sequence[str], days_old: Sequence[int | None] = ()
) -> frozenset[str]:
    """Term ids that every text which observes them calls past or long there; what one calls new is new.

    `days_old`: of each text, how long before the record's newest entry it was written, where known.
    """
    old: set[str] = set()
    fresh: set[str] = set()
    for text, days in zip_longest(texts, days_old[: len(texts)]):
        long_ago = days is not None and days > _NEW_DAYS
        for mention in recogniser.mentions_as_read(text):
            if is_about_patient(mention) and mention.state == OBSERVED:
                (old if long_ago or _is_old(text, mention) else fresh).add(mention.term_id)
    return frozenset(old - fresh)


def _is_old(text: str, mention: Mention) -> bool:
    before = text[max(0, mention.start - _REACH) : mention.start]
    after = text[mention.end : mention.end + _REACH]
    beside = _BEFORE.search(before) is not None or _AFTER.search(after) is not None
    return beside or mention.temporality == "historical"
