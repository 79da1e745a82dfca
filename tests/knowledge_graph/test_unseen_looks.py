"""What is learned after the looks asks those that have seen neither the case's disease nor its kin."""

from collections import defaultdict

import pytest

from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.kinship import series_stem
from knowledge_graph.ranking.reranking import LearnedLooks
from knowledge_graph.ranking.unseen_looks import UnseenLooks
from knowledge_graph.terms.term import DiseaseId


def test_a_disease_of_the_cases_has_looks_of_its_own_fold_and_any_other_the_shipped_ones() -> None:
    unseen, shipped = UnseenLooks.load(), LearnedLooks.load()
    assert sorted(set(unseen.fold_of.values())) == list(range(len(unseen.folds)))
    for disease, fold in unseen.fold_of.items():
        assert unseen.of(disease) is unseen.folds[fold]
    assert unseen.of("OMIM:0") is shipped
    values = [look.trees.value.tolist() for look in (*unseen.folds, shipped)]
    assert all(values.count(own) == 1 for own in values)


def test_diseases_of_one_gene_or_series_share_a_fold(real_graph: CompiledGraph) -> None:
    found: dict[str, set[int]] = defaultdict(set)
    for disease, fold in UnseenLooks.load().fold_of.items():
        number = real_graph.disease_number(DiseaseId(disease))
        stem = series_stem(real_graph.disease_names[number])
        for label in (*real_graph.genes[number], *([f"series {stem}"] if stem else [])):
            found[label].add(fold)
    assert len(found) > 200
    assert all(len(folds) == 1 for folds in found.values())


def test_a_file_gives_back_what_was_written_and_an_altered_one_is_refused() -> None:
    unseen = UnseenLooks.load()
    data = unseen.to_file()
    again = UnseenLooks.of_file(data)
    assert again.fold_of == unseen.fold_of
    for one, other in zip(again.folds, unseen.folds, strict=True):
        assert one.trees.threshold.tolist() == other.trees.threshold.tolist()
        assert one.third.hidden.tolist() == other.third.hidden.tolist()
    with pytest.raises(ValueError, match="sha256"):
        UnseenLooks.of_file(data[:-1] + bytes([data[-1] ^ 1]))
