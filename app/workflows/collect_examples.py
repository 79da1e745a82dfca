"""Turns the vault's labels into pseudonymous examples: a number, texts, a disease; nothing else.

A patient is an example when a clinician confirmed a disease that the model knows and the site has
declared. Numbers are drawn anew for each run, so that they name nobody; her own name and record numbers
are taken out of the texts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event

from app.clinical.annotation import current_annotations
from app.clinical.diagnosis import Decision
from app.store.vault import Vault
from app.workflows.mask_names import mask_names

Labelled = tuple[tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class Example:
    """One patient as the trainer sees her: notes' texts and the confirmed disease."""

    number: int
    texts: tuple[str, ...]
    disease_id: str


def collect_examples(
    vault: Vault,
    diseases: Sequence[str],
    *,
    shuffle: Callable[[list[Labelled]], None],
    stop: Event | None = None,
) -> list[Example]:
    """Examples of every labelled patient; after `shuffle` a number says nothing of whom it means.

    Once `stop` is set there are none.
    """
    allowed = set(diseases)
    found: list[Labelled] = []
    for patient_id in vault.labelled_patients():
        if stop is not None and stop.is_set():
            return []
        disease = _confirmed(vault, patient_id)
        texts = _texts(vault, patient_id)
        if disease in allowed and texts:
            found.append((texts, disease))
    shuffle(found)
    return [Example(number, *labelled) for number, labelled in enumerate(found)]


def _confirmed(vault: Vault, patient_id: str) -> str:
    """The disease whose confirmation came last and stands."""
    standing: dict[str, Decision] = {}
    for diagnosis in vault.diagnoses(patient_id):
        standing.pop(diagnosis.disease_id, None)
        standing[diagnosis.disease_id] = diagnosis.decision
    confirmed = [d for d, decision in standing.items() if decision is Decision.CONFIRMED]
    return confirmed[-1] if confirmed else ""


def _texts(vault: Vault, patient_id: str) -> tuple[str, ...]:
    """The notes; a patient without one is told by the words of her marks and coded features."""
    chart = vault.chart(patient_id)
    notes = tuple(mask_names(note.text, chart.patient) for note in chart.notes if note.text.strip())
    if notes:
        return notes
    marks = current_annotations(vault.patient_annotation_events(patient_id))
    words = [f.label for f in chart.features if f.label] + [m.term_id for m in marks if not m.rejected]
    return (". ".join(words),) if words else ()
