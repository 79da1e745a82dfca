"""Reads the styles in which synthetic notes are written: clinicians' and patients'."""

import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

from knowledge_graph.errors import SourceRefused

TERM_SLOTS = frozenset({"finding", "Finding", "findings", "Findings", "findings_or"})
PATIENT_SLOTS = frozenset(
    {"age", "a_age", "age_short", "person", "he", "He", "his", "His", "sex_letter", "relative", "Relative"}
    | {"date", "year", "onset_age", "number", "vitals", "clinic"}
)
_SLOT = re.compile(r"\{(\w+)\}")

# A template cut at its slots: texts and slot names alternate, text first and last.
Template = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotePart:
    """One block of a note; the sentences of a part without term slots are whole texts."""

    name: str
    sentences: tuple[Template, ...]
    headings: tuple[Template, ...]
    glue: str
    end: str


@dataclass(frozen=True, slots=True)
class NoteStyle:
    """A way to write a note: its parts in order, and how often it is used."""

    name: str
    weight: float
    parts: tuple[NotePart, ...]
    words: dict[str, tuple[str, ...]]


def read_note_styles() -> tuple[NoteStyle, ...]:
    """The clinicians' styles that ship with the program."""
    return parse_note_styles(resources.files("resources").joinpath("note_styles.toml").read_text("utf-8"))


def read_patient_styles() -> tuple[NoteStyle, ...]:
    """How patients and parents write (resources/patient_styles.toml)."""
    return parse_note_styles(resources.files("resources").joinpath("patient_styles.toml").read_text("utf-8"))


def parse_note_styles(text: str) -> tuple[NoteStyle, ...]:
    """Styles from TOML. Raises SourceRefused for a slot, part or key that is not understood."""
    try:
        data = tomllib.loads(text)
        words = {key: tuple(values) for key, values in data["words"].items()}
        return tuple(_style(style, words) for style in data["style"])
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise SourceRefused(f"the note styles are not understood ({error}); correct the file") from error


def _style(data: dict[str, Any], words: dict[str, tuple[str, ...]]) -> NoteStyle:
    parts = tuple(_part(name, data[name]) for name in data["layout"])
    return NoteStyle(data["name"], float(data["weight"]), parts, words)


def _part(name: str, data: dict[str, Any]) -> NotePart:
    sentences = tuple(_template(text) for text in data.get("sentences") or data["texts"])
    headings = tuple(_template(text) for text in data.get("heading", ("",)))
    return NotePart(name, sentences, headings, data.get("glue", ""), data["end"])


def _template(text: str) -> Template:
    pieces = tuple(_SLOT.split(text))
    for slot in pieces[1::2]:
        if slot not in TERM_SLOTS | PATIENT_SLOTS:
            raise SourceRefused(f"the note styles use an unknown slot {{{slot}}}; correct the file")
    return pieces
