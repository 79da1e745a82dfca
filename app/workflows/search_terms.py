"""Finds terms of the knowledge by what a clinician types, and gives terms and diseases their names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.workflows.term_wordings import Entry, spoken_wordings, term_linker
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId, TermId
from ml.linking.linker import Linker

LEAST_LIKENESS = 0.4  # below it a term found by meaning is seldom what was meant
MOST_MEANT = 12
MOST_TYPED = 100  # words; no wording holds as many, and a pasted note is asked for its meaning alone
BEGINNING = 1  # places of `wording_rank` up to this come before what is found by meaning


@dataclass(frozen=True, slots=True)
class TermHit:
    """A term that matches; `synonym` is the wording that matched where the name did not.

    `likeness` (0 to 1) is of a term found by the meaning of its words; 0 where what was typed stands in it.
    """

    term_id: TermId
    name: str
    synonym: str = ""
    likeness: float = 0.0


class TermCatalogue:
    """Names of terms and diseases, and search among the terms that can be findings."""

    def __init__(
        self,
        graph: CompiledGraph,
        *,
        entries: Sequence[Entry] | None = None,
        linker: Callable[[CompiledGraph], Linker] = term_linker,
    ) -> None:
        """`entries` are the terms that can be found, by default all; the linker is made when first asked."""
        self.graph = graph
        self.version = graph.version
        self._make_linker = linker
        self._names = dict(zip(graph.term_ids, graph.term_names, strict=True))
        self._diseases = dict(zip(graph.disease_ids, graph.disease_names, strict=True))
        self._entries = [
            (wording.casefold(), self._hit(term_id, wording))
            for term_id, wordings in (spoken_wordings(graph) if entries is None else entries)
            for wording in wordings
        ]

    @cached_property
    def linker(self) -> Linker:
        """What finds terms by meaning; the first call takes about a second."""
        return self._make_linker(self.graph)

    def name(self, term_id: TermId) -> str:
        """A term's name; its id where it is not known."""
        return self._names.get(term_id, str(term_id))

    def disease_name(self, disease_id: DiseaseId) -> str:
        """A disease's name; its id where it is not known."""
        return self._diseases.get(disease_id, str(disease_id))

    def search(self, query: str, *, limit: int = 30) -> tuple[TermHit, ...]:
        """Terms worded so or that begin so, then those that mean the like, then those that hold the words.

        Each term stands once, best first.
        """
        if not query.strip():
            return ()
        if query.strip().upper().startswith("HP:"):
            wanted = query.strip().upper()
            return tuple(TermHit(t, n) for t, n in self._names.items() if t.startswith(wanted))[:limit]
        spelled = self._spelled(query.casefold().split())
        first = [hit for place, hit in spelled if place <= BEGINNING]
        later = [hit for place, hit in spelled if place > BEGINNING]
        known = {hit.term_id: hit for hit in later}
        meant = [known.get(hit.term_id, hit) for hit in self.meant(query)]
        unique: dict[TermId, TermHit] = {}
        for hit in (*first, *meant, *later):
            unique.setdefault(hit.term_id, hit)
        return tuple(unique.values())[:limit]

    def meant(self, query: str, *, limit: int = MOST_MEANT) -> tuple[TermHit, ...]:
        """Terms by the meaning of the words alone, nearest first."""
        return tuple(
            self._hit(TermId(near.term_id), near.wording, near.score)
            for near in self.linker.nearest(query, limit=limit, least=LEAST_LIKENESS)
        )

    def _spelled(self, words: list[str]) -> list[tuple[int, TermHit]]:
        """Terms whose wording holds every word, with their place, best first."""
        if len(words) > MOST_TYPED:
            return []
        found: dict[TermId, tuple[tuple[int, int, int], TermHit]] = {}
        longest = max(words, key=len)  # most wordings lack it: the rest is looked at closely
        for wording, hit in [entry for entry in self._entries if longest in entry[0]]:
            if all(word in wording for word in words):
                rank = wording_rank(wording, words, by_synonym=bool(hit.synonym))
                if hit.term_id not in found or rank < found[hit.term_id][0]:
                    found[hit.term_id] = (rank, hit)
        ranked = sorted(found.values(), key=lambda entry: (entry[0], entry[1].name))
        return [(rank[0], hit) for rank, hit in ranked]

    def _hit(self, term_id: TermId, wording: str, likeness: float = 0.0) -> TermHit:
        name = self._names[term_id]
        return TermHit(term_id, name, "" if wording == name else wording, likeness)


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
