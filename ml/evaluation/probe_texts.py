"""Public texts on which two forms of one model are compared, of many lengths."""

from collections.abc import Sequence

import numpy as np

_LENGTHS = (1, 2, 3, 5, 8, 16, 40)


def probe_texts(phrases: Sequence[str], *, count: int, seed: int = 0) -> tuple[str, ...]:
    """`count` texts made of public phrases (names of diseases or findings), short to long."""
    rng = np.random.Generator(np.random.PCG64(seed))
    texts = []
    for index in range(count):
        chosen = rng.integers(0, len(phrases), size=_LENGTHS[index % len(_LENGTHS)])
        texts.append("Findings: " + ", ".join(phrases[i] for i in chosen) + ".")
    return tuple(texts)
