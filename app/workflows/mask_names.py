"""Takes a patient's own name and record numbers out of a text before it goes anywhere.

Only what the record itself names is found: names of relatives and of clinicians stay, and so does a name in
another spelling. A single part of a name is matched as written or in capitals, so that `Long` leaves a
`long face` alone.
"""

import re

from app.clinical.patient import Patient

NAME, NUMBER = "the patient", "(number)"
_SHORTEST_PART, _SHORTEST_NUMBER = 3, 4


def mask_names(text: str, patient: Patient) -> str:
    """The text without the patient's name, its parts, and her identifiers."""
    numbers = {i.value for i in patient.identifiers} | {str(patient.id)}
    text = _replaced(text, {n for n in numbers if len(n) >= _SHORTEST_NUMBER}, NUMBER, any_case=True)
    whole = " ".join(patient.name.split())
    if len(whole) >= _SHORTEST_PART:
        text = _replaced(text, {whole}, NAME, any_case=True)
    parts = {p for p in re.split(r"[\s,]+", whole) if len(p) >= _SHORTEST_PART and not p.isdigit()}
    return _replaced(text, parts | {p.upper() for p in parts}, NAME, any_case=False)


def _replaced(text: str, words: set[str], by: str, *, any_case: bool) -> str:
    if not words:
        return text
    alternatives = "|".join(
        r"\s+".join(map(re.escape, w.split())) for w in sorted(words, key=len, reverse=True) if w.strip()
    )
    return re.sub(rf"(?<!\w)(?:{alternatives})(?!\w)", by, text, flags=re.IGNORECASE if any_case else 0)
