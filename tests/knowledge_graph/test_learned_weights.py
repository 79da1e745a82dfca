"""What a site's patients told of the weights counts where graph and text both speak, and nowhere else."""

import numpy as np

from knowledge_graph.fusion.fused_differential import fuse
from knowledge_graph.fusion.fusion_weights import FusionWeights

WEIGHTS = FusionWeights.load()
GRAPH, TEXT = np.array([1.0, 0.0, -2.0]), np.log([0.2, 0.7, 0.1])


def test_the_text_weighs_its_factor_more_and_the_whole_is_raised_by_the_power() -> None:
    learned = WEIGHTS.learned(text=2.0, power=0.7)
    prior, graph = np.array([1.0, 3.0, 1.0]), WEIGHTS.of_graph(4, with_text=True)
    pooled = 0.7 * (graph * GRAPH + 2 * WEIGHTS.text * TEXT + WEIGHTS.prior * np.log(prior))
    found = fuse(GRAPH, TEXT, observed=4, prior=prior, weights=learned).probability
    assert np.allclose(found, np.exp(pooled) / np.exp(pooled).sum())


def test_factors_of_one_change_nothing_and_what_stands_alone_is_left() -> None:
    assert WEIGHTS.learned(text=1.0, power=1.0) == WEIGHTS
    learned = WEIGHTS.learned(text=2.0, power=0.7)
    assert learned.text_alone == WEIGHTS.text_alone
    assert learned.graph_alone == WEIGHTS.graph_alone
