"""Diseases of two sources that are one by their gene: nobody else has it, they have no other, and look alike.

Looking alike, by simGIC (Pesquita et al. 2008) of what they show, tells one disease described twice from two
diseases of a gene of which each source has one: of pairs with one gene and one name 95 % reach 0.14, of
diseases of one gene with other names a third do.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial

import numpy as np

from knowledge_graph.graph.arrays import Associations, Floats, Ints, Rows

ALIKE = 0.15


def one_by_gene(
    disease_ids: Sequence[str],
    genes: Sequence[Sequence[str]],
    rows: Associations,
    *,
    ancestors: Rows,
    background: Floats,
) -> list[list[int]]:
    """Pairs of disease numbers. `background` (n_terms,) says how common each term is."""
    space = [disease.split(":")[0] for disease in disease_ids]
    told: Floats = -np.log(np.clip(background, np.float32(1e-9), np.float32(1)))
    owners: dict[str, list[int]] = defaultdict(list)
    for disease, of_disease in enumerate(genes):
        for gene in of_disease:
            owners[gene].append(disease)
    shown = partial(_shown, rows, ancestors)
    return [
        pair
        for pair in owners.values()
        if len(pair) == len({space[d] for d in pair}) == 2
        and all(len(genes[d]) == 1 for d in pair)
        and _likeness(shown(pair[0]), shown(pair[1]), told) >= ALIKE
    ]


def _shown(rows: Associations, ancestors: Rows, disease: int) -> Ints:
    """The terms that a disease shows, and all above them."""
    span = rows.rows_of(disease)
    terms = rows.term[span][~rows.excluded[span]].tolist()
    return np.unique(np.concatenate([np.zeros(0, np.int32), *(ancestors[term] for term in terms)]))


def _likeness(one: Ints, other: Ints, told: Floats) -> float:
    both, either = np.intersect1d(one, other), np.union1d(one, other)
    return float(told[both].sum()) / max(float(told[either].sum()), 1e-6)
