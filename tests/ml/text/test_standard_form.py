"""The standard form says where each code point stood, and is what a model learns and reads alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.text.cleaning import prepared
from ml.text.cleaning_lists import cleaning_lists
from ml.text.standard_form import standard_form
from ml.text.tokenizer import TextTokenizer
from tests.ml.tiny_model import tokenizer_json

NOTE = "Pt c/o fever, Hb 9 gm/dl. 🙂 seizure w/o N/V"


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return TextTokenizer(tokenizer_json(), max_tokens=10, overlap=3)


def test_each_code_point_comes_from_where_it_stood() -> None:
    form = standard_form(NOTE)
    assert form.text == "Patient complains of fever, Hb 9 g/dL. 🙂 seizure without nausea and vomiting"
    for new, old in (
        ("Patient", "Pt"),
        ("complains of", "c/o"),
        ("complains", "c/o"),
        ("Patient complains", "Pt c/o"),
        ("fever", "fever"),
        ("9 g/dL", "9 gm/dl"),
        ("🙂", "🙂"),
        ("without", "w/o"),
        ("vomiting", "N/V"),
    ):
        start = form.text.index(new)
        first, last = form.written(start, start + len(new))
        assert NOTE[first:last].strip() == old, new
    assert form.written(4, 4) == (0, 0)


_WORDS = st.sampled_from(
    [*cleaning_lists().abbreviations, "9 gm/dl", "37 deg c", "fever", "5", ".", "\n", "x"]
)


@given(st.lists(_WORDS, max_size=12).map(" ".join))
def test_it_is_the_standard_form_of_itself_and_leaves_the_rest_in_place(text: str) -> None:
    form = standard_form(text)
    assert standard_form(form.text).text == form.text
    assert len(form.starts) == len(form.ends) == len(form.text)
    assert (form.starts < form.ends).all()
    assert (form.starts[1:] >= form.starts[:-1]).all()
    for place, (start, end) in enumerate(zip(form.starts.tolist(), form.ends.tolist(), strict=True)):
        if end - start == 1 and text[start].isspace():
            assert form.text[place] == text[start]


def test_windows_tell_where_shorthand_stands_in_the_note(tokenizer: TextTokenizer) -> None:
    windows = tokenizer.windows([NOTE])
    told = {NOTE[a:b] for window in windows for a, b in window.offsets if b > a}
    assert {"Pt", "c/o", "fever", "N/V", "w/o", "🙂"} <= told


def test_a_note_is_read_as_it_was_learned_from(tokenizer: TextTokenizer) -> None:
    (learned,) = prepared([NOTE])
    assert learned != NOTE
    assert [w.ids for w in tokenizer.windows([NOTE])] == [w.ids for w in tokenizer.windows([learned])]
