"""Which diseases may speak for each other: the same disease under another id, the same gene, one series.

OMIM, Orphanet and DECIPHER describe the same diseases apart, and the release has no cross-reference:
names and genes are what there is. "Immunodeficiency 124" and its siblings are one series.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from knowledge_graph.graph.arrays import Rows, rows_from

LARGEST_SERIES = 150
_SMALL = {"type", "and", "of", "the", "with"}
_ONES = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")
_NUMBERS = {  # x alone is a chromosome
    tens + ones: str(value + n) for tens, value in (("", 0), ("x", 10)) for n, ones in enumerate(_ONES) if n
}
_QUALIFIER = re.compile(
    r"\b(autosomal (dominant|recessive)|x-linked( recessive| dominant)?|digenic|with .*|susceptibility to"
    r"|somatic|type|due to.*|\d+[a-z]*|[ivx]+[a-z]?|[a-z])\b"
)


@dataclass(frozen=True, slots=True)
class Kinship:
    """Rows of disease numbers: the kin of each disease (`series`: the members of each series).

    `twins` have the same name in another source, or are one by their gene; `same_gene` have a gene in common
    and another source.
    """

    twins: Rows
    same_gene: Rows
    series: Rows


def build_kinship(
    disease_ids: Sequence[str],
    names: Sequence[str],
    genes: Sequence[tuple[str, ...]],
    *,
    one_by_gene: Iterable[list[int]] = (),
) -> Kinship:
    """Kin from ids, names and genes, disease by disease. Pairs that are one by their gene are heard last."""
    space = [disease.split(":")[0] for disease in disease_ids]
    named = _groups((name_words(name), d) for d, name in enumerate(names))
    has_twin = {d for group in named for d in group if len({space[other] for other in group}) > 1}
    gened = _groups((gene, d) for d, of_disease in enumerate(genes) for gene in of_disease)
    stems = _groups(((space[d], series_stem(name)), d) for d, name in enumerate(names) if series_stem(name))
    return Kinship(
        twins=_kin([*named, *(pair for pair in one_by_gene if not has_twin & set(pair))], space),
        same_gene=_kin(gened, space),
        series=rows_from([g for g in stems if 2 <= len(g) <= LARGEST_SERIES]),
    )


def name_words(name: str) -> str:
    """A name without case, order, punctuation, small words and brackets; its numbers Arabic, in their order.

    So two spellings of one are equal.
    """
    said = re.findall(r"[a-z]+|\d+[a-z]*", re.sub(r"\([^)]*\)", "", name.lower()))
    words = dict.fromkeys(_NUMBERS.get(word, word) for word in said if word not in _SMALL)
    return " ".join(sorted(words, key=lambda word: ("", "") if word[0].isdigit() else ("~", word)))


def series_stem(name: str) -> str:
    """What is left of a name without numbers, types and inheritance; "" where too little is."""
    stem = " ".join(re.findall(r"[a-z]+", _QUALIFIER.sub("", name.split(";")[0].lower())))
    return stem if len(stem) > 5 else ""


def _groups(pairs: Iterable[tuple[object, int]]) -> list[list[int]]:
    found: dict[object, list[int]] = defaultdict(list)
    for key, disease in pairs:
        found[key].append(disease)
    return [group for group in found.values() if len(group) > 1]


def _kin(groups: Iterable[list[int]], space: Sequence[str]) -> Rows:
    """The others of each disease's groups that come from another source."""
    kin: list[set[int]] = [set() for _ in space]
    for group in groups:
        for disease in group:
            kin[disease].update(other for other in group if space[other] != space[disease])
    return rows_from([sorted(others) for others in kin])
