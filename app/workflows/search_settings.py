"""Looks for good training settings on public synthetic patients: no vault is opened, no budget is spent.

A trial trains as a hospital would, by DP-SGD at the wished epsilon in the trainer's own process, on
synthetic patients of fifty diseases; its value is the share of new patients, in styles of notes that were
not trained on, whose disease it names first among them. What is found may be used on private data: it was
not chosen by them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from app.errors import PolicyError, UsageError, WorkerFailed
from app.workflows.load_knowledge import KnowledgeChoice, load_graph
from app.workflows.plan_training import MOST_NOISE, SCOPES, usual_optimizer
from app.workflows.synthetic_notes import HELD_OUT_DISEASES, HELD_OUT_STYLES, SyntheticNotes
from app.workflows.tell_messages import public_messages
from app.workflows.trainer_process import TrainerProcess
from app.workflows.write_notes import KnownNote, public_texts, synthetic_notes
from knowledge_graph.cohort.note_style import read_note_styles
from knowledge_graph.graph.cache import load_compiled
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId
from ml.evaluation.ranking_quality import top_k, true_ranks
from ml.registry.model_version import TENSORS_FILE, VersionContent
from ml.registry.starting_model import starting_version
from ml.search.settings_search import Range, Settings, SettingsSearch, TrialOutcome
from ml.training.messages import TrainingJob, TrainingPatient

if TYPE_CHECKING:
    from ml.training.text_reader import TextReader

SPACE = {
    "learning_rate": Range(1e-4, 10.0, log=True),
    "max_grad_norm": Range(0.1, 10.0, log=True),
    "sample_rate": Range(0.1, 0.8),
    "steps": Range(10, 120, log=True, whole=True),
}


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """What to search: `patients` to train on, `notes` to judge by, in each of `folds` synthetic hospitals."""

    journal: Path
    cache_dir: Path
    scope: str = "head"
    epsilon: float = 3.0
    delta: float = 1e-4
    trials: int = 20
    folds: int = 2
    patients: int = 400
    notes: int = 200
    seed: int = 0
    threads: int = 2

    @property
    def name(self) -> str:
        """Searches whose values can't be compared are other studies, also in one journal."""
        return (
            f"{self.scope}, epsilon {self.epsilon:g}, delta {self.delta:g}, {self.patients} patients, "
            f"{self.folds} folds, {self.notes} notes, seed {self.seed}"
        )


@dataclass(frozen=True, slots=True)
class Hospital:
    """One synthetic hospital: whom it trains on (`told`), and by whom it is judged (`notes`).

    A run begins from notes of its diseases (`public`) and people's `messages`, both anybody's.
    """

    patients: tuple[TrainingPatient, ...]
    texts: tuple[str, ...]
    truth: tuple[int, ...]
    declared: tuple[int, ...]
    public: tuple[str, ...]
    notes: tuple[KnownNote, ...] = ()
    told: tuple[KnownNote, ...] = ()
    messages: tuple[str, ...] = ()


def search_settings(plan: SearchPlan) -> Iterator[TrialOutcome]:
    """Yield each new trial; the journal keeps all, so a search that was stopped goes on."""
    graph, start = load_compiled(plan.cache_dir), starting_version()
    messages = _messages(plan)
    hospitals = [replace(hospital(graph, start, plan, fold), messages=messages) for fold in range(plan.folds)]
    readers = [reader_of(start, fold, plan) for fold in hospitals]

    def judge(settings: Settings, number: int) -> float:
        fold = hospitals[number]
        return judged(readers[number], trial_job(start, fold, settings, plan), fold)

    yield from study_of(plan).run(
        judge, trials=plan.trials, folds=plan.folds, first=usual_settings(plan.scope)
    )


def check_journal(journal: Path) -> None:
    """Raise UsageError where no journal can lie, or where what lies there is none; changes nothing."""
    if journal.is_dir():
        raise UsageError(f"{journal} is a folder; name a file for the journal")
    if not journal.parent.is_dir():
        raise UsageError(f"there is no folder {journal.parent} for the journal; make it first")
    if not journal.exists():
        return
    try:
        with journal.open("rb") as lines:
            strange = next((place for place, line in enumerate(lines, 1) if not _is_told(line, place)), 0)
    except OSError as error:
        raise UsageError(f"{journal} can't be read ({error.strerror}); name another journal") from error
    if strange == 1:
        raise UsageError(f"{journal} is no journal of a search; name another file")
    if strange:
        raise UsageError(f"line {strange} of the journal {journal} is damaged; begin in another file")


