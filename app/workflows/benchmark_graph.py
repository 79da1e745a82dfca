"""Measures ranking on the compiled arrays beside plain Python, NetworkX and hpo3, on synthetic patients.

The plain side is the same likelihood ratio over dictionaries, and must give the same scores. The second
side is what one would write first: personalised PageRank on the NetworkX graph, the findings as seeds. The
third, where its Python is named, is hpo3 (Rust): Resnik's best-match average, beside ours of the same.

What is ours is told in processor time too: on a busy machine that is what it would take on an idle one, or
a little more.
"""

import math
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import NamedTuple, TypeVar

import msgspec
import networkx as nx
import numpy as np

from app.config.program import is_packaged
from app.config.settings import cache_dir
from app.errors import WorkerFailed
from app.workflows import first_ranking
from app.workflows.hpo3_peer import Hpo3Peer, hpo3_peer
from app.workflows.resnik_average import ResnikAverage
from knowledge_graph.cohort.patient import SampledPatient
from knowledge_graph.cohort.sampling import sample_patients
from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.graph.cache import load_compiled
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.knowledge_graph import KnowledgeGraph, load_knowledge
from knowledge_graph.graph.overlay import overlaid
from knowledge_graph.graph.recompilation import compile_knowledge
from knowledge_graph.ranking.context import context_ratios
from knowledge_graph.ranking.denial import denials
from knowledge_graph.ranking.exclusion import LARGEST_PROBABILITY
from knowledge_graph.ranking.likelihood_ratio import ANCESTOR_SHARE, FLOOR, likelihood_ratios
from knowledge_graph.ranking.profile_fit import FitWeights, fit_features
from knowledge_graph.ranking.rank import (
    GraphScores,
    Parts,
    distinct_findings,
    first_look,
    observed_terms,
    rank,
)
from knowledge_graph.rationale.explanation import Reasons
from knowledge_graph.sources.hpo_release import find_release
from knowledge_graph.sources.pack_reading import COMMON, read_pack
from knowledge_graph.terms.term import DiseaseId

DEFAULT_PATIENTS = 40
LOADINGS, WALKS, SHOWN = 5, 3, 10
Progress = Callable[..., None]
T = TypeVar("T")


class Took(NamedTuple):
    """By the wall clock, and of the processor."""

    ms: float
    processor_ms: float


def measure(
    progress: Progress, *, size: int | None = None, data: str | None = None, hpo3: Path | None = None
) -> dict[str, object]:
    """`size` is the number of patients. Medians in milliseconds, the sides in turns."""
    load_compiled(cache_dir())  # compiles, where no cache lies there yet
    loads = [_clocked(partial(load_compiled, cache_dir()))[0] for _ in range(LOADINGS)]
    graph = load_compiled(cache_dir())
    progress("building the NetworkX graph")
    parsing = _clocked(load_knowledge)[0]
    load_knowledge(cache_dir=cache_dir())  # keeps what was parsed
    build, knowledge = _clocked(partial(load_knowledge, cache_dir=cache_dir()))
    compiling, _ = _clocked(partial(compile_knowledge, knowledge))
    patients = list(sample_patients(graph, count=size or DEFAULT_PATIENTS, rng=np.random.default_rng(5)))
    progress(f"ranking {len(patients)} patients by arrays and by dictionaries")
    found = {
        "patients": len(patients),
        "findings a patient": mean(len(p.findings) for p in patients),
        **_both("load the compiled graph", loads),
        **_both("load it and rank for the first time", _first_rankings(patients[0])),
        **_both("parse and build NetworkX", [parsing]),
        **_both("build NetworkX from the cache", [build]),
        **_both("compile NetworkX as it stands", [compiling]),
        "NetworkX / compiled": build.ms / median(took.ms for took in loads),
        "nodes": knowledge.network.number_of_nodes(),
        "edges": knowledge.network.number_of_edges(),
        **_rankings(graph, patients),
        **_layings(graph),
    }
    progress(f"walking {WALKS} personalised PageRanks")
    found |= _walks(graph, knowledge, patients[:WALKS])
    if hpo3 is None:
        return found
    progress("loading the same data in hpo3")
    resnik = ResnikAverage(graph)
    with hpo3_peer(hpo3, find_release().ontology.parent, resnik.profiles) as peer:
        return found | _beside_peer(graph, resnik, peer, patients)


