"""What was worked out for texts is remembered for the same texts alone, and not for ever."""

import pytest

from ml.text.text_memory import TextMemory


def test_the_same_texts_are_read_once() -> None:
    memory: TextMemory[int] = TextMemory()
    made = iter(range(9))
    asked = [["a b", "c"], ["a b", "c"], ["a", "b c"], ["c", "a b"], ["a b\ud800", "c"], ["a b", "c"]]
    assert [memory.of(texts, lambda: next(made)) for texts in asked] == [0, 0, 1, 2, 3, 0]


def test_what_was_not_asked_for_the_longest_is_forgotten() -> None:
    memory: TextMemory[int] = TextMemory(kept=2)
    made = iter(range(9))
    asked = ["one", "two", "one", "three", "one", "two"]
    assert [memory.of([text], lambda: next(made)) for text in asked] == [0, 1, 0, 2, 0, 3]


def test_a_failure_is_not_remembered() -> None:
    memory: TextMemory[int] = TextMemory()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            memory.of(["a"], lambda: 1 // 0)
    assert memory.of(["a"], lambda: 5) == 5
