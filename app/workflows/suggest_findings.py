"""Suggests findings in a note: what the recogniser sees and the clinician has not yet spoken about."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from app.clinical.annotation import Annotation
from app.clinical.ids import AnnotationId, NoteId, record_id
from app.workflows.load_rules import laboratory_rules
from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rules.laboratory import term_for
from knowledge_graph.sources.cache_file import keep, kept
from knowledge_graph.terms.term import TermId
from ml.recognition.lexicon import Lexicon
from ml.recognition.lexicon_file import lexicon_from_bytes, lexicon_to_bytes
from ml.recognition.measures import HIGH, LOW
from ml.recognition.recogniser import Mention, Recogniser

_SIDES = ((LOW, "low"), (HIGH, "high"))
PHENOTYPIC_ABNORMALITY = "HP:0000118"
_LISTS = (
    "lexicon_supplement.toml",
    "recognition/wordings.toml",
    "recognition/sites.toml",
    "recognition/measurements.toml",
    "recognition/normals.toml",
    "rules/laboratory.toml",
)
LAYOUT = "5"  # of the lexicon's cache: raise it when the building changes


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A mark that the program proposes, with its certainty (0 to 1)."""

    annotation: Annotation
    name: str
    score: float
    experiencer: str
    temporality: str


def build_recogniser(graph: CompiledGraph, cache_dir: Path | None = None) -> Recogniser:
    """A recogniser for the names and synonyms of every phenotypic abnormality of HPO, packs' own left out.

    Read from `cache_dir` where a lexicon of this knowledge lies there (0.1 s), else built (0.9 s)
    and put there. A damaged cache is built anew.
    """
    if cache_dir is None:
        return Recogniser(_build_lexicon(graph))
    knowledge = graph.base_hash or graph.content_hash
    path = cache_dir / f"lexicon-{knowledge[:24]}-{_lists_sha256()[:8]}-{LAYOUT}.bin"
    cached = kept(path, lambda place: lexicon_from_bytes(place.read_bytes()))
    return Recogniser(cached or _stored(_build_lexicon(graph), path))


def _lists_sha256() -> str:
    """Of all lists that go into a lexicon: one built with others is out of date."""
    shipped = files("resources")
    return hashlib.sha256(
        b"".join(shipped.joinpath(*name.split("/")).read_bytes() for name in _LISTS)
    ).hexdigest()


def _build_lexicon(graph: CompiledGraph) -> Lexicon:
    root = graph.term_number(PHENOTYPIC_ABNORMALITY)
    terms = [t for t in graph.descendants[root].tolist() if t != root and t < graph.hpo_terms]
    names = ((graph.term_ids[t], (graph.term_names[t], *graph.term_synonyms[t])) for t in terms)
    return Lexicon.build(names, _tests())


def _tests() -> dict[tuple[str, str], str]:
    """The findings of laboratory values out of range, as the rules have them."""
    sides = ((rule.name, side, term_for(rule, name)) for rule in laboratory_rules() for side, name in _SIDES)
    return {(test, side): str(term_id) for test, side, term_id in sides if term_id is not None}


def _stored(lexicon: Lexicon, path: Path) -> Lexicon:
    keep(path, lexicon_to_bytes(lexicon))
    return lexicon


def suggest_findings(
    recogniser: Recogniser,
    graph: CompiledGraph,
    *,
    note_id: NoteId,
    text: str,
    age_days: int | None = None,
    marks: Iterable[Annotation] = (),
) -> tuple[Suggestion, ...]:
    """Suggestions about the patient that no standing or rejected mark speaks of, in reading order.

    `age_days` is hers when the note was written.

    In "renal and cardiac anomalies" two mentions overlap: a mark on one leaves the other offered.
    """
    mentions = recogniser.mentions(text, age_days=age_days)
    places = {(mark.start, mark.end, str(mark.term_id)) for mark in marks}
    siblings = {(m.start, m.end, m.term_id) for m in mentions}
    foreign = [(start, end) for start, end, term_id in places if (start, end, term_id) not in siblings]
    return tuple(
        _suggestion(graph, note_id, mention)
        for mention in mentions
        if is_about_patient(mention)
        and (mention.start, mention.end, mention.term_id) not in places
        and not any(start < mention.end and mention.start < end for start, end in foreign)
    )


def read_findings(recogniser: Recogniser, text: str, *, age_days: int | None = None) -> tuple[Finding, ...]:
    """What a text says of the patient, each term once: where it says both, it is observed."""
    states: dict[str, FindingState] = {}
    for mention in recogniser.mentions(text, age_days=age_days):
        if is_about_patient(mention) and states.get(mention.term_id) is not FindingState.OBSERVED:
            states[mention.term_id] = FindingState(mention.state)
    return tuple(Finding(TermId(term), state) for term, state in states.items())


def is_about_patient(mention: Mention) -> bool:
    """Whether a mention says something of the patient herself, rather than a relative or a fear."""
    return mention.experiencer == "patient" and mention.temporality != "hypothetical"


def _suggestion(graph: CompiledGraph, note_id: NoteId, mention: Mention) -> Suggestion:
    origin = (note_id, str(mention.start), str(mention.end), mention.term_id)
    mark = Annotation(
        id=AnnotationId(record_id("suggestion", *origin)),
        note_id=note_id,
        start=mention.start,
        end=mention.end,
        term_id=TermId(mention.term_id),
        state=FindingState(mention.state),
    )
    name = graph.term_names[graph.term_number(mention.term_id)]
    return Suggestion(mark, name, mention.score, mention.experiencer, mention.temporality)
