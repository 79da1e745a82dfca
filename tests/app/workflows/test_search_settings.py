"""A trial is judged by the model that it trained, whatever part of the model that was."""

from pathlib import Path

import pytest
import torch

from app.config.settings import cache_dir
from app.workflows import search_settings
from app.workflows.search_settings import SearchPlan, hospital, judged, reader_of, trial_job, usual_settings
from knowledge_graph.graph.compiled_graph import CompiledGraph
from ml.inference.version_loading import merged_tensors
from ml.registry.model_version import TENSORS_FILE
from ml.registry.starting_model import starting_version
from ml.registry.tensor_file import read_tensors, write_tensors
from ml.text.encoder_files import find_encoder
from ml.training.classifier import build_classifier, changed_tensors
from ml.training.messages import TrainingJob
from ml.training.scopes import scope_named

pytestmark = pytest.mark.slow


def ruined(scope: str) -> bytes:
    """What a run would give whose every trained tensor is noise, but for the head."""
    start, encoder = starting_version(), find_encoder()
    base = merged_tensors(encoder, read_tensors(start.files[TENSORS_FILE]))
    classifier = build_classifier(base, start.labels, encoder.config)
    scope_named(scope).prepare(classifier, (0, 1, 2))
    torch.manual_seed(0)
    with torch.no_grad():
        for name, tensor in classifier.named_parameters():
            if tensor.requires_grad and "head" not in name:
                tensor.add_(3 * torch.randn_like(tensor))
    return changed_tensors(classifier, base)


@pytest.mark.parametrize("scope", ["adapter", "prefix", "head"])
def test_a_trial_is_judged_by_what_it_trained(
    monkeypatch: pytest.MonkeyPatch, real_graph: CompiledGraph, scope: str
) -> None:
    plan, start = (
        SearchPlan(Path(), Path(), scope=scope, patients=50, notes=30, threads=1),
        starting_version(),
    )
    fold = hospital(real_graph, start, plan, 0)
    untouched = write_tensors({})
    if scope == "head":
        told = read_tensors(start.files[TENSORS_FILE])
        spoilt = write_tensors({"head.weight": -told["head.weight"]})
    else:
        spoilt = ruined(scope)
    reader, found = reader_of(start, fold, plan), []
    job = trial_job(start, fold, usual_settings(scope), plan)
    for trained in (untouched, spoilt):
        monkeypatch.setattr(search_settings, "_trained", lambda *_, made=trained: made)
        found.append(judged(reader, job, fold))
    assert found[0] > 0.4
    assert found[1] < found[0] / 2


@pytest.mark.parametrize(("scope", "some"), [("head", True), ("lora", False)])
def test_a_trial_is_given_the_public_messages_that_a_run_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scope: str, some: bool
) -> None:
    given = []

    def noted(_reader: object, job: TrainingJob, _fold: object) -> float:
        given.append(job.public_messages)
        return 0.5

    monkeypatch.setattr(search_settings, "judged", noted)
    monkeypatch.setattr(search_settings, "reader_of", lambda *_: None)
    plan = SearchPlan(
        tmp_path / "j", cache_dir(), scope=scope, trials=1, folds=1, patients=50, notes=20, threads=1
    )
    list(search_settings.search_settings(plan))
    assert [bool(messages) for messages in given] == [some]