def _layings(graph: CompiledGraph) -> dict[str, object]:
    """The common pack laid over HPO, and one disease of a hospital's own over both, as after an edit."""
    common = read_pack(COMMON)
    first, both = _clocked(partial(overlaid, graph, [common]))
    one = common.diseases[0].disease_id
    rows = tuple(row for row in common.rows if row.disease_id == one)
    own = replace(
        common,
        pack_id="own",
        diseases=(replace(common.diseases[0], disease_id=DiseaseId("OWN:1")),),
        rows=tuple(msgspec.structs.replace(row, disease_id=DiseaseId("OWN:1")) for row in rows),
        places=("",) * len(rows),
        stated_names=(),
    )
    edits = [_clocked(partial(overlaid, both, [own]))[0] for _ in range(LOADINGS)]
    return {
        **_both("lay the common pack over HPO", [first]),
        **_both("lay an edited pack over both", edits),
    }


class PlainRanking:
    """The likelihood ratio of `knowledge_graph.ranking`, in dictionaries and loops."""

    def __init__(self, graph: CompiledGraph):
        self._diseases = len(graph.disease_ids)
        self._above = {t: graph.ancestors[i].tolist() for i, t in enumerate(graph.term_ids)}
        self._number = graph.term_index
        self._usual = graph.profiles.background.tolist()
        self._shown = [
            dict(zip(*(part.tolist() for part in graph.profiles.of_term(term)), strict=True))
            for term in range(len(graph.term_ids))
        ]

    def scores(self, findings: Sequence[Finding]) -> list[float]:
        """The summed log ratio of every disease."""
        total = [0.0] * self._diseases
        for finding in findings:
            observed = finding.state is FindingState.OBSERVED
            row = (self._observed if observed else self._excluded)(finding)
            total = [a + b for a, b in zip(total, row, strict=True)]
        return total

    def _observed(self, finding: Finding) -> list[float]:
        term = self._number[finding.term_id]
        best = [FLOOR] * self._diseases
        for ancestor in self._above[finding.term_id]:
            share = 1.0 if ancestor == term else ANCESTOR_SHARE
            for disease, probability in self._shown[ancestor].items():
                best[disease] = max(best[disease], share * probability / self._usual[ancestor])
        return [math.log(ratio) for ratio in best]

    def _excluded(self, finding: Finding) -> list[float]:
        term = self._number[finding.term_id]
        weights = FitWeights.load()
        usual = math.log1p(-(min(self._usual[term], LARGEST_PROBABILITY) ** weights.sharpness))
        row = [-weights.excluded * usual] * self._diseases
        for disease, probability in self._shown[term].items():
            held = min(probability, LARGEST_PROBABILITY) ** weights.sharpness
            row[disease] += weights.excluded * math.log1p(-held)
        return row


def _rankings(graph: CompiledGraph, patients: Sequence[SampledPatient]) -> dict[str, object]:
    plain = PlainRanking(graph)
    asked = [distinct_findings(graph, p.findings) for p in patients]
    names = ("arrays", "first", "ratios", "plain", "explained", "first_explained")
    times: dict[str, list[Took]] = {name: [] for name in names}
    furthest = 0.0
    for findings in asked:
        times["arrays"].append(_clocked(partial(rank, graph, findings))[0])
        times["first"].append(_clocked(partial(_without_second_look, graph, findings))[0])
        times["explained"].append(_clocked(partial(_with_reasons, rank, graph, findings))[0])
        first_explained = partial(_with_reasons, _without_second_look, graph, findings)
        times["first_explained"].append(_clocked(first_explained)[0])
        took, ratios = _clocked(partial(likelihood_ratios, graph, findings))
        times["ratios"].append(took)
        took, slow = _clocked(partial(plain.scores, findings))
        times["plain"].append(took)
        furthest = max(furthest, float(np.abs(ratios.sum(axis=0) - np.array(slow)).max()))
    ratio = median(took.ms for took in times["plain"]) / median(took.ms for took in times["ratios"])
    return {
        **_both("rank all diseases", times["arrays"]),
        **_both("the same without the second look", times["first"]),
        **_both(f"rank, explain {SHOWN}, what to ask", times["explained"]),
        **_both("the same explained, without the second look", times["first_explained"]),
        **_both("likelihood ratios alone", times["ratios"]),
        **_both("the same in plain Python", times["plain"]),
        "plain Python / arrays": ratio,
        "largest difference of a score": furthest,
    }


