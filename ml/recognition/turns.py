"""Who speaks: labels of speakers in a transcript, on a line of their own or inside one.

"Mother:" is a speaker where a clinician speaks too; else it heads what is said of her.
"""

import re

_ASKING = "doctor dr physician clinician provider consultant gp nurse midwife therapist interviewer d q"
_ANSWERING = """
    patient pt client guest guest_family guest_clinician mother father mum mom dad parent carer caregiver wife
    husband partner son daughter p a
"""
_CLINICIANS = frozenset(_ASKING.split())
_ROLES = _CLINICIANS | frozenset(_ANSWERING.split())
_BEFORE_COLON = re.compile(r"[A-Za-z_]{1,20}(?= ?$)")
_FURTHEST = 21  # code points from a label's colon to its beginning
Label = tuple[int, int]


def speaker_labels(text: str) -> list[Label]:
    """Where each label begins and ends, in code points; none where no clinician speaks."""
    found = sorted((*_before_colons(text), *_in_brackets(text)))
    roles = {text[start:end].strip("[]: ").casefold() for start, end in found}
    return found if roles & _CLINICIANS else []


def _before_colons(text: str) -> list[Label]:
    """A role; a lone letter only as a capital before words."""
    found = []
    at = text.find(":")
    while at >= 0:
        word = _BEFORE_COLON.search(text, max(at - _FURTHEST, 0), at)
        if word and text[at + 1 : at + 2].isspace() and _is_role(text, word, at):
            found.append((word.start(), at + 1))
        at = text.find(":", at + 1)
    return found


def _is_role(text: str, word: re.Match[str], colon: int) -> bool:
    role = word[0].casefold()
    alone = not text[word.start() - 1 : word.start()].isalnum() if word.start() else True
    lettered = len(role) > 1 or (word[0].isupper() and text[colon + 2 : colon + 3].isalpha())
    return alone and lettered and role in _ROLES


def _in_brackets(text: str) -> list[Label]:
    found = []
    at = text.find("[")
    while at >= 0:
        end = text.find("]", at, at + _FURTHEST + 1)
        if end >= 0 and text[at + 1 : end].strip().casefold() in _ROLES:
            found.append((at, end + 1))
        at = text.find("[", at + 1)
    return found
