"""A tiny slice of `benchmark learning`: real training, real accounting, a table of what each run knows."""

import gzip
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pytest

from app.config.settings import CACHE_VARIABLE, cache_dir
from app.errors import UsageError, WorkerFailed
from app.workflows import benchmark_learning, write_notes
from app.workflows.benchmark_learning import privately
from app.workflows.evaluate_texts import label_diseases
from app.workflows.learning_tasks import short_texts, synthetic_hospitals
from app.workflows.learning_ways import AS_SHIPPED, NoteWays
from app.workflows.synthetic_notes import HELD_OUT_STYLES
from app.workflows.write_notes import public_texts, synthetic_notes
from knowledge_graph.graph.cache import load_compiled
from ml.registry.model_version import TENSORS_FILE
from ml.registry.starting_model import starting_version
from ml.registry.tensor_file import read_tensors
from tests.app.workflows.test_case_hospital import MARFAN, NEUROFIBROMATOSIS, some
from tests.app.workflows.thread_process import train_in_a_thread

pytestmark = pytest.mark.slow
SENTENCES = {
    "Migraine": (
        "A throbbing headache on one side",
        "Flashing lights, then a headache",
        "Nausea, light hurts",
    ),
    "Psoriasis": (
        "Silvery patches on my elbows",
        "My knees have dry scaly plaques",
        "Scaly skin, pitted nails",
    ),
    "Pneumonia": (
        "I cough up phlegm with a fever",
        "It hurts to breathe, and I shiver",
        "Rusty phlegm and chills",
    ),
}


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, public_cache: Path) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(public_cache))
    monkeypatch.setattr(write_notes, "PUBLIC_NOTES", 12)
    for tasks in ("synthetic_hospitals", "case_hospitals", "short_texts"):  # tests fill the cores as it is
        monkeypatch.setattr(benchmark_learning, tasks, partial(getattr(benchmark_learning, tasks), threads=1))
    train_in_a_thread(monkeypatch)


def written(folder: Path) -> Path:
    """Texts of our own in the form of the shared ones."""
    (folder / "texts").mkdir()
    with gzip.open(folder / "texts" / "symptom2disease_own.jsonl.gz", "wt", encoding="utf-8") as lines:
        for label, texts in SENTENCES.items():
            lines.writelines(
                json.dumps({"label": label, "text": f"{t}, for {n} days."}) + "\n"
                for t in texts
                for n in (2, 4)
            )
    return folder


def silent(text: str) -> None:
    assert text


def per_cent(value: object) -> float:
    return float(str(value).split()[0])


def test_the_tables_tell_their_size_and_every_share_with_an_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"EPSILONS": (3.0,), "HOSPITALS": 1, "PARTS": 2, "OPEN_STEPS": 50}.items():
        monkeypatch.setattr(benchmark_learning, name, value)
    found = benchmark_learning.measure(silent, size=18, data=str(written(tmp_path)))
    sizes = ("diseases", "patients of a run", "notes of a run", "seeds", "new notes")
    assert [found[f"synthetic notes: {size}"] for size in sizes] == [50, 18, 18, 1, 18]
    for table in benchmark_learning.TEXTS:
        assert [found[f"{table}: {size}"] for size in sizes] == [3, 9, 9, 2, 18]
    for table in ("synthetic notes", *benchmark_learning.TEXTS):
        for run in ("epsilon 0", "epsilon 3", "without privacy"):
            told = str(found[f"{table}: {run}, among them, top-1"])
            value, low, high = (float(w.strip("()")) for w in told.replace("to", "").split())
            assert 0 <= low <= value <= high <= 100
            assert low < high
    assert per_cent(found["short texts: without privacy, among them, top-1"]) >= 80
    assert "synthetic notes: epsilon 3, other diseases' notes, top-10" in found
    every = [
        {
            (way, what): found[f"synthetic notes: {run}, among all diseases, {way}, {what}"]
            for way in ("text", "graph", "fused", AS_SHIPPED)
            for what in ("top-1", "top-10", "calibration error", "Brier's score")
        }
        for run in ("epsilon 0", "epsilon 3", "without privacy")
    ]
    assert len({told["graph", "top-10"] for told in every}) == 1  # no run changes the graph
    assert len({told["fused", "calibration error"] for told in every}) > 1
    assert not [name for name in found if name.startswith("short texts") and "fused" in name]
    start = every[0]
    assert start["fused", "calibration error"] == start[AS_SHIPPED, "calibration error"]
    assert found["synthetic notes: epsilon 0, weights learned"] == "as shipped"
    assert "synthetic notes: epsilon 3, weights learned" in found
    assert "synthetic notes: epsilon 3, other diseases' notes, fused, top-10" in found


