"""How well texts find their label among names that the model was never taught.

Text and name are read alike; two that the model sees alike give like logits over the diseases it knows.
"""

from typing import Any

import numpy as np

FloatArray = np.ndarray[Any, np.dtype[np.floating[Any]]]


def zero_shot_scores(texts: FloatArray, names: FloatArray) -> FloatArray:
    """Cosines (texts, names) of logits (texts, diseases) and (names, diseases), each less its mean row."""
    scores: FloatArray = _directions(texts) @ _directions(names).T
    return scores


def _directions(rows: FloatArray) -> FloatArray:
    centred = rows - rows.mean(axis=0)
    directions: FloatArray = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    return directions
