"""Turns the vault's labels into pseudonymous examples: a number, texts, a disease; nothing else.

A patient is an example when a clinician confirmed a disease that the model knows and the site has
declared; where the plan says so, also when only the record's code names one. Numbers are drawn anew for
each run, so that they name nobody; her own name and record numbers are taken out of the texts. What becomes
of her notes depends on her own record alone: cleaning and further wordings leave the unit of privacy whole.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Event

from app.clinical.annotation import Annotation, current_annotations
from app.clinical.chart import Chart
from app.clinical.ids import PatientId
from app.store.training_view import chart_to_learn_from, log_to_learn_from, people_to_learn_from
from app.store.vault import Vault
from app.workflows.augment_findings import FindingTeller
from app.workflows.mask_names import mask_names
from app.workflows.standing_word import coded_diseases, standing_word
from app.workflows.stop_wish import StopWish
from app.workflows.told_share import told_share
from knowledge_graph.findings.finding import Finding
from ml.text.cleaning import prepared
from ml.training.messages import Beside

Labelled = tuple[tuple[str, ...], str, Beside | None]
BesideChart = Callable[[Chart, Sequence[Annotation], str], Beside | None]


@dataclass(frozen=True, slots=True)
class Example:
    """One patient as the trainer sees her: notes' texts and the confirmed disease, empty without labels.

    `beside` is what speaks for diseases beside her texts, where that is asked for.
    """

    number: int
    texts: tuple[str, ...]
    disease_id: str
    beside: Beside | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Which labels count beside the clinicians' own, and how findings are told.

    `coded` takes the record's code where nobody has confirmed or rejected a disease; `copies` is how many
    more texts tell a patient's findings in other words. `beside` says what speaks for diseases beside a
    chart's texts, given her disease. `one` brings together the ids by which sources name one disease.
    """

    teller: FindingTeller
    coded: bool = False
    copies: int = 0
    beside: BesideChart | None = None
    one: Callable[[str], str] = str


def collect_examples(
    vault: Vault,
    diseases: Sequence[str],
    *,
    source: Source,
    shuffle: Callable[[list[Labelled]], None],
    stop: Event | StopWish | None = None,
) -> Iterator[float | list[Example]]:
    """How far it is (0 to 1), last the examples of every labelled patient, or none once `stop` is set.

    After `shuffle` a number says nothing of whom it means. Weak labels are never among them.
    """
    allowed, declared_as = set(diseases), {source.one(disease): disease for disease in diseases}
    people = people_to_learn_from(vault) if source.coded else vault.labelled_patients()

    def read(patient_id: PatientId) -> Labelled | None:
        chart = chart_to_learn_from(vault, patient_id)
        said = labelled_disease(chart, coded=source.coded, one=source.one)
        disease = said if said in allowed else declared_as.get(source.one(said), "")
        texts = _texts(vault, chart, source) if disease in allowed else ()
        return (texts, disease, _beside(vault, chart, disease, source)) if texts else None

    return _collected(people, read, shuffle=shuffle, stop=stop)


def collect_notes(
    vault: Vault, *, shuffle: Callable[[list[Labelled]], None], stop: Event | StopWish | None = None
) -> Iterator[float | list[Example]]:
    """The same of the cleaned notes of everybody who has some, without a disease."""

    def read(patient_id: PatientId) -> Labelled | None:
        notes = _notes(chart_to_learn_from(vault, patient_id))
        return (notes, "", None) if notes else None

    return _collected(people_to_learn_from(vault), read, shuffle=shuffle, stop=stop)


def _collected(
    people: Sequence[PatientId],
    read: Callable[[PatientId], Labelled | None],
    *,
    shuffle: Callable[[list[Labelled]], None],
    stop: Event | StopWish | None,
) -> Iterator[float | list[Example]]:
    found: list[Labelled] = []
    for done, patient_id in enumerate(people, start=1):
        if stop is not None and stop.is_set():
            yield []
            return
        labelled = read(patient_id)
        if labelled is not None:
            found.append(labelled)
        if share := told_share(done, len(people)):
            yield share
    shuffle(found)
    yield [Example(number, *labelled) for number, labelled in enumerate(found)]


def labelled_disease(chart: Chart, *, coded: bool, one: Callable[[str], str] = str) -> str:
    """The disease whose confirmation came last and stands; else, with `coded`, the only one coded.

    A coded disease that a clinician rejected is none; the codes of `one` disease count once.
    """
    word = standing_word(chart.diagnoses)
    if word.confirmed or not coded:
        return word.confirmed[-1] if word.confirmed else ""
    rejected = set(map(one, word.rejected))
    known = [disease for disease in coded_diseases(chart.conditions) if one(disease) not in rejected]
    return known[0] if len(set(map(one, known))) == 1 else ""


def _beside(vault: Vault, chart: Chart, disease: str, source: Source) -> Beside | None:
    if source.beside is None:
        return None
    return source.beside(chart, current_annotations(log_to_learn_from(vault, chart.patient.id)), disease)


def _texts(vault: Vault, chart: Chart, source: Source) -> tuple[str, ...]:
    """The cleaned notes; a patient without one is told by her findings: marks that stand, coded features."""
    notes = _notes(chart)
    if notes and not source.copies:
        return notes
    marks = current_annotations(log_to_learn_from(vault, chart.patient.id))
    findings = dict.fromkeys(
        [Finding(m.term_id, m.state) for m in marks if not m.rejected]
        + [Finding(f.finding.term_id, f.finding.state) for f in chart.features]
    )
    known = [finding for finding in findings if source.teller.knows(finding)]
    told = notes or tuple(filter(None, [source.teller.plain(known)]))
    return (*told, *source.teller.anew(known, copies=source.copies))


def _notes(chart: Chart) -> tuple[str, ...]:
    return prepared([mask_names(note.text, chart.patient) for note in chart.notes])
