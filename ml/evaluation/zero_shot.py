"""How well texts find their label among names that the model was never taught.

Text and name are read alike; two that the model sees alike give like logits over the diseases it knows.
"""

from typing import Any

import numpy as np

FloatArray = np.ndarray[Any, np.dtype[np.floating[Any]]]
SPREAD = 0.5


def zero_shot_scores(texts: FloatArray, names: FloatArray) -> FloatArray:
    """Cosines (texts, names) of logits (texts, diseases) and (names, diseases), each less its mean row."""
    scores: FloatArray = _directions(texts) @ _directions(names).T
    return scores


def _directions(rows: FloatArray) -> FloatArray:
    centred = rows - rows.mean(axis=0)
    directions: FloatArray = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    return directions


def zero_shot_head(
    weight: FloatArray, bias: FloatArray, *, names: FloatArray, public: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Rows for new names (names, hidden), and their biases, from a head and what it says of the names.

    A row's score is how far a text's logits, less the names' mean, go in the name's direction; `public` are
    the logits of public texts, over which the scores' spread becomes SPREAD: a start that can be unlearned.
    """
    mean = names.mean(axis=0)
    directions = _directions(names)
    scores = (public - mean) @ directions.T
    spread = float((scores - scores.mean(axis=1, keepdims=True)).std())
    factor = SPREAD / max(spread, 1e-12)
    rows = (factor * directions @ weight).astype(np.float32)
    return rows, (factor * directions @ (bias - mean)).astype(np.float32)
