"""Which findings a clinician can be asked about: what is open, can be, and is no whole organ system."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from knowledge_graph.findings.finding import Finding, Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.settled import settled_terms
from knowledge_graph.questions.asking_ages import shipped_ages
from knowledge_graph.terms.term import TermId

ROOT = TermId("HP:0000118")  # Phenotypic abnormality
FEMALE_ALONE = tuple(
    TermId(f"HP:{number}")
    for number in (
        "0010460",  # Abnormality of the female genitalia
        "0030012",  # Abnormal female reproductive system physiology
        "0000140",  # Abnormality of the menstrual cycle
        "0031066",  # Abnormal ovarian physiology
        "0008209",  # Premature ovarian insufficiency
        "0030416",  # Vulvar neoplasm
        "0030943",  # Vulvodynia
        "0034263",  # Abnormal vaginal bleeding
        "0034269",  # Abnormal vaginal discharge
        "0034806",  # Vaginal foreign body sensation
        "0012204",  # Recurrent vulvovaginal candidiasis
        "0011891",  # Post-partum hemorrhage
        "0200148",  # Abnormal liver function tests during pregnancy
        "0200150",  # Increased serum bile acid concentration during pregnancy
    )
)
MALE_ALONE = tuple(
    TermId(f"HP:{number}")
    for number in (
        "0010461",  # Abnormality of the male genitalia
        "0012874",  # Abnormal male reproductive system physiology
        "0008669",  # Abnormal spermatogenesis
        "0012864",  # Abnormal sperm morphology
        "0012206",  # Abnormal sperm motility
        "0033839",  # Testicular pain
        "0000802",  # Impotence
        "0100639",  # Erectile dysfunction
        "0200023",  # Priapism
        "0012877",  # Retrograde ejaculation
        "0000771",  # Gynecomastia
    )
)
SUDDEN_DEATH = TermId("HP:0001699")  # no question about a patient
BROAD = 300  # terms below an "abnormality of ..." that nobody could answer yes or no
_NOT_OF = {Sex.FEMALE: MALE_ALONE, Sex.MALE: FEMALE_ALONE}


def askable_terms(
    graph: CompiledGraph,
    findings: Sequence[Finding],
    *,
    sex: Sex = Sex.UNKNOWN,
    age_days: int | None = None,
    skip: Iterable[str] = (),
) -> npt.NDArray[np.bool_]:
    """A mask (n_terms,): neither known, implied nor excluded, and named by some disease's annotations.

    Organ systems (the children of Phenotypic abnormality), and their large parts, are too broad to be
    answered; what nobody of this sex or age has or can tell is left out. `skip` are terms that were asked
    in vain. Raises UnknownTerm.
    """
    root = graph.term_number(ROOT)
    open_terms = np.zeros(len(graph.term_ids), bool)
    open_terms[graph.signatures.term] = True
    open_terms &= _below(graph, ROOT) & ~_below(graph, SUDDEN_DEATH)
    open_terms[graph.children[root]] = False
    open_terms[root] = False
    open_terms[_too_broad(graph)] = False
    if sex in _NOT_OF:
        for organ in _NOT_OF[sex]:
            open_terms &= ~_below(graph, organ)
    if age_days is not None:
        open_terms &= ~shipped_ages().out_of_age(graph, age_days)
    open_terms[[graph.term_number(term) for term in skip]] = False
    return open_terms & ~settled_terms(graph, findings)


def _too_broad(graph: CompiledGraph) -> list[int]:
    large = np.flatnonzero(np.diff(graph.descendants.indptr) > BROAD)
    return [n for n in large.tolist() if graph.term_names[n].startswith(("Abnormal", "Morphological"))]


def _below(graph: CompiledGraph, term_id: TermId) -> npt.NDArray[np.bool_]:
    """A term and everything under it (n_terms,); nothing where the ontology lacks it."""
    found = np.zeros(len(graph.term_ids), bool)
    if term_id in graph.term_index:
        found[graph.descendants[graph.term_index[term_id]]] = True
    return found
