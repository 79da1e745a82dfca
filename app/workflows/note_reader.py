"""The text model over the graph's diseases: what notes say, remembered for the last few charts.

A new mark on a chart does not have its notes read again.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.compiled_graph import CompiledGraph
from ml.text.text_memory import TextMemory, name_of_texts

if TYPE_CHECKING:  # a list of findings needs no model
    from ml.inference.predictor import Predictor
    from ml.inference.reading import Reading

Scores = npt.NDArray[np.float64]


class NoteReader:
    """Scores are natural log probabilities in graph order; NaN where the model lacks a disease."""

    def __init__(self, graph: CompiledGraph, predictor: "Predictor | None"):
        self._predictor = predictor
        self._size = len(graph.disease_ids)
        self._columns = _columns(graph, predictor)
        self._read = TextMemory[Scores]()

    def scores(self, texts: Sequence[str]) -> Scores | None:
        """Their mean over the texts (n_diseases,); None where there is no word, or no model."""
        said = spoken(texts)
        if self._predictor is None or not said:
            return None
        known = self._read.get(name_of_texts(said))
        return self._read_through(said) if known is None else known

    def reading(self, texts: Sequence[str]) -> "Reading | None":
        """The spoken texts, to be read; None where nothing is to be read, or it is known what they say."""
        said = spoken(texts)
        if self._predictor is None or not said or self._read.get(name_of_texts(said)) is not None:
            return None
        return self._predictor.reading(said)

    def heard(self, reading: "Reading") -> Scores:
        """What the texts say as far as they are read: the mean over those begun."""
        mean: Scores = self._in_graph_order(reading.log_probabilities()).mean(axis=0)
        return mean

    def keep(self, texts: Sequence[str], reading: "Reading") -> Scores:
        """The same of texts that are read to the end; remembered, so nobody may change it from now on."""
        scores = self.heard(reading)
        scores.flags.writeable = False
        self._read.put(name_of_texts(spoken(texts)), scores)
        return scores

    def rows(self, texts: Sequence[str]) -> Scores:
        """(texts, n_diseases), each text on its own. Needs a model."""
        assert self._predictor is not None
        return self._in_graph_order(self._predictor.log_probabilities(texts))

    def _read_through(self, said: Sequence[str]) -> Scores:
        assert self._predictor is not None
        reading = self._predictor.reading(said)
        for _ in reading.steps():
            pass
        return self.keep(said, reading)

    def _in_graph_order(self, told: Scores) -> Scores:
        rows = np.full((len(told), self._size), np.nan)
        rows[:, self._columns[0]] = told[:, self._columns[1]]
        return rows


def spoken(texts: Sequence[str]) -> list[str]:
    """The texts that hold more than blanks."""
    return [text for text in texts if text.strip()]


def _columns(
    graph: CompiledGraph, predictor: "Predictor | None"
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """(diseases of the graph, columns of the model) that stand for the same disease."""
    known = graph.disease_index
    pairs = [
        (known[label], column)  # type: ignore[index]
        for column, label in enumerate(predictor.labels if predictor else ())
        if label in known
    ]
    return (
        np.array([d for d, _ in pairs], dtype=np.intp),
        np.array([column for _, column in pairs], dtype=np.intp),
    )
