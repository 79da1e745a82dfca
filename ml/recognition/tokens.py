"""Splits text into words with their places, and brings words into one form for matching.

Offsets are Unicode code points of the text as given; nothing is normalised before splitting.
"""

import re
import unicodedata
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")
_IRREGULAR = {
    "feet": "foot",
    "teeth": "tooth",
    "ears": "ear",
    "children": "child",
    "vertebrae": "vertebra",
    "metacarpi": "metacarpal",
    "irides": "iris",
    "testes": "testis",
    "phalanges": "phalanx",
    "nares": "naris",
    "oedema": "edema",
    "fits": "fit",
}
_SPELLINGS = """
    aemi:emi haem:hem oedem:edem paed:ped oesoph:esoph diarrhoea:diarrhea tumour:tumor colour:color
    gynaec:gynec anaes:anes caec:cec foetal:fetal ischaem:ischem glycaem:glycem behaviour:behavior
    fibre:fiber centre:center pnoea:pnea coeliac:celiac faec:fec grey:gray
"""
_BRITISH = tuple(tuple(pair.split(":")) for pair in _SPELLINGS.split())
# Words that name the same thing in clinical English; both sides of a match are brought to the second.
_SAME = """
    anomaly:abnormality abnormal:abnormality malformation:abnormality malformed:abnormality
    facial:face renal:kidney cardiac:heart hepatic:liver ocular:eye cutaneous:skin cerebral:brain
    dental:tooth nasal:nose neoplasm:tumor retarded:retardation delayed:delay impaired:impairment
    hypoplastic:hypoplasia aplastic:aplasia dysplastic:dysplasia atrophic:atrophy elevated:increased
    raised:increased high:increased reduced:decreased low:decreased diminished:decreased
    tall:increased enlarged:large absent:absence spastic:spasticity
"""
_EQUIVALENT = dict(pair.split(":") for pair in _SAME.split())
_STEMS = (
    ("iness", "y"),
    ("ies", "y"),
    ("sses", "ss"),
    ("ses", "s"),
    ("xes", "x"),
    ("ches", "ch"),
    ("shes", "sh"),
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text; `form` is what it is matched by."""

    start: int
    end: int
    form: str


def words_of(text: str) -> list[Word]:
    """All words in reading order."""
    return [Word(m.start(), m.end(), form_of(m.group())) for m in _WORD.finditer(text)]


def form_of(word: str) -> str:
    """Lower case, no accents, American spelling, singular."""
    plain = word.casefold().replace("’", "'")
    if not plain.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    plain = plain.removesuffix("'s")
    if plain in _IRREGULAR:
        return _IRREGULAR[plain]
    for british, american in _BRITISH:
        if british in plain:
            plain = plain.replace(british, american)
    singular = _singular(plain)
    return _EQUIVALENT.get(singular, singular)


def _singular(word: str) -> str:
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    for ending, stem in _STEMS:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word.removesuffix(ending) + stem
    return word.removesuffix("s")
