"""What a model must show before it may be used, and which groups of patients a report must look at.

Both are IT's, in the policy file; nobody at the program can set them aside.
"""

import math
from collections.abc import Sequence
from typing import Annotated

import msgspec

RESERVED = ("sex", "age")  # every report has these
MOST_YEARS = 150
SEXES = ("", "female", "male")
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]


class ModelGates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits on the fused differential of `notes` public synthetic notes; None asks nothing.

    Shares are between 0 and 1. `max_gap` is the largest equal-opportunity gap between groups, judged by
    the lower end of its interval; `max_fall` the largest loss of top-10 against the starting model.
    """

    notes: Annotated[int, msgspec.Meta(ge=20, le=20_000)] = 300
    min_top1: Fraction | None = None
    min_top10: Fraction | None = None
    max_ece: Fraction | None = None
    max_gap: Fraction | None = None
    max_fall: Fraction | None = None


class ReportGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Patients who meet every condition given; ages in years, the upper one not included."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    terms: tuple[str, ...] = ()
    diseases: tuple[str, ...] = ()
    sex: str = ""
    from_age: float | None = None
    below_age: float | None = None


def doubtful_group(groups: Sequence[ReportGroup]) -> str:
    """What makes one of these groups stand for nobody, or for another group; empty where nothing does."""
    names = [group.name for group in groups]
    for group in groups:
        ages = [age for age in (group.from_age, group.below_age) if age is not None]
        if group.name.casefold() in RESERVED:
            return f"{group.name!r} is a group of every report; choose another name"
        if names.count(group.name) > 1:
            return f"{group.name!r} is there twice; give each group a name of its own"
        if group.sex.lower() not in SEXES:
            return f"sex of {group.name!r} must be female or male"
        if not all(math.isfinite(age) and 0 <= age <= MOST_YEARS for age in ages) or ages != sorted(
            set(ages)
        ):
            return f"ages of {group.name!r} must lie between 0 and {MOST_YEARS}, from_age below below_age"
    return ""
