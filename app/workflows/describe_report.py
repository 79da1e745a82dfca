"""A version's whole model card: what it is, and what was measured of it, as Markdown.

The headings follow the CHAI Applied Model Card and the Hugging Face card; the front matter is what
their tools read.
"""

from collections.abc import Iterable, Iterator

from ml.evaluation.model_report import Drift, ModelReport, WayReport
from ml.evaluation.share import Share
from ml.registry.model_card import card_markdown
from ml.registry.model_version import ModelVersion

_WAYS = {"text": "Text model alone", "fused": "Text and graph fused"}
Row = tuple[str, ...]


def full_card(version: ModelVersion, report: ModelReport) -> str:
    """Front matter, the version's own card, and its report."""
    return f"{_front_matter(version, report)}\n{card_markdown(version)}\n{report_markdown(report)}"


def report_markdown(report: ModelReport) -> str:
    """What was measured, with intervals, and how to take it."""
    sections = [_INTENDED, _measured(report), _calibration(report.fused), _fairness(report)]
    if report.drift is not None:
        sections.append(_drift(report.drift))
    return "\n\n".join([*sections, _upkeep(report)]) + "\n"


def percent(share: Share) -> str:
    """A share with its 95 % interval."""
    return f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%})"


def _front_matter(version: ModelVersion, report: ModelReport) -> str:
    fused = report.fused
    figures = (("top_1", fused.top1.value), ("top_10", fused.top10.value), ("ece", fused.ece))
    metrics = "\n".join(f"      - {{type: {name}, value: {value:.4f}}}" for name, value in figures)
    return (
        "---\nlanguage: en\nlibrary_name: onnxruntime\npipeline_tag: text-classification\n"
        f"base_model: {version.card.encoder}\nmodel-index:\n  - name: {version.version_id}\n    results:\n"
        f"      - dataset: {{name: synthetic notes from HPO {report.knowledge_version}, type: synthetic}}\n"
        f"{metrics}\n---"
    )


def _measured(report: ModelReport) -> str:
    rows = [
        (_WAYS[w.way], *(percent(s) for s in (w.top1, w.top3, w.top5, w.top10)), percent(w.answered))
        for w in report.ways
    ]
    head = ("", "first", "first 3", "first 5", "first 10", "puts a disease forward")
    fused = report.fused
    return (
        f"## How often the right disease is named\n{_table(head, rows)}\n\n"
        f"Measured on {report.data} (seed {report.seed}): **synthetic**, so they tell of the program, "
        f"not of your patients. All {report.coverage.n:,} diseases compete; the model can name "
        f"{report.coverage.value:.1%} of them. Where a disease is put forward, the first is right in "
        f"{percent(fused.right_if_answered)}. In brackets: 95 % intervals."
    )


def _calibration(way: WayReport) -> str:
    rows = [
        (f"{b.low:.0%} to {b.high:.0%}", str(b.count), f"{b.stated:.1%}", f"{b.observed:.1%}")
        for b in way.reliability
    ]
    return (
        "## Are its probabilities true?\n"
        f"{_table(('stated', 'notes', 'mean stated', 'came true'), rows)}\n\n"
        f"Expected calibration error of the first disease: {way.ece:.3f} (0 is perfect)."
    )


def _fairness(report: ModelReport) -> str:
    rows = [(g.attribute, g.group, str(g.share.n), percent(g.share)) for g in report.groups]
    gaps = [
        (g.attribute, f"{g.best} / {g.worst}", f"{g.value:.1%} ({g.low:.1%} to {g.high:.1%})")
        for g in report.gaps
    ]
    return (
        f"## Whom does it serve?\n{_table(('by', 'group', 'notes', 'in the first 10'), rows)}\n\n"
        "Equal opportunity: whoever has a disease should have the same chance that it is named. The gap "
        "between the best and the worst served group, its interval allows for having picked them:\n\n"
        f"{_table(('by', 'best / worst', 'gap'), gaps)}"
    )


def _drift(drift: Drift) -> str:
    rows = [
        ("Same first disease", percent(drift.same_first)),
        ("Mean divergence (Jensen–Shannon, 0 to 1 bit)", f"{drift.divergence_bits:.3f}"),
        ("Change of the first", _change(drift.top1_change)),
        ("Change of the first 10", _change(drift.top10_change)),
    ]
    return f"## How far is it from the starting model?\n{_table(('', ''), rows)}"


def _upkeep(report: ModelReport) -> str:
    return (
        "## Upkeep\nMeasured "
        f"{report.measured_at or 'without a date'}. Measure anew after each change of the knowledge or the "
        "model; *Roll back* returns to the version used before at once."
    )


def _change(change: tuple[float, float, float]) -> str:
    value, low, high = (f"{100 * part:+.1f}" for part in change)
    return f"{value} points ({low} to {high})".replace("-", "−")


def _table(head: Row, rows: Iterable[Row]) -> str:
    def lines() -> Iterator[str]:
        yield "| " + " | ".join(head) + " |"
        yield "| " + " | ".join("---" for _ in head) + " |"
        for row in rows:
            yield "| " + " | ".join(row) + " |"

    return "\n".join(lines())


_INTENDED = """## Intended use
For clinicians who order ideas about a rare disease, beside their own judgement. Not for use without a
clinician, for triage, for emergencies, or to exclude a disease. Common illnesses outside the knowledge can't
be named. Warning: a confident first line may be wrong; read the reasons."""
