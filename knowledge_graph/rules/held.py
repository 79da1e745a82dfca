"""A constraint of sex or age that a person does not meet."""

from dataclasses import dataclass

from knowledge_graph.rules.rule import Effect


@dataclass(frozen=True, slots=True)
class Held:
    """What a broken constraint does to each of its diseases (their numbers), a natural log below 0."""

    rule_id: str
    title: str
    effect: Effect
    source: str
    log_factor: float
    diseases: tuple[int, ...]
