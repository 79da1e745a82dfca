"""Messages of synthetic patients as people write them: a few complaints, now and then one of another cause.

A patient of the sampler shows what her disease is known for. Who writes for advice tells less of it, and what
else she tells is no rare finding but what troubles others too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from app.workflows.everyday_notes import EverydayNotes
from app.workflows.write_notes import SYNTHETIC, KnownNote
from knowledge_graph.cohort.patient import SampledPatient
from knowledge_graph.cohort.recording_habits import RecordingHabits
from knowledge_graph.cohort.sampling import sample_patients
from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId

MOST_TOLD = 5
PUBLIC_MESSAGES, _PUBLIC_SEED = 300, 11
_HABITS = RecordingHabits()


def everyday_messages(
    graph: CompiledGraph,
    *,
    count: int,
    rng: np.random.Generator,
    diseases: Sequence[DiseaseId],
    held_out: bool = True,
) -> Iterator[KnownNote]:
    """Up to `count`: who has nothing to tell tells nothing. `held_out` is a style that nothing was fitted on.

    Complaints of another cause are those of a patient with a condition of the packs, on average as many as a
    clinician records.
    """
    everyday = EverydayNotes(graph)
    common = [d for d in graph.disease_ids if d.split(":")[0] in graph.pack_spaces]
    habits = replace(_HABITS, unrelated_mean=0.0)
    ill, others = (
        sample_patients(graph, count=count, rng=rng, diseases=who, habits=habits)
        for who in (diseases, common)
    )
    for patient, other in zip(ill, others, strict=True):
        told = _some(everyday.tellable(patient), int(rng.integers(1, MOST_TOLD + 1)), rng)
        if told:
            besides = [f for f in everyday.tellable(other) if f not in told]
            told += _some(besides, int(rng.poisson(_HABITS.unrelated_mean)), rng)
            yield _message(replace(patient, findings=tuple(told)), everyday, rng, held_out=held_out)


def public_messages(graph: CompiledGraph) -> tuple[str, ...]:
    """Of people with the packs' conditions, always the same for a graph; none where it has no packs."""
    common = [d for d in graph.disease_ids if d.split(":")[0] in graph.pack_spaces]
    if not common:
        return ()
    rng = np.random.default_rng(_PUBLIC_SEED)
    told = everyday_messages(graph, count=PUBLIC_MESSAGES, rng=rng, diseases=common, held_out=False)
    return tuple(message.text for message in told)


def _message(
    patient: SampledPatient, everyday: EverydayNotes, rng: np.random.Generator, *, held_out: bool
) -> KnownNote:
    text = everyday.write(patient, rng, held_out=held_out)
    return KnownNote(text, patient.findings, patient.sex, patient.age_days, (patient.disease_id,), SYNTHETIC)


def _some(findings: Sequence[Finding], count: int, rng: np.random.Generator) -> list[Finding]:
    """Up to `count` of the observed ones, in any order."""
    there = [f for f in findings if f.state is FindingState.OBSERVED]
    return [there[i] for i in rng.permutation(len(there))[:count].tolist()]
