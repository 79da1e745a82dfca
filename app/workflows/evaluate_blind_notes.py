"""Measures the recogniser on short notes written before their author had seen it (blind_notes.toml)."""

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from app.workflows.suggest_findings import read_findings
from knowledge_graph.graph.compiled_graph import CompiledGraph
from ml.recognition.recogniser import Recogniser

VOICES = ("patient", "clinician", "dialogue", "letter")
_STATES = ("observed", "excluded")


@dataclass(frozen=True, slots=True)
class BlindNote:
    """A note and the ontology's names of what a reader finds in it; `open`: where readers may differ."""

    voice: str
    text: str
    observed: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    not_the_patients: tuple[str, ...] = ()
    open: tuple[str, ...] = ()


@cache
def blind_notes() -> Mapping[str, Sequence[BlindNote]]:
    """The notes by the name of their set, as the file says when each stopped being blind."""
    text = files("resources").joinpath("recognition", "blind_notes.toml").read_text("utf-8")
    return {name: tuple(_note(row) for row in rows) for name, rows in tomllib.loads(text).items()}


def _note(row: Mapping[str, Any]) -> BlindNote:
    named = {key: tuple(row.get(key, ())) for key in ("observed", "excluded", "not_the_patients", "open")}
    return BlindNote(voice=row["voice"], text=row["text"], **named)


def measure_blind_notes(recogniser: Recogniser, graph: CompiledGraph) -> dict[str, object]:
    """Of each set: recall of what is given, precision of what is found, states right among what is found.

    A finding counts where it is the given term, its parent or its child. `taken` is the share of what is
    not the patient's that is read as hers. Recall and precision by voice follow.
    """
    measured: dict[str, object] = {}
    for name, notes in blind_notes().items():
        counts = {voice: Counter[str]() for voice in VOICES}
        for note in notes:
            counts[note.voice].update(_counted(recogniser, graph, note))
        total = sum(counts.values(), Counter[str]())
        measured |= {
            f"{name}_notes": len(notes),
            f"{name}_recall": _share(total["given_found"], total["given"]),
            f"{name}_precision": _share(total["right"], total["right"] + total["wrong"]),
            f"{name}_state_accuracy": _share(total["given_found"], total["in_any_state"]),
            f"{name}_taken": _share(total["foreign_taken"], total["foreign"]),
        }
        for voice, found in counts.items():
            measured[f"{name}_{voice}_recall"] = _share(found["given_found"], found["given"])
            measured[f"{name}_{voice}_precision"] = _share(found["right"], found["right"] + found["wrong"])
    return measured


def _counted(recogniser: Recogniser, graph: CompiledGraph, note: BlindNote) -> Counter[str]:
    seen = [(str(f.term_id), f.state.value) for f in read_findings(recogniser, note.text)]
    given = [(_term(graph, name), state) for state in _STATES for name in getattr(note, state)]
    readers_differ = [_term(graph, name) for name in note.open]
    foreign = [_term(graph, name) for name in note.not_the_patients if name not in note.observed]
    right = [s for s in seen if any(s[1] == g[1] and _near(graph, s[0], g[0]) for g in given)]
    wrong = [s for s in seen if s not in right and not any(_near(graph, s[0], o) for o in readers_differ)]
    return Counter(
        given=len(given),
        given_found=sum(any(s[1] == g[1] and _near(graph, s[0], g[0]) for s in seen) for g in given),
        in_any_state=sum(any(_near(graph, s[0], g[0]) for s in seen) for g in given),
        right=len(right),
        wrong=len(wrong),
        foreign=len(foreign),
        foreign_taken=sum(any(s[1] == _STATES[0] and _near(graph, s[0], f) for s in seen) for f in foreign),
    )


def _term(graph: CompiledGraph, name: str) -> str:
    return graph.term_ids[graph.term_names.index(name)]


def _near(graph: CompiledGraph, one: str, other: str) -> bool:
    """Whether two terms are the same, or parent and child."""
    first, second = graph.term_number(one), graph.term_number(other)
    return first == second or second in graph.parents[first] or first in graph.parents[second]


def _share(part: int, whole: int) -> float:
    return part / max(whole, 1)
