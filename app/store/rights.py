"""What each role may do in an open vault: policy that the program keeps; the key opens everything."""

from enum import StrEnum

from app.store.header import Role


class Right(StrEnum):
    """A deed that not every role may do; the value ends the sentence "your role may not ..."."""

    CHARTS = "open charts and notes"
    ANNOTATE = "mark findings in notes"
    DECIDE = "confirm or reject a diagnosis"
    IMPORT = "import records"
    WRITE = "write notes or add patients"
    ERASE = "erase a patient"
    TRAIN = "train models or choose which one is used"
    PLAN = "choose what training may spend or learn, or what an update says of this site"
    PEOPLE = "change who has access"


_CARE = frozenset({Right.CHARTS, Right.ANNOTATE, Right.DECIDE, Right.IMPORT, Right.WRITE})
_RIGHTS: dict[Role, frozenset[Right]] = {
    Role.CLINICIAN: frozenset(Right),
    Role.ANNOTATOR: frozenset({Right.CHARTS, Right.ANNOTATE}),
    Role.ADJUDICATOR: frozenset({Right.CHARTS, Right.ANNOTATE, Right.DECIDE}),
    Role.TRAINER: frozenset({Right.TRAIN, Right.PLAN}),
    Role.PRIVACY_OFFICER: frozenset({Right.ERASE, Right.PEOPLE, Right.PLAN}),
    Role.ADMINISTRATOR: frozenset(),
    Role.RECOVERY: frozenset(Right),
}


def has_right(role: Role, right: Right, *, emergency: bool = False) -> bool:
    """Whether a role may do it. In an emergency every key holder may do what care needs, and no more."""
    return right in _RIGHTS[role] or (emergency and right in _CARE)


def remedy(role: Role, right: Right) -> str:
    """Why it was refused, and what to do."""
    able = ", ".join(str(r) for r in Role if right in _RIGHTS[r] and r is not Role.RECOVERY)
    way = "; in an emergency break the glass, with a reason" if right in _CARE else ""
    return f"your role ({role}) may not {right}; ask one who may ({able}){way}"
