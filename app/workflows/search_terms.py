"""Finds terms of the knowledge by what a clinician types, and gives terms and diseases their names."""

from dataclasses import dataclass

from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId, TermId

_ROOT = TermId("HP:0000118")  # Phenotypic abnormality: only these can be findings


@dataclass(frozen=True, slots=True)
class TermHit:
    """A term that matches; `synonym` is the wording that matched where the name did not."""

    term_id: TermId
    name: str
    synonym: str = ""


class TermCatalogue:
    """Names of terms and diseases, and search among the terms that can be findings."""

    def __init__(self, graph: CompiledGraph) -> None:
        self.graph = graph
        self.version = graph.version
        self._names = dict(zip(graph.term_ids, graph.term_names, strict=True))
        self._diseases = dict(zip(graph.disease_ids, graph.disease_names, strict=True))
        self._entries = [
            (wording.casefold(), TermHit(graph.term_ids[i], graph.term_names[i], synonym))
            for i in graph.descendants[graph.term_number(_ROOT)].tolist()
            for wording, synonym in (
                (graph.term_names[i], ""),
                *((other, other) for other in graph.term_synonyms[i]),
            )
        ]

    def name(self, term_id: TermId) -> str:
        """A term's name; its id where it is not known."""
        return self._names.get(term_id, str(term_id))

    def disease_name(self, disease_id: DiseaseId) -> str:
        """A disease's name; its id where it is not known."""
        return self._diseases.get(disease_id, str(disease_id))

    def search(self, query: str, *, limit: int = 30) -> tuple[TermHit, ...]:
        """Terms whose wording holds every word of the query, best first, each once."""
        words = query.casefold().split()
        if not words:
            return ()
        if query.strip().upper().startswith("HP:"):
            wanted = query.strip().upper()
            return tuple(TermHit(t, n) for t, n in self._names.items() if t.startswith(wanted))[:limit]
        found: dict[TermId, tuple[tuple[int, int, int], TermHit]] = {}
        for wording, hit in self._entries:
            if all(word in wording for word in words):
                rank = wording_rank(wording, words, by_synonym=bool(hit.synonym))
                if hit.term_id not in found or rank < found[hit.term_id][0]:
                    found[hit.term_id] = (rank, hit)
        ranked = sorted(found.values(), key=lambda entry: (entry[0], entry[1].name))
        return tuple(hit for _, hit in ranked[:limit])


def wording_rank(wording: str, words: list[str], *, by_synonym: bool = False) -> tuple[int, int, int]:
    """Whole wording, then beginning, then at word beginnings, then anywhere; short wordings first."""
    typed = " ".join(words)
    if wording == typed:
        place = 0
    elif wording.startswith(typed):
        place = 1
    else:
        parts = wording.replace("-", " ").split()
        place = 2 if all(any(part.startswith(word) for part in parts) for word in words) else 3
    return place, len(wording), int(by_synonym)
