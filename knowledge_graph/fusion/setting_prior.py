"""How likely each disease is before anything is known of the patient, by where the patient is seen.

The table is `resources/priors.toml`: weights by setting and prevalence class, against 1 for each disease
of HPO, of which nothing is stated.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.sources.knowledge_pack import PackDisease
from knowledge_graph.terms.occurrence import Setting

DEFAULT_SETTING = Setting.RARE_DISEASE_CLINIC


def setting_prior(graph: CompiledGraph, setting: Setting) -> npt.NDArray[np.float64]:
    """Positive weights (n_diseases,), 1 for a disease that no pack speaks of."""
    weights = np.ones(len(graph.disease_ids))
    for disease_id, disease in graph.facts.items():
        speaker = _who_states(graph, disease)
        if speaker.prevalence or disease_id.split(":")[0] in graph.pack_spaces:
            weights[graph.disease_index[disease_id]] = _weight(speaker, setting)
    return weights


def _who_states(graph: CompiledGraph, disease: PackDisease) -> PackDisease:
    """The disease itself, or where it states no prevalence the first of those it says it is that does."""
    others = (graph.facts.get(other) for other in disease.same_as)
    stated = (other for other in (disease, *others) if other is not None and other.prevalence)
    return next(stated, disease)


def _weight(disease: PackDisease, setting: Setting) -> float:
    row = _table()[setting]
    met = disease.prevalence.get(setting) or disease.prevalence.get(Setting(row["like"]))
    return float(row["unstated" if met is None else met])


@cache
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("resources").joinpath("priors.toml").read_text("utf-8"))
