"""What the readers of packs share: ids, words for frequencies, ages, sex and prevalence, one row."""

import re
import unicodedata

import msgspec

from knowledge_graph.errors import SourceRefused
from knowledge_graph.findings.finding import Sex
from knowledge_graph.sources.association import FREQUENCY_CLASSES, Association, Frequency, parse_frequency
from knowledge_graph.sources.knowledge_pack import OLDEST_YEARS, PackDisease
from knowledge_graph.terms.occurrence import Prevalence, Setting
from knowledge_graph.terms.term import DiseaseId, TermId

ESTIMATE = "expert estimate"
ITSELF = "itself"  # the modifier of a row whose term names the disease
NAMED = Frequency("the condition itself", fraction=1.0)  # such a row's
ID = re.compile(r"[A-Za-z][\w.-]*:\S+")
HPO_SPACES = frozenset(("hp", "omim", "orpha", "decipher", "ncbigene"))  # a pack so named would speak for HPO
_CLASS_OF = {words.split(" (")[0]: term for term, (_, words) in FREQUENCY_CLASSES.items()}
_SEXES = {"": Sex.UNKNOWN, "any": Sex.UNKNOWN, "female": Sex.FEMALE, "male": Sex.MALE}
_MOSTLY = "mostly "


def slug(name: str) -> str:
    """A name as the second half of an id: `Guillain-Barré syndrome` is `guillain-barre-syndrome`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def frequency_of(text: str, where: str, *, estimate: bool = False) -> Frequency:
    """n/m, a percentage, a class by name ("very frequent") or id, or nothing. Raises SourceRefused."""
    known = text.strip()
    found = parse_frequency(_CLASS_OF.get(known.lower(), known), where)
    if not estimate or not known:
        return found
    return Frequency(f"{found.text}, {ESTIMATE}", found.numerator, found.denominator, found.fraction)


def row(
    disease: PackDisease, term_id: str, frequency: Frequency, *, source: str, pack_id: str, estimate: bool
) -> Association:
    """One finding of a disease, as a row of phenotype.hpoa would say it; who says so is in `biocuration`."""
    return Association(
        disease_id=disease.disease_id,
        disease_name=disease.name,
        term_id=TermId(term_id),
        excluded=frequency.is_zero,
        reference=source,
        evidence=ESTIMATE if estimate else "TAS",
        onset="",
        frequency=frequency,
        sex=Sex.UNKNOWN,
        aspect="P",
        biocuration=f"pack:{pack_id}",
    )


def itself(disease: PackDisease, term_id: str, *, source: str, pack_id: str) -> Association:
    """A term that is another name of the disease: telling where it is recorded, and never asked for."""
    said = row(disease, term_id, NAMED, source=source, pack_id=pack_id, estimate=False)
    return msgspec.structs.replace(said, modifier=ITSELF)


def disease_id_of(text: str, name: str, pack_id: str) -> DiseaseId:
    """The id as given (`OMIM:154700`), else one in the pack's own namespace."""
    if ID.fullmatch(text):
        return DiseaseId(text)
    return DiseaseId(f"{pack_id.upper()}:{text or slug(name)}")


def ages_of(text: str, where: str) -> tuple[float, float] | None:
    """`18-65`, `65-` or nothing, in years. Raises SourceRefused."""
    if not text.strip():
        return None
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*-\s*(\d+(?:\.\d+)?)?\s*", text)
    if match is None:
        raise SourceRefused(f"{where}: {text!r} is no age range; write years as 18-65, or 65- for no end")
    return checked_ages((float(match[1]), float(match[2] or OLDEST_YEARS)), where)


def checked_ages(ages: tuple[float, float], where: str) -> tuple[float, float]:
    """The range where it is one. Raises SourceRefused."""
    if not 0 <= ages[0] < ages[1] <= OLDEST_YEARS:
        raise SourceRefused(
            f"{where}: ages from {ages[0]:g} to {ages[1]:g} years are no range; the first must be less"
        )
    return ages


def sex_of(text: str, where: str) -> Sex:
    """`female`, `mostly female`, the same for `male`, `any` or nothing. Raises SourceRefused."""
    sex = _SEXES.get(text.strip().lower().removeprefix(_MOSTLY))
    if sex is None:
        raise SourceRefused(f"{where}: {text!r} is no sex; write female, mostly female, male or any")
    return sex


def is_mostly(text: str) -> bool:
    """Whether the other sex has the disease too, if seldom."""
    return text.strip().lower().startswith(_MOSTLY)


def prevalence_of(text: str, where: str) -> dict[Setting, Prevalence]:
    """One class for every setting where patients come unsorted. Raises SourceRefused."""
    known = text.strip().lower().replace("_", " ")
    if not known:
        return {}
    if known not in set(Prevalence):
        classes = ", ".join(Prevalence)
        raise SourceRefused(f"{where}: {text!r} is no prevalence; write one of {classes}")
    return dict.fromkeys(Setting, Prevalence(known))
