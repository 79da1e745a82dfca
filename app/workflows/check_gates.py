"""Whether a model may be used: its report against the gates of the hospital's policy."""

from app.config.model_gates import ModelGates
from app.config.policy import Policy
from app.errors import PolicyError
from ml.evaluation.model_report import ModelReport
from ml.evaluation.subgroups import LEAST_CASES


def measured_as_asked(report: ModelReport, policy: Policy) -> bool:
    """Whether a kept report reads the notes that the gates ask for and looks at the groups of the site."""
    seen = {share.attribute for share in report.groups}
    enough = policy.gates is None or report.n >= policy.gates.notes
    return enough and all(group.name in seen for group in policy.report_groups)


def check_gates(report: ModelReport, gates: ModelGates) -> None:
    """Raise PolicyError, in one line, where a gate is missed."""
    missed = missed_gates(report, gates)
    if missed:
        raise PolicyError(
            f"model {report.version_id[:12]} is kept but not put to use: {'; '.join(missed)} "
            "(gates of this hospital's policy)"
        )


def missed_gates(report: ModelReport, gates: ModelGates) -> tuple[str, ...]:
    """What falls short, in words; empty where the model may be used."""
    fused, missed = report.fused, []
    if report.n < gates.notes:
        missed.append(f"its report reads {report.n} notes, the policy asks for {gates.notes}")
    for name, share, least in (
        ("top-1", fused.top1, gates.min_top1),
        ("top-10", fused.top10, gates.min_top10),
    ):
        if least is not None and share.value < least:
            missed.append(f"{name} is {share.value:.1%}, below {least:.1%}")
    if gates.max_ece is not None and fused.ece > gates.max_ece:
        missed.append(f"the calibration error is {fused.ece:.3f}, above {gates.max_ece:.3f}")
    if gates.max_gap is not None:
        missed += [
            f"the gap by {gap.attribute} is {gap.value:.1%} (from {gap.low:.1%}), above {gates.max_gap:.1%}"
            for gap in report.gaps
            if gap.low > gates.max_gap
        ]
        missed += [
            f"the gap by {attribute} can't be measured, with fewer than two groups of {LEAST_CASES} notes "
            "(ask for more notes, or for a group that patients belong to)"
            for attribute in dict.fromkeys(share.attribute for share in report.groups)
            if attribute not in {gap.attribute for gap in report.gaps}
        ]
    if gates.max_fall is not None and report.drift is not None:
        fall = -report.drift.top10_change[0]
        if fall > gates.max_fall:
            missed.append(
                f"top-10 falls by {fall:.1%} against the starting model, more than {gates.max_fall:.1%}"
            )
    return tuple(missed)
