"""Describes a model version for people: its card as Markdown."""

from ml.registry.model_card import card_markdown
from ml.registry.model_version import ModelVersion


def describe_model(version: ModelVersion) -> str:
    """Where a version comes from, its guarantee, its parity and its limits, on one page."""
    return card_markdown(version)
