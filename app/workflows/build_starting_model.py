"""Builds the starting model: synthetic patients of every disease, the gate, the head, the files.

First HPO's diseases, then rows for the program's own pack beside them, which leave the others as they are.
Public knowledge only: its epsilon is 0. The same seed, on the same machine and libraries, gives
the same model.
"""

import importlib.resources
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from app.errors import ModelUnavailable
from app.workflows.export_classifier import export_classifier
from app.workflows.load_knowledge import KnowledgeChoice, load_graph
from app.workflows.pack_rows import PackNotes, PackPlan, add_pack_rows, measure_pack_rows
from app.workflows.publish_model import PROBE_COUNT
from app.workflows.synthetic_notes import HELD_OUT_DISEASES, HELD_OUT_STYLES, SyntheticNotes
from app.workflows.write_notes import calibration_texts
from knowledge_graph.graph.cache import load_compiled
from knowledge_graph.graph.compiled_graph import CompiledGraph
from ml.evaluation.probe_texts import probe_texts
from ml.evaluation.ranking_quality import top_k, true_ranks
from ml.registry.export_job import ExportRequest, ExportResult, exported_version
from ml.registry.model_card import card_markdown
from ml.registry.model_version import TENSORS_FILE, ModelCard, VersionContent
from ml.registry.starting_model import FOLDER, README_FILE, starting_version
from ml.registry.tensor_file import Tensors, read_tensors, write_tensors
from ml.text.encoder_files import EncoderFiles, find_encoder
from ml.text.tokenizer import TextTokenizer
from ml.training.classifier import Classifier, build_classifier, encode_texts
from ml.training.phrase_bank import PhraseBank, read_phrases
from ml.training.starting_head import FitProgress, Head, Mixture, first_head, fit_head
from ml.training.token_gate import fit_gate


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """How much to do. `quick` values give a weaker model in about two minutes."""

    seed: int = 0
    gate_notes: int = 1000
    patients_per_disease: int = 8
    notes_per_disease: int = 1
    steps: int = 700
    held_out_notes: int = 600
    threads: int = 2
    pack: PackPlan = field(default_factory=PackPlan)

    @classmethod
    def quick(cls, seed: int = 0) -> "BuildPlan":
        """A small plan, for trying the command out."""
        return cls(
            seed,
            gate_notes=200,
            patients_per_disease=2,
            notes_per_disease=0,
            steps=60,
            held_out_notes=100,
            pack=PackPlan(notes_per_condition=4, other_notes=800, held_out_notes=100),
        )


def build_starting_model(plan: BuildPlan, cache_dir: Path) -> Iterator[str | VersionContent]:
    """Yield lines of progress and, last, the version."""
    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    graph, encoder = load_compiled(cache_dir), find_encoder()
    tokenizer = TextTokenizer(encoder.tokenizer_json)
    notes = SyntheticNotes(graph, seed=plan.seed)
    yield "fitting the gate"
    gate = fit_gate(_reader(encoder), tokenizer, notes.marked(plan.gate_notes))
    gate_tensors = {"gate.weight": gate.weight, "gate.bias": gate.bias}
    reader = _reader(encoder, gate_tensors)
    yield f"gate right on {gate.accuracy:.1%} of tokens; reading {len(notes.phrases):,} phrases"
    mixture = _mixture(reader, tokenizer, notes, plan)
    yield "fitting the head"
    head = first_head(mixture)
    batches = mixture.batches(np.random.default_rng(plan.seed + 2), size=1024)
    for report in fit_head(head, batches, steps=plan.steps):
        if isinstance(report, FitProgress):
            yield f"step {report.step} of {plan.steps}, loss {report.loss:.3f}"
        else:
            head = report
    yield from _finished(_stored(head, gate_tensors), gate_tensors, reader, plan, cache_dir)


def teach_pack_again(plan: BuildPlan, cache_dir: Path) -> Iterator[str | VersionContent]:
    """The shipped model with the rows of the program's pack fitted anew: after the pack has changed."""
    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    tensors = read_tensors(starting_version().files[TENSORS_FILE])
    gate = {name: value for name, value in tensors.items() if name.startswith("gate.")}
    labels = starting_version().labels
    count = len(load_compiled(cache_dir).disease_ids)
    if labels[:count] != tuple(load_compiled(cache_dir).disease_ids):
        raise ModelUnavailable("the shipped model names other diseases than the graph; build it in full")
    head = Head(tensors["head.weight"][:count], tensors["head.bias"][:count])
    yield from _finished(head, gate, _reader(find_encoder(), gate), plan, cache_dir)


