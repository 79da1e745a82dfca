"""`anamnesis diagnose --compare ID,ID`: diseases side by side for one patient, as a table."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from app.clinical.percent import stated
from knowledge_graph.rationale.evidence import Evidence

if TYPE_CHECKING:
    from app.workflows.compare_diseases import Comparison

WIDTH = 30


def as_json(found: "Comparison") -> dict[str, Any]:
    """Diseases, findings with each disease's evidence in the same order, and what is still open."""
    return {
        "diseases": [asdict(line) for line in found.lines],
        "findings": [{**asdict(row), "spread": row.spread} for row in found.findings],
        "open": [asdict(row) for row in found.open_findings],
    }


def as_text(found: "Comparison") -> str:
    """A column a disease; what tells most apart first, with frequency and references."""
    heads = [f"{line.disease_id} {stated(line.probability)}" for line in found.lines]
    lines = ["".join(f"{head:<{WIDTH}}" for head in ("", *heads)).rstrip()]
    names = [line.name for line in found.lines]
    lines.append("".join(_cut(text) for text in ("", *names)).rstrip())
    lines.append("\nWhat was found (natural log of the likelihood ratio; -: absent)")
    for row in found.findings:
        name = ("- " if row.state.value == "excluded" else "") + row.name
        cells = [f"{e.log_likelihood_ratio:+.2f} {e.frequency}" for e in row.evidence]
        lines.append("".join(_cut(text) for text in (name, *cells)).rstrip())
        met = [f"as {e.matched_name}" if e.path else "" for e in row.evidence]
        if any(met):
            lines.append("".join(_cut(text) for text in ("", *met)).rstrip())
        references = [_references(e) for e in row.evidence]
        if any(references):
            lines.append("".join(_cut(text) for text in ("", *references)).rstrip())
    if found.open_findings:
        lines.append("\nNot yet asked, and told apart by (share of patients who show it)")
    for expected in found.open_findings:
        shares = [f"{share:.0%}" if share else "not known of it" for share in expected.shares]
        lines.append("".join(_cut(text) for text in (expected.name, *shares)).rstrip())
    lines.append("\nDecision support, not a diagnosis.")
    return "\n".join(lines)


def _references(evidence: Evidence) -> str:
    said = [f"of {evidence.borrowed_from}"] if evidence.borrowed_from else []
    more = f" +{len(evidence.references) - 1}" if len(evidence.references) > 1 else ""
    return " ".join([*said, *(f"{first}{more}" for first in evidence.references[:1])])


def _cut(text: str) -> str:
    return f"{text if len(text) < WIDTH else text[: WIDTH - 2] + '…':<{WIDTH}}"
