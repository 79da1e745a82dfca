"""Turns a text into windows of token ids, with each token's place in the text.

A text is read in the standard form in which notes are learned from. One longer than a window becomes
several that overlap; offsets count Unicode code points of the whole text as written. Uses `tokenizers` alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from ml.errors import ModelFileError
from ml.text.standard_form import standard_form

MAX_TOKENS = 256
OVERLAP_TOKENS = 32

IntArray = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Window:
    """One stretch of a text as the encoder reads it, [CLS] and [SEP] included.

    `text_index` says which text it belongs to; special tokens have the empty offset (0, 0).
    """

    text_index: int
    ids: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]

    @property
    def word_count(self) -> int:
        """Tokens that stand for text, not [CLS] or [SEP]."""
        return sum(end > start for start, end in self.offsets)


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Padded windows as arrays of shape (batch, sequence), ready for the encoder."""

    input_ids: IntArray
    attention_mask: IntArray
    position_ids: IntArray

    def feed(self) -> dict[str, IntArray]:
        """The arrays by the encoder's input names."""
        return {
            "input_ids": self.input_ids,
            "attention_mask": self.attention_mask,
            "position_ids": self.position_ids,
        }


class TextTokenizer:
    """The encoder's own tokenizer, cut into overlapping windows."""

    def __init__(self, tokenizer_json: bytes, *, max_tokens: int = MAX_TOKENS, overlap: int = OVERLAP_TOKENS):
        try:
            self._tokenizer = Tokenizer.from_str(tokenizer_json.decode("utf-8"))
        except Exception as error:  # the library raises bare Exception, at this border only
            raise ModelFileError(f"the tokenizer file cannot be read: {error}") from None
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_length=max_tokens, stride=overlap)

    def token_id(self, token: str) -> int | None:
        """The number of a token, such as `[MASK]`; None where the vocabulary lacks it."""
        number: int | None = self._tokenizer.token_to_id(token)
        return number

    def windows(self, texts: Sequence[str]) -> list[Window]:
        """All windows of all texts, in order; an empty text has one window of special tokens."""
        forms = [standard_form(_well_formed(t)) for t in texts]
        encodings = self._tokenizer.encode_batch([form.text for form in forms])
        return [
            Window(index, tuple(part.ids), tuple(form.written(*span) for span in part.offsets))
            for index, (form, encoding) in enumerate(zip(forms, encodings, strict=True))
            for part in (encoding, *encoding.overflowing)
        ]


def token_batch(windows: Sequence[Window]) -> TokenBatch:
    """Pad windows on the right to the longest of them."""
    longest = max(len(w.ids) for w in windows)
    ids = np.zeros((len(windows), longest), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, window in enumerate(windows):
        ids[row, : len(window.ids)] = window.ids
        mask[row, : len(window.ids)] = 1
    positions = np.tile(np.arange(longest, dtype=np.int64), (len(windows), 1))
    return TokenBatch(ids, mask, positions)


def batches_by_length(windows: Sequence[Window], batch_size: int) -> Iterator[tuple[list[int], TokenBatch]]:
    """Windows of like length together, so that little is padding; with their places."""
    order = sorted(range(len(windows)), key=lambda i: len(windows[i].ids))
    for start in range(0, len(order), batch_size):
        places = order[start : start + batch_size]
        yield places, token_batch([windows[i] for i in places])


def _well_formed(text: str) -> str:
    """Lone surrogates become `?`, one code point each, so that offsets still hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
