"""Windows of a text may be read in any order, once each: the last answer is the same to the bit."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ml.inference.reading import Reading
from ml.text.text_memory import TextMemory
from ml.text.tokenizer import TextTokenizer, TokenBatch
from tests.ml.tiny_model import WORDS, tokenizer_json

LABELS = 5
TEXTS = ("fever arm leg seizure " * 9, "", "weak no short " * 5)


class Model:
    """Logits that depend on every token, and a list of what was read."""

    def __init__(self) -> None:
        self.read: list[tuple[int, ...]] = []

    def __call__(self, batch: TokenBatch) -> np.ndarray[Any, np.dtype[np.float32]]:
        told = [ids[mask == 1] for ids, mask in zip(batch.input_ids, batch.attention_mask, strict=True)]
        self.read += [tuple(ids.tolist()) for ids in told]
        table = np.random.default_rng(0).normal(size=(len(WORDS), LABELS)).astype(np.float32)
        rows: np.ndarray[Any, np.dtype[np.float32]] = np.stack([table[ids].mean(axis=0) for ids in told])
        return rows


def reading(
    model: Model, texts: Sequence[str], known: TextMemory[Any] | None = None, *, at_once: int = 1
) -> Reading:
    tokenizer = TextTokenizer(tokenizer_json(), max_tokens=8, overlap=2)
    memory = TextMemory[Any](99) if known is None else known
    return Reading(tokenizer.windows(texts), model, shape=(len(texts), LABELS), known=memory, at_once=at_once)


def test_the_order_does_not_count() -> None:
    forwards, backwards = reading(Model(), TEXTS), reading(Model(), TEXTS)
    assert len(list(forwards.steps())) > 3
    for _ in backwards.steps(backwards.ahead()[::-1]):
        pass
    assert np.array_equal(forwards.logits(), backwards.logits())
    assert not forwards.logits()[1].any()
    assert len({*map(tuple, forwards.logits().tolist())}) == len(TEXTS)


def test_what_is_not_begun_says_nothing_and_what_is_begun_says_what_it_can() -> None:
    on = reading(Model(), TEXTS)
    last = on.ahead()[-1]
    assert next(on.steps([last])) == 1
    assert np.isnan(on.logits()[0]).all()
    assert not np.isnan(on.logits()[1:]).any()
    assert len(on.log_probabilities()) == 2
    assert np.allclose(np.exp(on.log_probabilities()).sum(axis=1), 1)


def test_a_window_is_read_once_wherever_it_stands() -> None:
    known, model = TextMemory[Any](99), Model()
    first = reading(model, TEXTS, known)
    for _ in first.steps():
        pass
    assert len(model.read) == len(set(model.read)) < len(first.windows)  # some say the same
    before = len(model.read)
    copied = reading(model, ("no", TEXTS[2]), known)
    assert len(copied.ahead()) == 1
    assert [*copied.steps()] == [len(copied.windows)]
    assert len(model.read) == before + 1


def test_a_longer_note_costs_only_what_is_new() -> None:
    known, model = TextMemory[Any](99), Model()
    note = "fever arm leg seizure weak short no fever leg . "  # windows of 6 words that share 2
    for _ in reading(model, (note,), known).steps():
        pass
    before = list(model.read)
    longer = reading(model, (f"{note} arm leg",), known)
    assert len(longer.windows) == 3
    assert len([*longer.steps()]) == 1
    assert len(model.read) == len(before) + 1


def test_several_at_once_give_each_its_own_row() -> None:
    together, alone = reading(Model(), TEXTS, at_once=16), reading(Model(), TEXTS)
    assert len([*together.steps()]) == 1 < len([*alone.steps()])
    assert np.array_equal(together.logits(), alone.logits())
