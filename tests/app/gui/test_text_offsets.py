"""Code-point offsets and Qt's document positions agree on any text."""

from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QTextDocument

from app.gui.patient.text_offsets import TextOffsets

TEXTS = st.text(alphabet=st.sampled_from("ab \n\r\tä𝄞😀中"), max_size=40)


@given(TEXTS)
def test_each_offset_goes_to_qt_and_back(text: str) -> None:
    offsets = TextOffsets(text)
    for place in range(len(text) + 1):
        if place and text[place - 1] == "\r" and text[place : place + 1] == "\n":
            continue  # inside one line end
        assert offsets.from_qt(offsets.to_qt(place)) == place


@given(TEXTS)
def test_the_length_in_qt_is_the_length_of_the_document(text: str) -> None:
    document = QTextDocument()
    document.setPlainText(text)
    assert TextOffsets(text).to_qt(len(text)) == document.characterCount() - 1


def test_a_span_after_emoji_and_windows_line_ends_covers_its_words() -> None:
    text = "😀 first\r\nsecond 𝄞 seizure"
    document = QTextDocument()
    document.setPlainText(text)
    offsets, start = TextOffsets(text), text.index("seizure")
    units = document.toPlainText().encode("utf-16-le")
    begin, end = offsets.to_qt(start) * 2, offsets.to_qt(start + 7) * 2
    assert units[begin:end].decode("utf-16-le") == "seizure"
