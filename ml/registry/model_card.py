"""Writes a version's card as Markdown, for people."""

from ml.registry.model_version import ModelCard, ModelVersion
from ml.registry.training_result import PrivacyClaim


def card_markdown(version: ModelVersion) -> str:
    """One page: where the version comes from, its guarantee, its parity and its limits."""
    card, privacy, parity = version.card, version.card.privacy, version.card.parity
    rows = [
        ("Version", version.version_id),
        ("Base version", card.base_version or "none: this is a starting model"),
        ("Scope trained", card.scope),
        ("Encoder", f"{card.encoder} (sha256 {card.encoder_sha256[:12]}...)"),
        ("Diseases", f"{card.label_count:,}"),
        ("Made at", card.created_at or "rebuilt by command, without a date"),
        ("Data", card.data_description or "not described"),
        ("Privacy", _guarantee(version)),
        ("Mechanism", _mechanism(privacy)),
        ("Weights beside the graph", _fusion(card)),
        ("ONNX fp32 against torch", f"largest difference {parity.fp32_max_abs_diff:.2g}"),
        ("ONNX int8 against torch", f"same first disease on {parity.int8_same_top1:.1%}"),
        *_half_precision(card),
        *((f"ONNX {kind}", f"{size / 1e6:.1f} MB") for kind, size in sorted(card.onnx_bytes.items())),
        *((f"Measured: {name}", f"{value:.4g}") for name, value in sorted(card.measured.items())),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return f"# {card.title}\n\n| | |\n| --- | --- |\n{table}\n\n{_LIMITS}\n"


def _fusion(card: ModelCard) -> str:
    if card.fusion is None:
        return "as shipped"
    learned = card.fusion
    told = f"learned under this guarantee: text x {learned.text:g}, power of the whole x {learned.power:g}"
    return told + (
        f", as far as the text speaks for the {len(learned.taught)} taught" if learned.taught else ""
    )


def _half_precision(card: ModelCard) -> list[tuple[str, str]]:
    if "fp16" not in card.onnx_sha256:
        return []
    return [("ONNX fp16 against fp32", f"same first disease on {card.parity.fp16_same_top1:.1%}")]


def _guarantee(version: ModelVersion) -> str:
    privacy = version.card.privacy
    if privacy.epsilon == 0:
        return "epsilon 0: no patient's data was used"
    return f"epsilon {privacy.epsilon:.3g}, delta {privacy.delta:.2g}, unit: one {privacy.unit}"


def _mechanism(privacy: PrivacyClaim) -> str:
    """An aggregate took no step of its own: its sites did. Of several runs it is the last one's."""
    if privacy.steps == 0:
        return privacy.mechanism
    last = f"{privacy.mechanism}, {privacy.steps} steps, noise {privacy.noise_multiplier:g}"
    return f"{last} (of the last run; epsilon counts those before it, too)"


_LIMITS = """## Limits
Decision support for clinicians, not a diagnosis. Texts are read in English. A disease outside the list
cannot be named. Probabilities are calibrated only after fusion with the knowledge graph."""
