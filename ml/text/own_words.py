"""Whether a text is in a patient's own words: she says "I", where a clinician says "she"."""

import re
from collections.abc import Sequence

LEAST = 0.02  # of the words; in clinicians' notes, who write of themselves now and then, at most that many
_VERBS = (
    "am|was|have|had|get|got|feel|felt|can|could|cannot|do|don|did|would|should|might|may|will|want|need|keep|"
    "think|know|find|go|wake|woke|started|noticed|suffer|experience|just|also|still|never|often|always|"
    "sometimes|usually|recently|really"
)
_OF_HERSELF = re.compile(
    rf"\b(?:[Mm]y|[Mm]e|[Mm]yself|[Ii]['’](?:m|ve|d|ll)|[Ii]m|[Ii]ve|[Ii](?= (?:{_VERBS})\b))\b"
)
_WORD = re.compile(r"\w+")


def in_own_words(texts: Sequence[str]) -> bool:
    """Judged on all texts of one patient together; an "I" that may be a Roman numeral does not count."""
    words = sum(len(_WORD.findall(text)) for text in texts)
    return sum(len(_OF_HERSELF.findall(text)) for text in texts) > LEAST * words