def _is_told(line: bytes, place: int) -> bool:
    """Whether a search wrote this line; a killed one may have cut its last."""
    if place > 1 and not line.endswith(b"\n"):
        return True
    try:
        return "op_code" in msgspec.json.decode(line, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def study_of(plan: SearchPlan) -> SettingsSearch:
    """The study, with every trial so far."""
    return SettingsSearch(plan.journal, plan.name, SPACE, seed=plan.seed)


def usual_settings(scope: str) -> Settings:
    """What `train` takes where nothing is named."""
    steps, rate, learning_rate = SCOPES[scope][:3]
    return {"learning_rate": learning_rate, "max_grad_norm": 1.0, "sample_rate": rate, "steps": steps}


def refuse_private_search(plan: SearchPlan) -> None:
    """Raise PolicyError with what a search on a vault's patients would cost."""
    runs = plan.trials * plan.folds
    raise PolicyError(
        f"a search on the vault's patients would be {runs} private runs of epsilon {plan.epsilon:g}, "
        f"together up to {runs * plan.epsilon:g}; search on synthetic patients (without --vault) and train "
        "once with what it finds"
    )


def hospital(graph: CompiledGraph, start: VersionContent, plan: SearchPlan, fold: int) -> Hospital:
    """The `fold`th synthetic hospital: fifty diseases, styles to train on, others to judge by."""
    rows = {label: row for row, label in enumerate(start.labels)}
    among = SyntheticNotes(graph, seed=plan.seed + fold).some_diseases(HELD_OUT_DISEASES)
    diseases = [DiseaseId(graph.disease_ids[d]) for d in among.tolist()]
    rng = np.random.default_rng([plan.seed, fold])
    seen = [style.name for style in read_note_styles() if style.name not in HELD_OUT_STYLES]
    told, new = (
        list(synthetic_notes(graph, count=count, styles=styles, rng=rng, diseases=diseases))
        for count, styles in ((plan.patients, seen), (plan.notes, HELD_OUT_STYLES))
    )
    return Hospital(
        patients=tuple(TrainingPatient(i, (n.text,), rows[n.truths[0]]) for i, n in enumerate(told)),
        texts=tuple(note.text for note in new),
        truth=tuple(diseases.index(note.truths[0]) for note in new),
        declared=tuple(rows[d] for d in diseases),
        public=public_texts(graph, diseases),
        notes=tuple(new),
        told=tuple(told),
    )


def judged(reader: "TextReader", job: TrainingJob, fold: Hospital) -> float:
    """The share of a hospital's new patients named first among its diseases by the model that a job makes."""
    scores = reader.logits(_trained(job, fold))[:, list(fold.declared)]
    return top_k(true_ranks(scores, np.array(fold.truth)), 1)


def _messages(plan: SearchPlan) -> tuple[str, ...]:
    """What a head's rows may be made from, as in `train`."""
    if plan.scope != "head":
        return ()
    return public_messages(load_graph(plan.cache_dir, KnowledgeChoice()))


def reader_of(start: VersionContent, fold: Hospital, plan: SearchPlan) -> "TextReader":
    """The hospital's new texts, for the model of one trial after another."""
    from ml.training.text_reader import TextReader  # what is refused is refused without torch, too

    return TextReader(trial_job(start, fold, usual_settings(plan.scope), plan), fold.texts)


def trial_job(start: VersionContent, fold: Hospital, settings: Settings, plan: SearchPlan) -> TrainingJob:
    """What a trial asks of the trainer."""
    steps, rate = int(settings["steps"]), float(settings["sample_rate"])
    return TrainingJob(
        scope=plan.scope,
        tensors=start.files[TENSORS_FILE],
        labels=start.labels,
        declared=fold.declared,
        target_epsilon=plan.epsilon,
        delta=plan.delta,
        sample_rate=rate,
        steps=steps,
        block_steps=steps,
        max_grad_norm=settings["max_grad_norm"],
        learning_rate=settings["learning_rate"],
        expected_batch=rate * plan.patients,
        threads=plan.threads,
        optimizer=usual_optimizer(plan.scope),
        public_texts=fold.public,
        public_messages=fold.messages,
        most_noise=MOST_NOISE if plan.scope == "head" else 0.0,
    )


def _trained(job: TrainingJob, fold: Hospital) -> bytes:
    never = Event()
    with TrainerProcess() as trainer:
        trainer.start(job, list(fold.patients))
        while (frame := trainer.receive(never)) is not None:
            if frame["kind"] == "planned":
                trainer.grant()
            if frame["kind"] == "result":
                return bytes(frame["tensors"])
    raise WorkerFailed("the trainer gave no result; check free memory and try again")
