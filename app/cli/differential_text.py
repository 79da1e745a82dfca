"""One disease of a differential for a terminal: its reasons, and the parts that add up to its probability."""

from math import log

from app.clinical.diagnosis import DifferentialLine
from app.clinical.percent import stated
from knowledge_graph.rationale.evidence import Evidence

MOST_FOR, MOST_AGAINST = 3, 2
LEAST = 0.005  # what would be shown as 0.00 is left out of a sum


def line_text(line: DifferentialLine, *, log_normaliser: float, more: list[str]) -> list[str]:
    """The disease, what speaks for and against it, `more`, and how the parts add up (natural logs)."""
    head = f"{line.rank:3}  {stated(line.probability):>6}  {line.disease_id:14} {line.name}"
    return [
        head + "".join(f" = {other}" for other in line.same_as),
        *(f"        {text}" for text in _reasons(line)),
        *(f"        {h.log_factor:+6.2f}  rule: {h.title} ({h.source})" for h in line.held),
        *more,
        f"        {_sum(line, log_normaliser)}",
    ]


def _reasons(line: DifferentialLine) -> list[str]:
    """The graph's parts in the unit of a finding's log likelihood ratio; they add up to the last line."""
    shown = _shown(line.evidence)
    rest = [e.log_likelihood_ratio for e in line.evidence if e not in shown]
    said = [_finding(e) for e in shown]
    if abs(sum(rest)) >= LEAST:
        said.append(f"{sum(rest):+6.2f}  {len(rest)} more finding{'s' * (len(rest) > 1)}")
    weight = line.graph_weight or 1.0
    beside = (
        ("the picture as a whole", line.picture_score / weight),
        ("the second and third look", line.second_look_score / weight),
        ("sex and age", line.context_score / weight),
    )
    said += [f"{score:+6.2f}  {name}" for name, score in beside if abs(score) >= LEAST]
    if said:
        said.append(
            f"{line.graph_score / weight:+6.2f}  together, times {weight:.2f}: graph {line.graph_score:+.2f}"
        )
    return said


def _shown(evidence: tuple[Evidence, ...]) -> list[Evidence]:
    """The strongest for, and the strongest against."""
    ordered = sorted(evidence, key=lambda e: -e.log_likelihood_ratio)
    against = [e for e in ordered[MOST_FOR:] if e.log_likelihood_ratio <= -LEAST]
    return [*ordered[:MOST_FOR], *against[-MOST_AGAINST:]]


def _finding(evidence: Evidence) -> str:
    told = f"{evidence.log_likelihood_ratio:+6.2f}  {evidence.name} ({evidence.state})"
    lent = f"said of {evidence.borrowed_from}" if evidence.borrowed_from else ""
    return ", ".join(filter(None, (told, evidence.met_as, lent, evidence.frequency)))


def _sum(line: DifferentialLine, log_normaliser: float) -> str:
    """text + graph + setting + other ids + rules - the same for all = ln of the probability."""
    parts = (
        ("text", line.text_score),
        ("graph", line.graph_score),
        ("setting", line.prior_score),
        ("other ids", line.same_as_score),
        ("rules", line.rule_score),
        ("the same for all", -log_normaliser),
    )
    said = ", ".join(
        f"{name} {score:+.2f}" for name, score in parts if abs(score) >= LEAST or name == "graph"
    )
    return f"{log(line.probability):+6.2f}  = ln {stated(line.probability)}: {said}"
