"""Where each disease stands among findings: at what it is known to show, drawn to what its kind shows.

Terms that the same diseases show lie near each other (latent semantic analysis; Deerwester et al. 1990). A
disease stands at the sum of its terms, each as long as it is telling and frequent, and is drawn to where its
name and genes let it be expected, which counts the more the less is known of it. Terms and expectations are
made once (`anamnesis evaluate --build-portraits F`), shipped behind a SHA-256, and found again by id.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Floats, Ints
from knowledge_graph.graph.sealed_arrays import sealed, shipped_arrays
from knowledge_graph.graph.signature import Signatures

EXPECTED_COUNTS = 45.0  # nats of known findings that it weighs; from 30 to 60 it makes no difference
LITTLE = 5.0  # nats added below, so that a disease of one term does not win by it
FILE = "portraits.bin"
_AT_ONCE = 2000
_CODES = 127
_DRAWN = ("drawn", "known", "length")
Codes = npt.NDArray[np.int8]
Halves = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Portraits:
    """Vectors as codes of one byte and a length: of each term, and of what is expected of each disease.

    `drawn` (n_diseases, width) are the portraits, at most 1 long; `length` (n_diseases,) is what they were
    divided by, `known` (n_diseases,) how long what is known of each disease is.
    """

    terms: Codes
    telling: Floats
    expected: Codes
    expectation: Floats
    drawn: Halves
    known: Floats
    length: Floats

    def of_terms(self, terms: Sequence[int] | Ints) -> Floats:
        """Vectors of some terms, each as long as it is telling: (n, width)."""
        return vectors(self.terms[terms], self.telling[terms])

    def of_expected(self, diseases: npt.NDArray[np.integer]) -> Floats:
        """What is expected of some diseases: (n, width)."""
        return vectors(self.expected[diseases], self.expectation[diseases])


def shipped_portraits() -> bytes:
    """The file that ships with the program."""
    return files("resources.ranking").joinpath(FILE).read_bytes()


def vectors(codes: Codes, lengths: Floats) -> Floats:
    """Vectors from codes (n, width) and lengths (n,)."""
    wide = codes.astype(np.float32)
    found: Floats = wide * (lengths / np.maximum(np.linalg.norm(wide, axis=1), 1e-9))[:, None]
    return found


def coded(rows: Floats) -> tuple[Codes, Floats]:
    """Codes and lengths of vectors (n, width)."""
    largest = np.maximum(np.abs(rows).max(axis=1, initial=0), 1e-9)[:, None]
    return np.round(rows / largest * _CODES).astype(np.int8), np.linalg.norm(rows, axis=1).astype(np.float32)


def to_file(term_ids: Sequence[str], terms: Floats, disease_ids: Sequence[str], expected: Floats) -> bytes:
    """The vectors of terms and of what is expected of diseases, with the ids, behind a SHA-256."""
    (codes, telling), (hoped, expectation) = coded(terms), coded(expected)
    ids = json.dumps([list(term_ids), list(disease_ids)], separators=(",", ":")).encode()
    return sealed(
        {
            "terms": codes,
            "telling": telling.astype(np.float16),
            "expected": hoped,
            "expectation": expectation.astype(np.float16),
            "ids": np.frombuffer(ids, np.uint8),
        }
    )


def read_portraits(
    data: bytes, term_ids: Sequence[str], disease_ids: Sequence[str], signatures: Signatures
) -> Portraits:
    """The file's vectors in the order of these ids; zero where it has none. Altered: ValueError."""
    arrays = shipped_arrays(data, file=FILE, rebuild="evaluate --build-portraits")
    known_terms, known_diseases = json.loads(arrays["ids"].tobytes())
    terms, telling = _placed(arrays["terms"], arrays["telling"], known_terms, term_ids)
    expected, expectation = _placed(arrays["expected"], arrays["expectation"], known_diseases, disease_ids)
    lengths = np.zeros_like(expectation)
    nothing = np.zeros(expected.shape, np.float16)
    empty = Portraits(terms, telling, expected, expectation, nothing, lengths, lengths)
    return redrawn(empty, signatures)


def redrawn(portraits: Portraits, signatures: Signatures) -> Portraits:
    """The portraits of every disease drawn anew from what these signatures say of it."""
    found = replace(portraits, **{name: np.empty_like(getattr(portraits, name)) for name in _DRAWN})
    for start in range(0, len(found.known), _AT_ONCE):
        _draw(found, signatures, np.arange(start, min(start + _AT_ONCE, len(found.known))))
    return found


def enlarged(portraits: Portraits, signatures: Signatures, changed: Ints, *, n_terms: int) -> Portraits:
    """With diseases and terms numbered behind, of which nothing is expected; the `changed` are drawn anew."""
    more_terms = n_terms - len(portraits.terms)
    more = len(signatures.publications) - len(portraits.known)
    found = Portraits(
        _longer(portraits.terms, more_terms),
        _longer(portraits.telling, more_terms),
        *(_longer(getattr(portraits, name), more) for name in ("expected", "expectation", *_DRAWN)),
    )
    if not more:  # what is drawn anew is written to
        found = replace(found, **{name: getattr(found, name).copy() for name in _DRAWN})
    _draw(found, signatures, changed)
    return found


def _draw(portraits: Portraits, signatures: Signatures, some: npt.NDArray[np.integer]) -> None:
    starts = signatures.indptr[some]
    lengths = signatures.indptr[some + 1] - starts
    begun = np.cumsum(lengths) - lengths
    places = np.repeat(starts - begun, lengths) + np.arange(int(lengths.sum()))
    shown = portraits.of_terms(signatures.term[places]) * signatures.frequency[places, None]
    sums = np.zeros((len(some), portraits.terms.shape[1]), np.float32)
    filled = np.flatnonzero(lengths)
    if len(filled):
        sums[filled] = np.add.reduceat(shown, begun[filled], axis=0)
    for name, values in zip(_DRAWN, portrait(sums, portraits.of_expected(some)), strict=True):
        getattr(portraits, name)[some] = values


def _longer(array: npt.NDArray[Any], more: int) -> npt.NDArray[Any]:
    return np.concatenate([array, np.zeros((more, *array.shape[1:]), array.dtype)]) if more else array


def portrait(shown: Floats, expected: Floats) -> tuple[Floats, Floats, Floats]:
    """Portraits, `known` and `length` from what is known and what is expected, both (n, width)."""
    joined = shown + np.float32(EXPECTED_COUNTS) * expected
    length = np.linalg.norm(joined, axis=1) + np.float32(LITTLE)
    return joined / length[:, None], np.linalg.norm(shown, axis=1), length


def _placed(
    codes: npt.NDArray[np.int8], lengths: npt.NDArray[np.float16], known: Sequence[str], wanted: Sequence[str]
) -> tuple[Codes, Floats]:
    place = {name: i for i, name in enumerate(known)}
    rows = np.array([place.get(name, -1) for name in wanted], np.intp)
    found = np.where((rows >= 0)[:, None], codes[rows], np.int8(0))
    return found, np.where(rows >= 0, lengths.astype(np.float32)[rows], np.float32(0))
