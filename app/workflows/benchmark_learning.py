"""Measures what a synthetic hospital's model learns at each epsilon, beside the starting model.

Fifty diseases, trained as `train` does with its usual settings, judged on new patients in styles of notes
that were not trained on. The largest epsilon stands for training without privacy: its noise is almost none.
"""

from collections.abc import Callable
from pathlib import Path

from app.config.settings import cache_dir
from app.workflows.search_settings import SearchPlan, hospital, judged, named_first, usual_settings
from knowledge_graph.graph.cache import load_compiled
from ml.registry.model_version import TENSORS_FILE
from ml.registry.starting_model import starting_version
from ml.registry.tensor_file import read_tensors

EPSILONS = (1.0, 3.0, 100.0)
PATIENTS = 400


def measure(
    progress: Callable[..., None], *, size: int | None = None, data: str | None = None
) -> dict[str, object]:
    """Shares named first among fifty; `size` synthetic patients to train on."""
    plan = SearchPlan(Path(), cache_dir(), patients=size or PATIENTS)
    start = starting_version()
    place = hospital(load_compiled(plan.cache_dir), start, plan, 0)
    progress("reading new patients with the starting model")
    own = read_tensors(start.files[TENSORS_FILE])
    found: dict[str, object] = {
        "patients": plan.patients,
        "new patients": plan.notes,
        "epsilon 0, top-1": named_first(start, place, own, threads=plan.threads),
    }
    for epsilon in EPSILONS:
        progress(f"training at epsilon {epsilon:g}")
        at = SearchPlan(Path(), plan.cache_dir, epsilon=epsilon, patients=plan.patients)
        name = f"epsilon {epsilon:g}, top-1"
        found[name] = judged(start, place, usual_settings(at.scope), at)
    return found
