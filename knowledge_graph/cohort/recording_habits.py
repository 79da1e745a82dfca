"""How clinicians record what a patient shows: what they leave out, blur, add and rule out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordingHabits:
    """Probabilities and means of the simulation; the defaults resemble published case reports.

    On published individuals the median is seven recorded findings; 72 % of them are a term that the
    disease's annotations name, 7 % an ancestor or descendant of one, 21 % neither; 69 % of the
    excluded findings are terms that others with the disease show.
    """

    recorded_low: float = 0.3  # share of the present findings that a careless clinician writes down
    recorded_high: float = 0.95  # ... and a careful one
    blurred: float = 0.1  # a finding is recorded as a parent term; repeated from there
    unrelated_mean: float = 0.7  # Poisson mean of recorded findings that the disease doesn't explain
    ruled_out: float = 0.25  # an absent finding of the disease is recorded as excluded
    ruled_out_unrelated_mean: float = 0.5
    family: float = 0.3  # the note speaks of a relative's finding
    considered: float = 0.2  # the note speaks of a finding that is only suspected
    most_findings: int = 16
    most_excluded: int = 6

    @classmethod
    def exact(cls) -> "RecordingHabits":
        """Everything present is recorded as it is, and nothing else."""
        return cls(
            recorded_low=1.0,
            recorded_high=1.0,
            blurred=0.0,
            unrelated_mean=0.0,
            ruled_out=0.0,
            ruled_out_unrelated_mean=0.0,
            family=0.0,
            considered=0.0,
            most_findings=10**6,
        )
