"""What a text calls normal is excluded; what is not quite normal is not."""

import pytest

from ml.recognition.lexicon import Lexicon
from ml.recognition.normal_table import read_normals
from ml.recognition.recogniser import Recogniser

RECOGNISER = Recogniser(Lexicon.build([(name, [name]) for name in sorted(read_normals().names)]))


@pytest.mark.parametrize(
    ("text", "excluded"),
    [
        ("Hearing and vision are normal.", {"Hearing impairment", "Visual impairment"}),
        ("normal gait and muscle tone", {"Gait disturbance", "Abnormal muscle tone"}),
        ("appetite's fine", {"Poor appetite"}),
        ("Colour vision normal.", {"Color vision defect"}),
        ("Power 5/5 throughout", {"Muscle weakness"}),
        ("She remained apyrexial throughout.", {"Fever"}),
        ("His palate is intact.", {"Cleft palate"}),
    ],
)
def test_what_is_called_normal_is_excluded(text: str, excluded: set[str]) -> None:
    assert {m.term_id for m in RECOGNISER.mentions(text)} == excluded
    assert {m.state for m in RECOGNISER.mentions(text)} == {"excluded"}


@pytest.mark.parametrize(
    "text",
    [
        "Vision is not good.",
        "hearing was never normal",
        "power 4/5",
        "Good, vision was tested",
        "A normal day. Hearing aids fitted.",
        "low normal tone",
    ],
)
def test_what_is_not_normal_is_not_excluded(text: str) -> None:
    assert RECOGNISER.mentions(text) == ()
