"""Windows cover the text, overlap, and say where each token stands."""

from itertools import pairwise

import numpy as np
import pytest

from ml.errors import ModelFileError
from ml.text.tokenizer import TextTokenizer, batches_by_length, token_batch
from tests.ml.tiny_model import tokenizer_json


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return TextTokenizer(tokenizer_json(), max_tokens=10, overlap=3)


def test_a_short_text_is_one_window_with_offsets_in_code_points(tokenizer: TextTokenizer) -> None:
    text = "no fever 🙂 seizure"
    (window,) = tokenizer.windows([text])
    words = [text[a:b] for a, b in window.offsets if b > a]
    assert words == ["no", "fever", "🙂", "seizure"]


def test_windows_cover_a_long_text_and_overlap(tokenizer: TextTokenizer) -> None:
    text = " ".join(["seizure", "fever", "arm", "leg"] * 10)
    windows = tokenizer.windows([text])
    starts = [{o for o in w.offsets if o[1] > o[0]} for w in windows]
    assert len(windows) > 1
    assert len(set.union(*starts)) == 40
    assert all(len(left & right) == 3 for left, right in pairwise(starts))
    assert all(len(w.ids) <= 10 for w in windows)


def test_an_empty_text_is_one_window_of_special_tokens(tokenizer: TextTokenizer) -> None:
    windows = tokenizer.windows(["", "fever"])
    assert [(w.text_index, len(w.ids)) for w in windows] == [(0, 2), (1, 3)]


def test_a_lone_surrogate_does_not_move_the_offsets(tokenizer: TextTokenizer) -> None:
    (window,) = tokenizer.windows(["\ud800 fever"])
    assert (2, 7) in window.offsets


def test_padding_is_masked_and_positions_count_up(tokenizer: TextTokenizer) -> None:
    batch = token_batch(tokenizer.windows(["fever", "fever arm leg"]))
    assert batch.attention_mask.tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert batch.position_ids.tolist() == [[0, 1, 2, 3, 4]] * 2


def test_batches_hold_every_window_once(tokenizer: TextTokenizer) -> None:
    windows = tokenizer.windows(["arm " * n for n in (5, 1, 30, 2)])
    seen = [p for places, _ in batches_by_length(windows, 2) for p in places]
    assert sorted(seen) == list(range(len(windows)))
    widths = [b.input_ids.shape[1] for _, b in batches_by_length(windows, 2)]
    assert widths == sorted(widths)


def test_a_broken_tokenizer_file_is_refused() -> None:
    with pytest.raises(ModelFileError, match="tokenizer"):
        TextTokenizer(b"{}")


def test_token_ids_are_the_tokenizers_own(tokenizer: TextTokenizer) -> None:
    (window,) = tokenizer.windows(["seizure"])
    assert np.array_equal(window.ids, (2, 4, 3))