def _first_rankings(patient: SampledPatient) -> list[Took]:
    """From the cache to a ranking, each in a process of its own; in a package, which runs no module, here."""
    if is_packaged():
        return [_clocked(lambda: rank(load_compiled(cache_dir()), patient.findings))[0]]
    said = [("-" if f.state is FindingState.EXCLUDED else "") + f.term_id for f in patient.findings]
    command = [sys.executable, "-m", first_ranking.__name__, str(cache_dir()), *said]
    runs = [subprocess.run(command, capture_output=True, text=True, check=False) for _ in range(LOADINGS)]
    if any(run.returncode for run in runs):
        raise WorkerFailed("a measured ranking failed; run `anamnesis self-test`")
    return [Took(*map(float, run.stdout.split())) for run in runs]


def _without_second_look(graph: CompiledGraph, findings: tuple[Finding, ...]) -> GraphScores:
    parts = Parts(
        likelihood_ratios(graph, findings),
        fit_features(graph, observed_terms(graph, findings)),
        denials(graph, findings),
    )
    return first_look(graph, findings, parts, context=context_ratios(graph, sex=Sex.UNKNOWN, age_days=None))


def _with_reasons(
    ranking: Callable[[CompiledGraph, tuple[Finding, ...]], GraphScores],
    graph: CompiledGraph,
    findings: tuple[Finding, ...],
) -> None:
    scores = ranking(graph, findings)
    reasons = Reasons(graph, scores)
    shown = [graph.disease_ids[disease] for disease in scores.best(SHOWN).tolist()]
    reasons.explain_each(shown)
    for disease_id in shown:
        reasons.not_yet_asked(disease_id)


def _walks(
    graph: CompiledGraph, knowledge: KnowledgeGraph, patients: Sequence[SampledPatient]
) -> dict[str, object]:
    """PageRank over the undirected network, excluded findings left out, as the method knows none."""
    network = nx.Graph(knowledge.network)
    times: dict[str, list[float]] = {"walk": [], "arrays": []}
    for patient in patients:
        findings = distinct_findings(graph, patient.findings)
        seeds = {f.term_id: 1.0 for f in findings if f.state is FindingState.OBSERVED}
        if seeds:
            times["walk"].append(_timed(partial(nx.pagerank, network, personalization=seeds))[0])
            times["arrays"].append(_timed(partial(rank, graph, findings))[0])
    if not times["walk"]:
        return {}
    walk, arrays = median(times["walk"]), median(times["arrays"])
    return {"personalised PageRank, ms": walk, "PageRank / arrays": walk / arrays}


def _beside_peer(
    graph: CompiledGraph, resnik: ResnikAverage, peer: Hpo3Peer, patients: Sequence[SampledPatient]
) -> dict[str, object]:
    """Resnik's average on both sides, and the whole of our ranking; excluded findings left out."""
    times: dict[str, list[float]] = {"peer": [], "arrays": [], "rank": []}
    alike: list[float] = []
    for patient in patients:
        seen = [f for f in distinct_findings(graph, patient.findings) if f.state is FindingState.OBSERVED]
        if not seen:
            continue
        terms = [f.term_id for f in seen]
        took, theirs = peer.scores(terms)
        ours_took, ours = _timed(partial(resnik.scores, terms))
        rank_took, _ = _timed(partial(rank, graph, seen))
        for side, value in (("peer", took), ("arrays", ours_took), ("rank", rank_took)):
            times[side].append(value)
        alike.append(float(np.corrcoef(ours, np.array(theirs))[0, 1]))
    of = {side: median(values) for side, values in times.items()}
    return {
        "hpo3, Resnik best-match average, ms": of["peer"],
        "the same on arrays, ms": of["arrays"],
        "hpo3 / arrays": of["peer"] / of["arrays"],
        "hpo3 / our whole ranking": of["peer"] / of["rank"],
        "hpo3, loading, ms": peer.load_ms,
        "correlation with hpo3's scores, lowest": min(alike),
    }


def _timed(deed: Callable[[], T]) -> tuple[float, T]:
    took, value = _clocked(deed)
    return took.ms, value


def _clocked(deed: Callable[[], T]) -> tuple[Took, T]:
    began, worked = time.perf_counter(), time.process_time()
    value = deed()
    return Took(1000 * (time.perf_counter() - began), 1000 * (time.process_time() - worked)), value


def _both(name: str, times: Sequence[Took]) -> dict[str, object]:
    """Medians of both clocks."""
    return {
        f"{name}, ms": median(took.ms for took in times),
        f"{name}, processor ms": median(took.processor_ms for took in times),
    }
