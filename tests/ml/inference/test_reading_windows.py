"""Windows of a text may be read in any order, once each: the last answer is the same to the bit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ml.inference.doubt import ALWAYS, NEVER
from ml.inference.reading import MOST_READ_AGAIN, Reading
from ml.text.text_memory import TextMemory
from ml.text.tokenizer import TextTokenizer, TokenBatch
from tests.ml.tiny_model import WORDS, tokenizer_json

LABELS = 5
ROUNDED = 0.4  # how far a rounded logit may be off
TEXTS = ("fever arm leg seizure " * 9, "", "weak no short " * 5)


class Model:
    """Logits that depend on every token, off where they are rounded, and a list of what was read."""

    def __init__(self) -> None:
        self.read: list[tuple[int, ...]] = []
        self.doubts: list[float | None] = []

    def __call__(self, batch: TokenBatch, doubt: float | None) -> np.ndarray[Any, np.dtype[np.float32]]:
        told = [ids[mask == 1] for ids, mask in zip(batch.input_ids, batch.attention_mask, strict=True)]
        self.read += [tuple(ids.tolist()) for ids in told]
        self.doubts += [doubt] * len(told)
        table = np.random.default_rng(0).normal(size=(len(WORDS), LABELS)).astype(np.float32)
        rows: np.ndarray[Any, np.dtype[np.float32]] = np.stack([table[ids].mean(axis=0) for ids in told])
        if doubt == NEVER:
            off = [np.random.default_rng(ids.tolist()).uniform(-ROUNDED, ROUNDED, LABELS) for ids in told]
            rows = (rows + np.stack(off)).astype(np.float32)
        return rows


def reading(
    model: Model,
    texts: Sequence[str],
    known: TextMemory[Any] | None = None,
    *,
    at_once: int = 1,
    workers: int = 1,
    doubt: float = 0.0,
) -> Reading:
    tokenizer = TextTokenizer(tokenizer_json(), max_tokens=8, overlap=2)
    memory = TextMemory[Any](99) if known is None else known
    return Reading(
        tokenizer.windows(texts),
        model,
        shape=(len(texts), LABELS),
        known=memory,
        at_once=at_once,
        workers=workers,
        doubt=doubt,
    )


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


def logits(
    model: Model, text: str, known: TextMemory[Any] | None = None, *, doubt: float, workers: int = 1
) -> Any:
    on = reading(model, (text,), known, doubt=doubt, workers=workers)
    for _ in on.steps():
        pass
    return on.logits()[0]


def notes() -> list[str]:
    rng = np.random.default_rng(3)
    return [" ".join(rng.choice(WORDS[4:], size=30)) for _ in range(40)]


def test_a_long_text_is_read_without_rounding_until_its_first_label_is_sure() -> None:
    sure = 2 * ROUNDED  # nothing more than that lies between two rounded logits and two exact ones
    models = [Model() for _ in notes()]
    found = [logits(model, note, doubt=sure) for model, note in zip(models, notes(), strict=True)]
    exact = [logits(Model(), note, doubt=0.0) for note in notes()]
    rounded = [logits(Model(), note, doubt=1e-9) for note in notes()]
    assert [row.argmax() for row in found] == [row.argmax() for row in exact]
    assert [row.argmax() for row in rounded] != [row.argmax() for row in exact]
    again = [model.doubts.count(ALWAYS) / model.doubts.count(NEVER) for model in models]
    assert 0 < min(again) < max(again) <= 1
    assert any(not np.array_equal(a, b) for a, b in zip(found, exact, strict=True))


@pytest.mark.parametrize("workers", [2, 5])
def test_many_workers_give_the_answer_of_one_to_the_bit(workers: int) -> None:
    alone, together = Model(), Model()
    for note in notes():
        one, many = (
            logits(model, note, doubt=2 * ROUNDED, workers=count)
            for model, count in ((alone, 1), (together, workers))
        )
        assert np.array_equal(one, many)
    assert together.doubts.count(NEVER) == alone.doubts.count(NEVER)
    spare = together.doubts.count(ALWAYS) - alone.doubts.count(ALWAYS)
    assert 0 <= spare < workers * len(notes())  # read ahead, before it was known that they need not be


@pytest.mark.parametrize("kept", [2, 99])
def test_many_workers_read_a_window_once_as_long_as_it_is_remembered(kept: int) -> None:
    alone, model = Model(), Model()
    one, on = reading(alone, TEXTS), reading(model, TEXTS, TextMemory[Any](kept), workers=3)
    for told in (one, on):
        for _ in told.steps():
            pass
    assert np.array_equal(on.logits(), one.logits())
    assert set(model.read) == set(alone.read)
    assert len(model.read) <= (len(on.windows) if kept == 2 else len(alone.read))


def test_a_text_of_one_window_keeps_the_models_own_doubt() -> None:
    model = Model()
    logits(model, "fever arm", doubt=9.0)
    assert model.doubts == [None]


def test_what_was_settled_is_the_same_from_memory() -> None:
    known, model = TextMemory[Any](999), Model()
    first = [logits(model, note, known, doubt=2 * ROUNDED) for note in notes()]
    read = len(model.read)
    again = [logits(model, note, known, doubt=2 * ROUNDED) for note in notes()]
    assert np.array_equal(first, again)
    assert len(model.read) == read


def test_a_very_long_text_is_not_read_twice_over() -> None:
    model = Model()
    logits(model, " ".join(notes()), doubt=99.0)
    assert model.doubts.count(ALWAYS) == MOST_READ_AGAIN < model.doubts.count(NEVER)