def _finished(
    head: Head, gate: Tensors, reader: Classifier, plan: BuildPlan, cache_dir: Path
) -> Iterator[str | VersionContent]:
    """The pack's rows beside a head of HPO's diseases, what is measured of both, and the version."""
    bare, graph = load_compiled(cache_dir), load_graph(cache_dir, KnowledgeChoice())
    encoder = find_encoder()
    tokenizer, pack = TextTokenizer(encoder.tokenizer_json), PackNotes(graph, seed=plan.seed)
    for report in add_pack_rows(head, reader, tokenizer, pack, plan.pack):
        if isinstance(report, str):
            yield report
        else:
            head = report
    tensors = _tensors(head, gate)
    stored = _stored(head, gate)
    yield "measuring on styles of notes that were held out"
    notes = SyntheticNotes(bare, seed=plan.seed)
    measured = _measure(stored, reader, tokenizer, notes, count=plan.held_out_notes)
    measured |= measure_pack_rows(stored, reader, tokenizer, pack, count=plan.pack.held_out_notes)
    yield from _exported(tensors, graph, _card(encoder, graph, plan, measured), threads=plan.threads)


def _tensors(head: Head, gate: Tensors) -> bytes:
    return write_tensors(
        {"head.weight": head.weight, "head.bias": head.bias, **gate}, int8_rows=["head.weight"]
    )


def _stored(head: Head, gate: Tensors) -> Head:
    """The head as it is read back from the file."""
    stored = read_tensors(_tensors(head, gate))
    return Head(stored["head.weight"], stored["head.bias"])


def export_starting_model_again(cache_dir: Path, *, threads: int = 2) -> Iterator[str | VersionContent]:
    """The shipped model with new graphs, its weights and what was measured of them as they are."""
    shipped, graph = starting_version(), load_graph(cache_dir, KnowledgeChoice())
    if shipped.labels != tuple(graph.disease_ids):
        raise ModelUnavailable("the shipped model names other diseases than the graph; build it in full")
    yield from _exported(shipped.files[TENSORS_FILE], graph, shipped.version.card, threads=threads)


def _exported(
    tensors: bytes, graph: CompiledGraph, card: ModelCard, *, threads: int
) -> Iterator[str | VersionContent]:
    request = ExportRequest(
        tensors,
        graph.disease_ids,
        probe_texts(graph.disease_names, count=PROBE_COUNT),
        threads=threads,
        calibration=calibration_texts(graph),
    )
    for answer in export_classifier(request):
        yield exported_version(request, answer, card) if isinstance(answer, ExportResult) else answer


def save_starting_model(content: VersionContent, folder: Path | None = None) -> Path:
    """Write the version's files, and its card for people, into the resources or `folder`."""
    target = folder or Path(str(importlib.resources.files("resources") / FOLDER))
    target.mkdir(parents=True, exist_ok=True)
    for name, data in content.files.items():
        (target / name).write_bytes(data)
    (target / README_FILE).write_text(card_markdown(content.version), encoding="utf-8")
    return target


def _reader(encoder: EncoderFiles, gate: dict[str, np.ndarray[Any, Any]] | None = None) -> Classifier:
    """A classifier without a head of its own, to read states with."""
    empty = {
        "head.weight": np.zeros((1, encoder.hidden_size), np.float32),
        "head.bias": np.zeros(1, np.float32),
    }
    return build_classifier(encoder.tensors() | (gate or {}) | empty, ["none"], encoder.config)


def _mixture(reader: Classifier, tokenizer: TextTokenizer, notes: SyntheticNotes, plan: BuildPlan) -> Mixture:
    bank: PhraseBank = read_phrases(reader, tokenizer, notes.phrases)
    rows, diseases = notes.phrase_rows(plan.patients_per_disease)
    texts, truth = notes.written(plan.notes_per_disease)
    read = encode_texts(reader, tokenizer, texts) if texts else np.zeros((0, bank.sums.shape[1]), np.float32)
    return Mixture(
        bank=bank,
        rows=rows,
        diseases=diseases,
        profiles=notes.profile_rows(),
        prose=notes.prose_range,
        read=read,
        read_truth=truth,
    )


def _measure(
    head: Head, reader: Classifier, tokenizer: TextTokenizer, notes: SyntheticNotes, *, count: int
) -> dict[str, float]:
    measured: dict[str, float] = {}
    for style in HELD_OUT_STYLES:
        texts, truth = notes.held_out(style, count)
        ranks = true_ranks(head.logits(encode_texts(reader, tokenizer, texts)), truth)
        measured |= {f"{style}, all diseases, top-{k}": top_k(ranks, k) for k in (1, 10)}
        subset = notes.some_diseases(HELD_OUT_DISEASES)
        texts, truth = notes.held_out(style, count, among=subset)
        columns = np.searchsorted(subset, truth)
        ranks = true_ranks(head.logits(encode_texts(reader, tokenizer, texts))[:, subset], columns)
        measured |= {f"{style}, {HELD_OUT_DISEASES} diseases, top-{k}": top_k(ranks, k) for k in (1, 5)}
    return measured


def _card(
    encoder: EncoderFiles, graph: CompiledGraph, plan: BuildPlan, measured: dict[str, float]
) -> ModelCard:
    return ModelCard(
        title="Anamnesis starting model",
        base_version="",
        scope="head, gate",
        encoder=encoder.name,
        encoder_sha256=encoder.weights_sha256,
        label_count=len(graph.disease_ids),
        data_description=f"synthetic patients sampled from HPO {graph.title}, seed {plan.seed}",
        measured=measured,
    )
