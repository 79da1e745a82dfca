"""Reads an OBO 1.2/1.4 file (hp.obo) into terms, and refuses one that is no ontology."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from knowledge_graph.errors import SourceRefused, UnknownTerm
from knowledge_graph.terms.term import Term, TermId

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_TAGS = frozenset(
    ("data-version", "id", "name", "synonym", "def", "is_a", "alt_id", "is_obsolete", "replaced_by")
)
Stanza = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Ontology:
    """All terms by id, obsolete ones included, and where alternative ids lead."""

    version: str
    terms: dict[TermId, Term]
    alternatives: dict[TermId, TermId]

    @classmethod
    def of(cls, version: str, terms: dict[TermId, Term]) -> "Ontology":
        """An ontology of these terms, which say themselves what their alternative ids are."""
        return cls(version, terms, _alternatives(terms))

    def resolve(self, term_id: str) -> TermId:
        """The current id for any id the ontology has known. Raises UnknownTerm."""
        wanted = TermId(term_id)
        term = self.terms.get(self.alternatives.get(wanted, wanted))
        if term is None:
            raise UnknownTerm(f"{term_id} is not a term of HPO {self.version}; check the id")
        if not term.obsolete:
            return term.term_id
        if term.replaced_by in self.terms and not self.terms[term.replaced_by].obsolete:
            return term.replaced_by
        raise UnknownTerm(f"{term_id} is obsolete in HPO {self.version} and has no successor; choose another")


def read_ontology(path: Path) -> Ontology:
    """Parse and check an OBO file. Raises SourceRefused where it is broken or cyclic."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceRefused(f"{path.name} cannot be read as UTF-8 text; fetch it again") from error
    return parse_ontology(lines, name=path.name)


def parse_ontology(lines: Iterable[str], *, name: str) -> Ontology:
    """Terms from the lines of an OBO file."""
    version = ""
    terms: dict[TermId, Term] = {}
    for kind, stanza in _stanzas(lines):
        if kind == "":
            version = _first(stanza, "data-version").rsplit("/", 1)[-1]
        elif kind == "[Term]":
            term = _term(stanza, name)
            if term.term_id in terms:
                raise SourceRefused(f"{name} defines {term.term_id} twice; fetch the file again")
            terms[term.term_id] = term
    if not terms:
        raise SourceRefused(f"{name} holds no [Term]; it is not an OBO ontology")
    ontology = Ontology.of(version or "unknown", terms)
    _check_parents(ontology, name)
    return ontology


def topological_order(parents: dict[TermId, tuple[TermId, ...]]) -> list[TermId]:
    """Terms with every parent before its children. Raises SourceRefused on a cycle."""
    children: dict[TermId, list[TermId]] = {}
    waiting = {term: len(above) for term, above in parents.items()}
    for term, above in parents.items():
        for parent in above:
            children.setdefault(parent, []).append(term)
    order = [term for term, count in waiting.items() if count == 0]
    for term in order:  # grows while it is walked
        for child in children.get(term, ()):
            waiting[child] -= 1
            if waiting[child] == 0:
                order.append(child)
    if len(order) != len(parents):
        stuck = next(term for term, count in waiting.items() if count > 0)
        raise SourceRefused(f"the ontology has a cycle through or above {stuck}; fetch the file again")
    return order


def _stanzas(lines: Iterable[str]) -> Iterator[tuple[str, Stanza]]:
    kind, stanza = "", Stanza()
    for line in lines:
        if line.startswith("[") and line.rstrip().endswith("]"):
            yield kind, stanza
            kind, stanza = line.strip(), Stanza()
        else:
            tag, _, value = line.partition(": ")
            if tag in _TAGS:
                stanza.setdefault(tag, []).append(value)
    yield kind, stanza


def _term(stanza: Stanza, name: str) -> Term:
    term_id = _first(stanza, "id").split(" ! ")[0].strip()
    if ":" not in term_id:
        raise SourceRefused(f"{name} has a [Term] without an id; fetch the file again")
    replaced = _first(stanza, "replaced_by").strip()
    said = [text for text in stanza.get("synonym", ()) if "obsolete_synonym" not in text]
    return Term(
        term_id=TermId(term_id),
        name=_first(stanza, "name"),
        synonyms=_wordings(said),
        lay_synonyms=_wordings(text for text in said if " layperson [" in text),
        definition=_quoted(_first(stanza, "def")) or "",
        parents=tuple(TermId(text.split(" ! ")[0].split("{")[0].strip()) for text in stanza.get("is_a", ())),
        alternative_ids=tuple(TermId(text.strip()) for text in stanza.get("alt_id", ())),
        obsolete=_first(stanza, "is_obsolete").strip() == "true",
        replaced_by=TermId(replaced) if replaced else None,
    )


def _alternatives(terms: dict[TermId, Term]) -> dict[TermId, TermId]:
    return {
        alternative: term.term_id
        for term in terms.values()
        if not term.obsolete
        for alternative in term.alternative_ids
        if alternative not in terms or terms[alternative].obsolete
    }


def _check_parents(ontology: Ontology, name: str) -> None:
    living = {t: term.parents for t, term in ontology.terms.items() if not term.obsolete}
    for term_id, parents in living.items():
        for parent in parents:
            if parent not in living:
                raise SourceRefused(f"{name}: the parent {parent} of {term_id} is not a current term")
    topological_order(living)


def _wordings(synonyms: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for line in synonyms if (text := _quoted(line)) is not None))


def _first(stanza: Stanza, tag: str) -> str:
    return stanza.get(tag, [""])[0]


def _quoted(text: str) -> str | None:
    """What stands between the quotation marks that a text begins with."""
    if "\\" not in text:  # nearly always, and then a search will do
        end = text.find('"', 1) if text.startswith('"') else -1
        return text[1:end] if end > 0 else None
    found = _QUOTED.match(text)
    return re.sub(r"\\(.)", r"\1", found.group(1)) if found else None
