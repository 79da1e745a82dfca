"""What `benchmark learning` learns: synthetic hospitals, and short texts, with rows taught or from names."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.config.settings import cache_dir
from app.errors import UsageError
from app.workflows.case_hospital import case_hospital
from app.workflows.evaluate_cases import read_cases
from app.workflows.evaluate_texts import label_diseases
from app.workflows.load_knowledge import KnowledgeChoice, load_graph
from app.workflows.plan_training import TrainingPlan, completed
from app.workflows.search_settings import SearchPlan, hospital
from app.workflows.synthetic_notes import HELD_OUT_STYLES
from app.workflows.tell_messages import public_messages
from app.workflows.write_notes import KnownNote, public_texts, synthetic_notes
from knowledge_graph.graph.compiled_graph import CompiledGraph
from ml.evaluation.zero_shot import zero_shot_head
from ml.registry.model_version import TENSORS_FILE
from ml.registry.starting_model import starting_version
from ml.registry.tensor_file import read_tensors, write_tensors
from ml.training.messages import TrainingJob, TrainingPatient
from ml.training.text_reader import TextReader

DELTA = 1e-4


@dataclass(frozen=True, slots=True)
class LearningTask:
    """Whom a model learns from, and new patients; `others` are notes of any disease, with their rows.

    `notes` are the new patients' again, with what a graph asks for, where there is such; so are `told` those
    whom a model learns from and `others_notes` the others.
    """

    start: TrainingJob
    patients: tuple[TrainingPatient, ...]
    texts: tuple[str, ...]
    truth: tuple[int, ...]
    others: tuple[str, ...] = ()
    others_truth: tuple[int, ...] = ()
    notes: tuple[KnownNote, ...] = ()
    told: tuple[KnownNote, ...] = ()
    others_notes: tuple[KnownNote, ...] = ()

    def job(self, epsilon: float) -> TrainingJob:
        """A run at this epsilon."""
        return replace(self.start, target_epsilon=epsilon)


def synthetic_hospitals(
    graph: CompiledGraph, *, count: int, patients: int, scope: str = "head", threads: int = 2
) -> Iterator[LearningTask]:
    """Fifty diseases each, one note a patient; judged on the notes of as many new ones."""
    start = starting_version()
    rows = {label: row for row, label in enumerate(start.labels)}
    tensors = start.files[TENSORS_FILE]
    plan = SearchPlan(Path(), cache_dir(), patients=patients, notes=patients)
    for seed in range(count):
        rng = np.random.default_rng([plan.seed, count, seed])
        others = tuple(synthetic_notes(graph, count=plan.notes, styles=HELD_OUT_STYLES, rng=rng))
        place = hospital(graph, start, plan, seed)
        job = _job(scope, tensors, start.labels, place.declared, patients=patients, threads=threads)
        yield LearningTask(
            replace(job, public_texts=place.public if scope == "head" else ()),
            place.patients,
            place.texts,
            tuple(place.declared[t] for t in place.truth),
            tuple(n.text for n in others),
            tuple(rows[n.truths[0]] for n in others),
            place.notes,
            place.told,
            others,
        )


def case_hospitals(
    graph: CompiledGraph, path: Path, *, count: int, patients: int, scope: str = "head", threads: int = 2
) -> Iterator[LearningTask]:
    """Published cases (`case_hospital`), split anew each time. Raises UsageError."""
    start = starting_version()
    rows = {label: row for row, label in enumerate(start.labels)}
    cases = tuple(read_cases(path))
    for seed in range(count):
        rng = np.random.default_rng([seed, count, len(cases)])
        place = case_hospital(graph, cases, start.labels, patients=patients, rng=rng)
        declared = tuple(sorted(rows[disease] for disease in place.diseases))
        of_job = {"patients": len(place.told), "threads": threads}
        job = _job(scope, start.files[TENSORS_FILE], start.labels, declared, **of_job)
        public = public_texts(graph, place.diseases) if scope == "head" else ()
        yield LearningTask(
            replace(job, public_texts=public),
            tuple(TrainingPatient(i, (n.text,), rows[n.truths[0]]) for i, n in enumerate(place.told)),
            tuple(note.text for note in place.new),
            tuple(rows[note.truths[0]] for note in place.new),
            notes=place.new,
            told=place.told,
        )


def short_texts(
    graph: CompiledGraph,
    folder: Path,
    *,
    parts: int,
    taught: bool = False,
    size: int | None = None,
    scope: str = "head",
    threads: int = 2,
) -> Iterator[LearningTask]:
    """The texts in parts, each once what the others' model is judged on; every text is one patient.

    `taught` starts from the model's own row of the first disease that a label stands for, where there is one.
    """
    path = next(iter(sorted(folder.glob("texts/symptom2disease*.jsonl.gz"))), None)
    if path is None:
        raise UsageError(f"{folder} holds no texts/symptom2disease*.jsonl.gz; name another folder by --data")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    names = tuple(sorted({row["label"] for row in rows}))
    chosen = np.random.default_rng(0).permutation(len(rows))[:size]
    public = public_texts(graph, graph.disease_ids)
    tensors = _tensors_by_name(names, public, threads, taught=taught)
    for part in range(parts):
        told, new = np.delete(chosen, slice(part, None, parts)).tolist(), chosen[part::parts].tolist()
        job = _job(scope, tensors, names, tuple(range(len(names))), patients=len(told), threads=threads)
        yield LearningTask(
            replace(job, public_texts=public if scope == "head" else ()),
            tuple(
                TrainingPatient(i, (rows[row]["text"],), names.index(rows[row]["label"]))
                for i, row in enumerate(told)
            ),
            tuple(rows[row]["text"] for row in new),
            tuple(names.index(rows[row]["label"]) for row in new),
        )


def _tensors_by_name(names: tuple[str, ...], public: tuple[str, ...], threads: int, *, taught: bool) -> bytes:
    """The starting model with a head of these names instead of its own diseases: zero-shot, or as taught."""
    start = starting_version()
    own = read_tensors(start.files[TENSORS_FILE])
    job = _job("head", start.files[TENSORS_FILE], start.labels, (0,), patients=1, threads=threads)
    logits = TextReader(job, [*names, *public]).logits()
    weight, bias = zero_shot_head(
        own["head.weight"], own["head.bias"], names=logits[: len(names)], public=logits[len(names) :]
    )
    for place, row in _taught_rows(names, start.labels).items() if taught else ():
        weight[place], bias[place] = own["head.weight"][row], own["head.bias"][row]
    return write_tensors(own | {"head.weight": weight, "head.bias": bias})


def _taught_rows(names: tuple[str, ...], labels: tuple[str, ...]) -> dict[int, int]:
    """The model's row of each name's first disease, by the name's place."""
    rows, stand_for = {label: row for row, label in enumerate(labels)}, label_diseases()
    known = {n: [d for d in stand_for.get(name, ()) if d in rows] for n, name in enumerate(names)}
    return {place: rows[diseases[0]] for place, diseases in known.items() if diseases}


def _job(
    scope: str,
    tensors: bytes,
    labels: tuple[str, ...],
    declared: tuple[int, ...],
    *,
    patients: int,
    threads: int,
) -> TrainingJob:
    """As `train` would ask for it, with its usual settings and the right number of patients."""
    plan = completed(TrainingPlan(target_epsilon=1.0, delta=DELTA, scope=scope, expected_patients=patients))
    return TrainingJob(
        scope=scope,
        tensors=tensors,
        labels=labels,
        declared=declared,
        target_epsilon=plan.target_epsilon,
        delta=plan.delta,
        sample_rate=plan.sample_rate,
        steps=plan.steps,
        block_steps=10,
        max_grad_norm=plan.max_grad_norm,
        learning_rate=plan.learning_rate,
        expected_batch=plan.sample_rate * patients,
        threads=threads,
        optimizer=plan.optimizer,
        most_noise=plan.most_noise,
        public_messages=_messages(scope),
    )


def _messages(scope: str) -> tuple[str, ...]:
    return public_messages(load_graph(cache_dir(), KnowledgeChoice())) if scope == "head" else ()
