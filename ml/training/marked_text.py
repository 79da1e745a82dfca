"""A text and what is told in it; free of torch, so that whoever writes notes may name it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MarkedText:
    """A text and the spans (start, end) of what is there; code points, end exclusive."""

    text: str
    spans: tuple[tuple[int, int], ...]
