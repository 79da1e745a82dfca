"""A ranked differential, and the clinician's word on one of its diseases."""

from dataclasses import dataclass
from enum import StrEnum

from app.clinical.ids import PatientId
from knowledge_graph.rationale.evidence import Evidence
from knowledge_graph.rules.trace import NOTHING_FIRED, RuleTrace
from knowledge_graph.terms.term import DiseaseId, TermId


class Decision(StrEnum):
    """What the clinician said of a disease; the label the model learns from."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"  # an earlier word on this disease is taken back


@dataclass(frozen=True, slots=True)
class HeldLine:
    """A hard constraint of sex or age that a disease breaks, and its share in natural logs."""

    rule_id: str
    title: str
    source: str
    log_factor: float


@dataclass(frozen=True, slots=True)
class DifferentialLine:
    """One disease of a differential; `same_as` are its ids in other sources, counted in its probability.

    `text_score` and `graph_score` are log-probability shares of `disease_id` itself, `same_as_score` is what
    its other ids add, `rule_score` what hard constraints of sex and age take away (`held` says which),
    `prior_score` what the setting knows beforehand, against a disease of which it knows nothing: between
    two lines, log probabilities differ as the sums of the five do. The sum less the differential's
    `log_normaliser` is the log of `probability`.

    Parts of `graph_score`: `context_score` is that of sex and age, `picture_score` that of the picture as
    a whole, `second_look_score` how the best were moved by what their kin and namesakes show; the rest is
    the evidence's log likelihood ratios, times `graph_weight`.
    """

    rank: int
    disease_id: DiseaseId
    name: str
    probability: float
    text_score: float
    graph_score: float
    evidence: tuple[Evidence, ...] = ()
    not_yet_asked: tuple[tuple[TermId, str], ...] = ()
    genes: tuple[str, ...] = ()
    context_score: float = 0.0
    picture_score: float = 0.0
    second_look_score: float = 0.0
    same_as: tuple[DiseaseId, ...] = ()
    same_as_score: float = 0.0
    graph_weight: float = 1.0
    rule_score: float = 0.0
    held: tuple[HeldLine, ...] = ()
    prior_score: float = 0.0
    urgency: str = ""  # emergency, urgent, routine; "" where no pack says
    epidemiology: tuple[str, ...] = ()  # how often the disease is met, as a pack's source says it

    @classmethod
    def unlisted(cls, disease_id: DiseaseId, name: str) -> "DifferentialLine":
        """A disease that the differential does not list: rank 0, nothing said of it."""
        return cls(0, disease_id, name, probability=0.0, text_score=0.0, graph_score=0.0)


@dataclass(frozen=True, slots=True)
class PossibleDiseases:
    """Diseases one of which a patient has in a share of `coverage`, if the program knows the disease at all.

    By the findings alone, likeliest first; `disease_ids` are the first LISTED of `size`. `unlike_known` is a
    share, of patients with a known disease who look more like one than this patient: near 1 where the disease
    may be unknown to the program.
    """

    coverage: float
    size: int
    unlike_known: float
    disease_ids: tuple[DiseaseId, ...]

    @property
    def narrows(self) -> bool:
        """Whether it tells a reader something: a list that can be read, or a patient who looks like none."""
        return self.size <= LISTED or self.unlike_known >= STRANGE


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A common disease that would come first if the patient were seen in this other setting."""

    setting: str
    disease_id: DiseaseId
    name: str


@dataclass(frozen=True, slots=True)
class Differential:
    """Diseases by calibrated probability, with what produced them, and what the rules say beside them.

    `log_normaliser` is what the sum of each line's parts exceeds its log probability by: the same for all.
    """

    lines: tuple[DifferentialLine, ...]
    abstained: bool
    model_version: str
    knowledge_version: str
    provider: str = ""
    rules: RuleTrace = NOTHING_FIRED
    setting: str = ""
    warning: str = ""  # what is amiss with the hospital's own knowledge, or empty
    possible: PossibleDiseases | None = None
    elsewhere: Elsewhere | None = None
    log_normaliser: float = 0.0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A confirmed or rejected disease for a patient, with the model that was shown."""

    patient_id: PatientId
    disease_id: DiseaseId
    name: str
    decision: Decision
    author: str
    at: str
    model_version: str = ""
    shown_rank: int | None = None


LISTED = 200  # a set of more diseases is no help: its first are kept, and how many there are
STRANGE = 0.9  # from here on the patient is said to look little like any known disease


def possible_text(found: PossibleDiseases) -> str:
    """In words: among how many diseases it is, and whether the patient looks like none."""
    share = f"{100 * found.coverage:.0f} % of patients whose disease the program knows"
    said = (
        f"By the findings alone: one of {found.size:,} diseases, right for {share}."
        if found.size <= LISTED
        else f"By the findings alone no list of up to {LISTED} diseases is right for {share}."
    )
    if found.unlike_known >= STRANGE:
        said += (
            f" {100 * found.unlike_known:.0f} % of those look more like one than this patient: "
            "the disease may be unknown to the program."
        )
    return said


def elsewhere_text(found: Elsewhere) -> str:
    """In words, without the remedy: each face has its own."""
    place = found.setting.replace("_", " ")
    return f"This reads like a patient of {place}, where {found.name} would come first."
