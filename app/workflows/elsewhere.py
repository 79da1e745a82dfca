"""Whether a patient weighed as in a rare-disease clinic reads like one from where common diseases are."""

from app.clinical.diagnosis import Elsewhere
from app.workflows.weighed import Weighed
from knowledge_graph.fusion.fused_differential import FusedDifferential
from knowledge_graph.fusion.fusion_weights import Told
from knowledge_graph.fusion.setting_prior import setting_prior
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.occurrence import Setting

# Of notes on rare diseases one in a hundred lets a common disease reach so much, of others most.
NOTABLE = 0.05


def elsewhere(
    graph: CompiledGraph, weighed: Weighed, there: FusedDifferential, setting: Setting
) -> Elsewhere | None:
    """What would come first `there`: a common disease, not unlikely here either.

    None where it comes first here as well, unless the patient tells of herself: so people write to a
    general practitioner.
    """
    shown, first = weighed.fused.shown, int(there.best(1)[0])
    common = setting_prior(graph, setting)[first] > 1
    same = first == int(weighed.fused.best(1)[0]) and weighed.asked.told is not Told.MESSAGE
    if not common or shown[first] < NOTABLE or same:
        return None
    return Elsewhere(str(setting), graph.disease_ids[first], graph.disease_names[first])
