"""A wording's direction is the sum of its words' pieces; a linker finds the nearest term."""

import math

import numpy as np
import pytest

from ml.errors import ModelFileError
from ml.linking.linker import Linker
from ml.linking.wording_encoder import WordingEncoder, wording_pieces
from ml.linking.wording_file import encoder_from_bytes, encoder_to_bytes, shipped_encoder
from ml.recognition.tokens import words_of

WORDINGS = ("Renal cyst", "Kidney cysts", "renal cyst of the kidney", "Ataxia", "cardiac arrest", "zzz", "")
ENTRIES = (
    ("HP:1", ("Renal cyst", "Kidney cysts")),
    ("HP:2", ("Ataxia",)),
    ("HP:3", ("cardiac arrest", "zzz")),
)


def random_encoder(seed: int = 3, *, size: int = 8) -> WordingEncoder:
    pieces = sorted({p for w in WORDINGS[:3] + WORDINGS[4:5] for p in wording_pieces(w)})
    weights = np.random.default_rng(seed).normal(size=(len(pieces), size)).astype(np.float32)
    return WordingEncoder({piece: number for number, piece in enumerate(pieces)}, weights)


def slow_direction(encoder: WordingEncoder, wording: str) -> list[float]:
    """Piece by piece, in plain Python."""
    total = [0.0] * encoder.size
    for word in words_of(wording):
        padded = f" {word.form} "
        pieces = [(f"={word.form}", 1.0)] + [(f"~{word.loose}", 1.0)] * (word.loose != word.form)
        pieces += [(padded[i : i + n], 0.3) for n in (3, 4) for i in range(len(padded) - n + 1)]
        for piece, weight in pieces:
            if piece in encoder.vocabulary:
                row = encoder.weights[encoder.vocabulary[piece]]
                total = [t + weight * float(r) for t, r in zip(total, row, strict=True)]
    length = math.sqrt(sum(t * t for t in total))
    return [t / length if length else 0.0 for t in total]


def slow_nearest(encoder: WordingEncoder, query: str) -> list[tuple[str, float]]:
    asked = slow_direction(encoder, query)
    best = [
        (term, max(sum(a * b for a, b in zip(asked, slow_direction(encoder, w), strict=True)) for w in said))
        for term, said in ENTRIES
    ]
    return sorted(best, key=lambda found: -found[1])


def test_directions_are_those_of_a_slow_reference() -> None:
    encoder = random_encoder()
    expected = [slow_direction(encoder, wording) for wording in WORDINGS]
    np.testing.assert_allclose(encoder.directions(WORDINGS), expected, atol=1e-6)
    assert np.count_nonzero(encoder.directions(["Ataxia", "", "qqq 77"])[1:]) == 0
    assert encoder.directions([]).shape == (0, 8)


@pytest.mark.parametrize("query", ["renal cysts", "cyst", "cardiac", "arrested kidney"])
def test_the_nearest_terms_are_those_of_a_slow_reference(query: str) -> None:
    encoder = random_encoder()
    linker, expected = Linker(encoder, ENTRIES), slow_nearest(encoder, query)
    found = linker.nearest(query, least=-2)
    assert [near.term_id for near in found] == [term_id for term_id, _ in expected]
    assert [near.score for near in found] == pytest.approx([score for _, score in expected], abs=1e-5)
    assert linker.nearest(query, limit=1, least=-2) == found[:1]
    by_term = dict(expected)
    np.testing.assert_allclose(linker.scores([query])[0], [by_term[t] for t, _ in ENTRIES], atol=1e-5)


def test_a_term_is_found_by_the_wording_that_lies_nearest() -> None:
    linker = Linker(random_encoder(), ENTRIES)
    (first, *_) = linker.nearest("cysts of the kidneys")
    assert (first.term_id, first.wording) == ("HP:1", "Kidney cysts")
    assert first.score <= 1 + 1e-6


def test_nothing_is_near_to_nothing() -> None:
    linker = Linker(random_encoder(), ENTRIES)
    assert linker.nearest("qqq") == linker.nearest("") == linker.nearest("renal", limit=0) == ()
    assert Linker(random_encoder(), [("HP:9", ())]).nearest("renal") == ()
    assert linker.nearest("renal cyst", least=0.9999) == linker.nearest("renal cyst")[:1]


def test_a_file_gives_the_encoder_back_to_the_rounding_of_its_rows() -> None:
    encoder = random_encoder()
    data = encoder_to_bytes(encoder)
    again = encoder_from_bytes(data)
    assert again.vocabulary == encoder.vocabulary
    largest = np.abs(encoder.weights).max(axis=1, keepdims=True)
    assert (np.abs(again.weights - encoder.weights) <= largest / 254 + 1e-6).all()
    assert encoder_to_bytes(encoder) == data


@pytest.mark.parametrize("place", [0, 31, 40, 200, -1])
def test_an_altered_file_is_refused_with_the_remedy(place: int) -> None:
    data = bytearray(encoder_to_bytes(random_encoder()))
    data[place] ^= 1
    with pytest.raises(ModelFileError, match="build-model --linking"):
        encoder_from_bytes(bytes(data))
    with pytest.raises(ModelFileError, match="build-model --linking"):
        encoder_from_bytes(bytes(data[:10]))


@pytest.mark.slow
def test_the_shipped_encoder_knows_what_synonyms_teach() -> None:
    encoder = shipped_encoder()
    one, other, far = encoder.directions(["renal stone", "kidney stones", "cardiac arrest"])
    assert one @ other > 0.8
    assert one @ far < 0.4
