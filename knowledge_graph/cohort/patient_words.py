"""The words for a synthetic patient that a note template asks for: age, pronouns, dates, vital signs."""

from random import Random

from knowledge_graph.cohort.patient import SampledPatient
from knowledge_graph.findings.finding import Sex

_PRONOUNS = {
    Sex.FEMALE: ("she", "her", "F", ("girl", "woman")),
    Sex.MALE: ("he", "his", "M", ("boy", "man")),
}
_NEUTRAL = ("they", "their", "X", ("child", "person"))
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


class PatientWords:
    """Fills slots for one patient; pronouns and ages stay the same through a note."""

    def __init__(self, patient: SampledPatient, words: dict[str, tuple[str, ...]], dice: Random) -> None:
        he, his, letter, (child, adult) = _PRONOUNS.get(patient.sex, _NEUTRAL)
        self._dice = dice
        self._lists = words
        self._years = int(patient.age_days / 365.25)
        self._now = dice.randint(2015, 2024)
        age, age_short = _age(patient.age_days)
        self._fixed = {
            "he": he,
            "his": his,
            "sex_letter": letter,
            "person": child if patient.age_days < 16 * 365 else adult,
            "age": age,
            "a_age": f"{'an' if age[:1] == '8' or age[:2] in ('11', '18') else 'a'} {age}",
            "age_short": age_short,
        }

    def fill(self, slot: str) -> str:
        """The text of a slot; a slot with a capital gives a capital."""
        key = slot.lower()
        text = self._fixed.get(key) or self._drawn(key)
        return text[:1].upper() + text[1:] if slot[0].isupper() else text

    def _drawn(self, slot: str) -> str:
        dice = self._dice
        if slot == "number":
            return str(dice.randint(2, 12))
        if slot == "year":
            return str(self._now - dice.randint(0, min(self._years, 12)))
        if slot == "onset_age":
            age = dice.randint(0, min(self._years, 40))
            return f"the age of {age}" if age else "birth" if dice.random() < 0.6 else "infancy"
        if slot == "date":
            return _date(dice, self._now)
        if slot == "vitals":
            return f"BP {dice.randint(85, 140)}/{dice.randint(50, 90)}, HR {dice.randint(60, 130)}"
        return dice.choice(self._lists[slot])


def _date(dice: Random, year: int) -> str:
    day, month = dice.randint(1, 28), dice.randint(1, 12)
    form = dice.randrange(3)
    if form == 0:
        return f"{day} {_MONTHS[month - 1]} {year}"
    return f"{day:02}/{month:02}/{year}" if form == 1 else f"{year}-{month:02}-{day:02}"


def _age(days: int) -> tuple[str, str]:
    """("6-year-old", "6y"), in days, weeks, months or years as clinicians would."""
    if days < 14:
        return f"{max(days, 1)}-day-old", f"{max(days, 1)}d"
    if days < 84:
        return f"{days // 7}-week-old", f"{days // 7}w"
    if days < 730:
        return f"{round(days / 30.44)}-month-old", f"{round(days / 30.44)}mo"
    return f"{int(days / 365.25)}-year-old", f"{int(days / 365.25)}y"