def test_published_cases_are_patients_of_a_further_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"EPSILONS": (3.0,), "HOSPITALS": 1, "SPLITS": 1, "OPEN_STEPS": 20}.items():
        monkeypatch.setattr(benchmark_learning, name, value)
    cases = [*some(MARFAN, 4), *some(NEUROFIBROMATOSIS, 4)]
    path = tmp_path / "cases.jsonl"
    path.write_bytes(b"\n".join(msgspec.json.encode(case) for case in cases))
    found = benchmark_learning.measure(silent, size=8, cases=path)
    assert [found[f"published cases: {what}"] for what in ("diseases", "patients of a run")] == [2, 8]
    for run in ("epsilon 0", "epsilon 3", "without privacy"):
        assert f"published cases: {run}, among all diseases, fused, top-10" in found


def test_a_file_that_holds_no_cases_is_refused_before_anything_is_learned(tmp_path: Path) -> None:
    path, told = tmp_path / "cases.jsonl", list[str]()
    path.write_bytes(b"\x00\xff no cases")
    with pytest.raises(UsageError, match="not a case"):
        benchmark_learning.measure(told.append, size=8, cases=path)
    assert told == []


def test_the_trainer_is_told_of_the_graph_as_its_own_patients_are() -> None:
    graph, start = load_compiled(cache_dir()), starting_version()
    task = next(synthetic_hospitals(graph, count=1, patients=4, threads=1))
    ways = NoteWays(graph, start.labels, cache_dir())
    taught = ways.taught(task)
    assert len(taught.start.leaders) == 4 * len(start.labels)
    for side, patient in zip(ways.sides(task.told), taught.patients, strict=True):
        assert (patient.beside is not None) == (side.count > 0)
        assert patient.texts == (side.note.text,)
    assert ways.taught(replace(task, told=())).start.leaders == b""


def test_a_model_that_is_sure_of_every_disease_is_so_beside_the_graph_too() -> None:
    graph = load_compiled(cache_dir())
    rng = np.random.default_rng(1)
    notes = list(synthetic_notes(graph, count=4, styles=HELD_OUT_STYLES, rng=rng))
    labels = [*dict.fromkeys(note.truths[0] for note in notes), graph.disease_ids[0], graph.disease_ids[1]]
    sure = np.zeros((len(notes), len(labels)), np.float32)
    sure[np.arange(len(notes)), [labels.index(note.truths[0]) for note in notes]] = 60.0
    ways = NoteWays(graph, labels, cache_dir())
    sides = ways.sides(notes)
    for way in ("text", "fused"):
        assert all(outcome.right and outcome.stated > 0.9 for outcome in ways.outcomes(sides, sure)[way])
    graph_alone = ways.outcomes(sides, sure)["graph"]
    assert ways.outcomes(sides, -sure)["graph"] == graph_alone


def test_a_trainer_that_would_spend_more_than_was_asked_for_is_stopped(tmp_path: Path) -> None:
    task = next(short_texts(load_compiled(cache_dir()), written(tmp_path), parts=2, threads=1))
    wasteful = replace(task, start=replace(task.start, noise_multiplier=0.5))
    with pytest.raises(WorkerFailed, match="was asked for"):
        privately(wasteful, 1.0, silent)


def test_a_label_starts_from_the_models_own_row_of_its_first_disease_where_it_has_one(tmp_path: Path) -> None:
    graph, folder, start = load_compiled(cache_dir()), written(tmp_path), starting_version()
    own = read_tensors(start.files[TENSORS_FILE])["head.weight"]
    taught, by_name = (
        read_tensors(next(short_texts(graph, folder, parts=2, taught=t, threads=1)).start.tensors)[
            "head.weight"
        ]
        for t in (True, False)
    )
    for place, label in enumerate(sorted(SENTENCES)):
        row = own[start.labels.index(label_diseases()[label][0])]
        assert np.array_equal(taught[place], row)
        assert not np.array_equal(by_name[place], row)


def test_each_short_text_is_judged_once_by_a_model_that_never_saw_it(tmp_path: Path) -> None:
    tasks = list(short_texts(load_compiled(cache_dir()), written(tmp_path), parts=3, threads=1))
    new = [text for task in tasks for text in task.texts]
    assert sorted(new) == sorted(
        f"{t}, for {n} days." for own in SENTENCES.values() for t in own for n in (2, 4)
    )
    for task in tasks:
        told = {text for patient in task.patients for text in patient.texts}
        assert len(told) == 12
        assert not told & set(task.texts)


def test_a_folder_without_such_texts_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--data"):
        next(short_texts(load_compiled(cache_dir()), tmp_path, parts=2))


def test_what_a_head_starts_from_are_notes_of_the_declared_diseases_alone() -> None:
    graph = load_compiled(cache_dir())
    own = public_texts(graph, ["OMIM:154700", "not in the graph"])
    assert own == public_texts(graph, ["OMIM:154700"]) != public_texts(graph, ["OMIM:143100"])
    with pytest.raises(UsageError, match="declare others"):
        public_texts(graph, ["not in the graph"])
