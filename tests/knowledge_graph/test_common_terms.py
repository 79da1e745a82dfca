"""What many diseases show is laid out as a whole row, which says the same as its entries."""

import numpy as np

from knowledge_graph.graph.common_terms import COMMON_SHARE, CommonTerms
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.profile import Profiles


def test_a_row_holds_what_the_entries_say() -> None:
    few, many = [3], [0, 2, 9]
    ends = np.array([0, 0, len(few), len(few) + len(many)], np.int32)
    shown = np.array([*few, *many], np.int32)
    profiles = Profiles(ends, shown, np.array([0.5, 0.1, 0.2, 0.3], np.float32), np.zeros(3, np.float32))
    common = CommonTerms(profiles, 10)
    assert common.row(0) is None
    assert common.row(1) is None  # one of ten is fewer than COMMON_SHARE
    row = common.row(2)
    assert row is not None
    assert np.allclose(row, [0.1, 0, 0.2, 0, 0, 0, 0, 0, 0, 0.3])
    assert common.row(2) is row


def test_the_commonest_term_of_the_release_is_laid_out_and_a_rare_one_is_not(
    real_graph: CompiledGraph,
) -> None:
    shown_by = np.diff(real_graph.profiles.indptr)
    for term in (int(shown_by.argmax()), int((shown_by == 1).argmax())):
        row = real_graph.common_terms.row(term)
        assert (row is not None) == (shown_by[term] > COMMON_SHARE * len(real_graph.disease_ids))
        if row is not None:
            diseases, probability = real_graph.profiles.of_term(term)
            assert (row[diseases] == probability).all()
            assert np.count_nonzero(row) == np.count_nonzero(probability)
