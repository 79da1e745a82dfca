"""Publishes a training result: exports it to ONNX, checks it against torch, registers it.

The export runs in a worker process; this one needs no torch.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from app.config.policy import Policy
from app.errors import ModelUnavailable
from app.store.rights import Right
from app.store.vault import Vault
from app.workflows.export_classifier import ExportWorker, export_classifier
from app.workflows.list_models import load_version, model_store, result_store
from app.workflows.promote_model import Promotion, promote
from app.workflows.write_notes import calibration_texts
from knowledge_graph.graph.cache import load_compiled
from ml.evaluation.probe_texts import probe_texts
from ml.inference.version_loading import check_encoder, merged_tensors
from ml.registry.export_job import ExportRequest, ExportResult, exported_version
from ml.registry.model_version import TENSORS_FILE, ModelCard, ModelVersion, VersionContent
from ml.registry.tensor_file import read_tensors, write_tensors
from ml.registry.training_result import TrainingResult
from ml.text.encoder_files import EncoderFiles, find_encoder

PROBE_COUNT = 280  # a share of 97 % is then known to about one point


@dataclass(frozen=True, slots=True)
class PublishPlan:
    """How to publish: the time to note, where caches lie, and whether to use it at once.

    `probes` is how many public texts the comparison with torch reads.
    """

    at: str
    cache_dir: Path
    threads: int = 2
    make_current: bool = True
    probes: int = PROBE_COUNT
    policy: Policy = field(default_factory=Policy)


def publish_model(
    vault: Vault,
    result: TrainingResult,
    plan: PublishPlan,
    *,
    worker: ExportWorker | None = None,
    stop: Event | None = None,
) -> Iterator[str | ModelVersion]:
    """Yield lines of progress and, last, the new version; the result then waits no longer.

    Where the policy has gates, the version is measured and put to use only if it passes: else it is kept,
    and PolicyError says what falls short.
    `worker` is one that the caller has started and ends; else `stop` ends the export under way.
    """
    vault.require(Right.TRAIN)
    base = load_version(vault, result.base_version)
    encoder = find_encoder()
    check_encoder(base, encoder)
    tensors = write_tensors(read_tensors(base.files[TENSORS_FILE]) | read_tensors(result.tensors))
    graph, graphs = load_compiled(plan.cache_dir), _reusable_graphs(base, encoder, result)
    request = ExportRequest(
        tensors=tensors,
        labels=base.labels,
        probes=probe_texts(graph.disease_names, count=plan.probes),
        threads=plan.threads,
        graphs=graphs,
        calibration=() if graphs else calibration_texts(graph),
    )
    for report in worker.answers(request) if worker else export_classifier(request, stop=stop):
        if isinstance(report, ExportResult):
            content = exported_version(request, report, _card(base, encoder, result, at=plan.at))
            version = _register(vault, content)
            result_store(vault).remove(result.run_id)
            if plan.make_current:
                yield from promote(vault, version.version_id, _promotion(plan), reason="publish")
            yield version
        else:
            yield report


def _reusable_graphs(base: VersionContent, encoder: EncoderFiles, result: TrainingResult) -> dict[str, bytes]:
    """The base's graphs; none where the result has layers that they lack: it is then exported anew."""
    known = merged_tensors(encoder, read_tensors(base.files[TENSORS_FILE]))
    if not set(read_tensors(result.tensors)) <= set(known):
        return {}
    return base.graphs


def waiting_result(vault: Vault, run_id: str | None = None) -> TrainingResult:
    """The named training result, or the latest."""
    results = result_store(vault)
    run_ids = results.run_ids()
    if not run_ids:
        raise ModelUnavailable("no training result waits to be published; run `anamnesis train` first")
    if run_id is not None and run_id not in run_ids:
        raise ModelUnavailable(f"no result of a run {run_id} waits; name one of {', '.join(run_ids)}")
    return results.get(run_id or run_ids[-1])


def _register(vault: Vault, content: VersionContent) -> ModelVersion:
    version = content.version
    vault.audit("model.publish", version.version_id, f"base {version.card.base_version[:12]}")
    model_store(vault).add(content)
    return version


def _promotion(plan: PublishPlan) -> Promotion:
    return Promotion(plan.at, plan.cache_dir, plan.policy)


def _card(base: VersionContent, encoder: EncoderFiles, result: TrainingResult, *, at: str) -> ModelCard:
    return ModelCard(
        title=f"Anamnesis text model, scope {result.scope}",
        base_version=base.version.version_id,
        scope=result.scope,
        encoder=encoder.name,
        encoder_sha256=encoder.weights_sha256,
        label_count=len(base.labels),
        privacy=result.privacy,
        data_description=result.data_description,
        created_at=at,
        fusion=result.fusion or base.version.card.fusion,
    )
