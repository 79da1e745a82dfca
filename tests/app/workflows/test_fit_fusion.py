"""What findings count alone is learned from cases; what they count beside a text from all notes."""

from app.workflows.fit_fusion import _fitted
from app.workflows.write_notes import LEFT_OUT, PUBLISHED, SYNTHETIC
from knowledge_graph.fusion.fusion_fitting import START
from knowledge_graph.graph.compiled_graph import CompiledGraph
from tests.app.workflows.test_evaluate_notes import scored


def test_synthetic_patients_do_not_say_how_sure_findings_alone_may_be(real_graph: CompiledGraph) -> None:
    cases = [
        scored(real_graph, given=own, read=own, text=own, source=source)
        for own in (19.0, 21.0, 22.0)
        for source in (PUBLISHED, LEFT_OUT)
    ]
    invented = [scored(real_graph, given=40.0, read=40.0, text=10.0, source=SYNTHETIC)] * 3
    by_cases, by_all = _fitted(real_graph, cases, START), _fitted(real_graph, [*cases, *invented], START)
    assert (by_cases.graph_alone, by_cases.damping) == (by_all.graph_alone, by_all.damping)
    assert by_cases.graph != by_all.graph
