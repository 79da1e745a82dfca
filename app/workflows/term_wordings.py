"""The wordings of every term that can be a finding, and which of them a measurement holds out."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.sources.hpo_release import find_release
from knowledge_graph.sources.ontology import read_ontology
from knowledge_graph.terms.term import TermId
from ml.linking.linker import Linker
from ml.linking.wording_file import shipped_encoder
from ml.recognition.supplement import read_supplement
from ml.recognition.wordings import read_wordings, sayings

ABNORMALITY = TermId("HP:0000118")  # Phenotypic abnormality: only these can be findings
Entry = tuple[TermId, tuple[str, ...]]  # name first, then synonyms


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A term and the synonym of it that is taken away."""

    term_id: TermId
    synonym: str


def term_wordings(graph: CompiledGraph) -> list[Entry]:
    """Every phenotypic abnormality, packs' own included, with its name and synonyms."""
    terms = graph.descendants[graph.term_number(ABNORMALITY)].tolist()
    return [
        (graph.term_ids[t], tuple(dict.fromkeys((graph.term_names[t], *graph.term_synonyms[t]))))
        for t in terms
    ]


def spoken_wordings(graph: CompiledGraph) -> list[Entry]:
    """The same with our own everyday wordings and abbreviations (ml/recognition/wordings.py)."""
    entries = term_wordings(graph)
    ours = [(name, wording.text) for name, wording in read_wordings()]
    short = [(name, short) for short, name in read_supplement().abbreviations.items()]
    said = _joined(entries, [*ours, *short])
    return [(term, tuple(dict.fromkeys((*own, *said.get(term, ()))))) for term, own in entries]


def everyday_wordings(graph: CompiledGraph) -> dict[TermId, tuple[str, ...]]:
    """What laypeople call a term, by HPO and by our own lists; only terms for which there is such a word."""
    entries = term_wordings(graph)
    ours = _joined(entries, [(name, said) for name, told in sayings().items() for said in told])
    terms = read_ontology(find_release().ontology).terms
    lay = {t: terms[t].lay_synonyms if t in terms else () for t, _ in entries}
    return {t: said for t in lay if (said := tuple(dict.fromkeys((*ours.get(t, ()), *lay[t]))))}


def _joined(entries: Sequence[Entry], ours: Sequence[tuple[str, str]]) -> dict[TermId, list[str]]:
    """Our wordings by term, from (a name of the ontology, wording); another release may lack a name."""
    owners = {w.casefold(): term for term, wordings in entries for w in reversed(wordings)}
    owners |= {wordings[0].casefold(): term for term, wordings in entries}
    said: dict[TermId, list[str]] = {}
    for name, wording in ours:
        if name.casefold() in owners:
            said.setdefault(owners[name.casefold()], []).append(wording)
    return said


def term_linker(graph: CompiledGraph) -> Linker:
    """What finds terms by the meaning of words; made in about a second."""
    return Linker(shipped_encoder(), spoken_wordings(graph))


def term_descriptions() -> dict[TermId, str]:
    """The first sentence of what HPO says a term means."""
    terms = read_ontology(find_release().ontology).terms
    return {t: first for t, term in terms.items() if (first := term.definition.split(". ")[0].strip())}


def hold_out(entries: Sequence[Entry], count: int, *, seed: int = 0) -> list[HeldOut]:
    """One synonym each of `count` terms: drawn by hashes, so that another release moves few of them.

    A synonym that says what another wording of its term says, capitals aside, is never drawn.
    """
    able = {term: found for term, wordings in entries if (found := _telling(wordings))}
    chosen = sorted(able, key=lambda term: _draw(str(seed), term))[:count]
    return [HeldOut(term, min(able[term], key=lambda s: _draw(str(seed), term, s))) for term in chosen]


def without(entries: Sequence[Entry], held_out: Sequence[HeldOut]) -> list[Entry]:
    """The entries less the synonyms held out."""
    gone = {(held.term_id, held.synonym) for held in held_out}
    return [(term, tuple(w for w in wordings if (term, w) not in gone)) for term, wordings in entries]


def shortened(descriptions: Mapping[TermId, str], *, words: int = 40) -> dict[TermId, str]:
    """Descriptions cut after so many words."""
    return {term: " ".join(text.split()[:words]) for term, text in descriptions.items()}


def _telling(wordings: Sequence[str]) -> list[str]:
    said = [wording.casefold() for wording in wordings]
    return [w for w in wordings[1:] if said.count(w.casefold()) == 1]


def _draw(*parts: str) -> bytes:
    return hashlib.sha256("\n".join(parts).encode("utf-8")).digest()
