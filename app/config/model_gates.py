"""What a model must show before it may be used, and which groups of patients a report must look at.

Both are IT's, in the policy file; nobody at the program can set them aside.
"""

from typing import Annotated

import msgspec

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
