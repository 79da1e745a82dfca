"""A sudden and severe headache has a name of its own, and what is said of something else does not give it."""

import pytest

from knowledge_graph.graph.compiled_graph import CompiledGraph
from ml.recognition.lexicon import Lexicon
from ml.recognition.onsets import read_onsets
from ml.recognition.recogniser import Recogniser

HEADACHE, THUNDERCLAP, VISUAL_LOSS, SUDDEN_LOSS, VOMITING = (f"T:{n}" for n in range(1, 6))


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    names = (
        (HEADACHE, ["Headache"]),
        (THUNDERCLAP, ["Thunderclap headache"]),
        (VISUAL_LOSS, ["Visual loss", "Loss of vision"]),
        (SUDDEN_LOSS, ["Sudden loss of visual acuity"]),
        (VOMITING, ["Vomiting"]),
    )
    return Recogniser(Lexicon.build(names))


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("I got a really bad headache all of a sudden.", "really bad headache all of a sudden"),
        ("Severe headache that came on suddenly.", "Severe headache that came on suddenly"),
        ("Headache of sudden onset, 10/10.", "Headache of sudden onset, 10/10"),
        ("Severe occipital headache of abrupt onset.", "Severe occipital headache of abrupt"),
        ("She developed a sudden, severe headache, then collapsed.", "sudden, severe headache"),
        ("Abrupt onset of the worst headache she has ever had.", "Abrupt onset of the worst headache"),
        (
            "I was suddenly hit by an extremely painful headache",
            "suddenly hit by an extremely painful headache",
        ),
        ("Explosive headache during exertion.", "Explosive headache"),
        ("Headache, sudden onset, worst ever while lifting.", "Headache, sudden onset, worst"),
    ],
)
def test_a_sudden_and_severe_headache_is_a_thunderclap_one(
    recogniser: Recogniser, text: str, marked: str
) -> None:
    (mention,) = (m for m in recogniser.mentions(text) if m.term_id == THUNDERCLAP)
    assert (mention.text, mention.state) == (marked, "observed")


@pytest.mark.parametrize(
    "text",
    [
        "Sudden headache.",
        "Severe headache.",
        "Severe headache, gradual onset.",
        "Severe headache with sudden loss of balance.",
        "Severe headache for years; sudden vomiting today.",
        "Severe headache. Suddenly he fell.",
        "Headaches, usually mild, never sudden or severe.",
        "Gradual headache, not sudden, severe by evening.",
        "Headache, sudden severe vomiting.",
        "Vomiting sudden and severe, then a headache.",
        "Headache and sudden severe weakness of the arm.",
    ],
)
def test_what_is_only_half_said_or_said_of_something_else_leaves_a_headache(
    recogniser: Recogniser, text: str
) -> None:
    assert [m.term_id for m in recogniser.mentions(text) if m.term_id != VOMITING] == [HEADACHE]


def test_a_denial_is_of_what_it_names(recogniser: Recogniser) -> None:
    for text, term in (
        ("No sudden severe headache.", THUNDERCLAP),
        ("No headache, sudden severe vomiting.", HEADACHE),
    ):
        first = recogniser.mentions(text)[0]
        assert (first.term_id, first.state) == (term, "excluded")


def test_a_loss_of_vision_needs_no_word_for_how_bad(recogniser: Recogniser) -> None:
    for text in (
        "Visual loss, all of a sudden.",
        "Loss of vision came on abruptly",
        "Painless abrupt loss of vision",
    ):
        assert recogniser.mentions(text)[0].term_id == SUDDEN_LOSS
    assert recogniser.mentions("Gradual visual loss.")[0].term_id == VISUAL_LOSS


def test_every_name_of_the_table_is_hpo_s(real_graph: CompiledGraph) -> None:
    names = set(real_graph.term_names)
    for row in read_onsets().sudden:
        assert {row.finding, row.becomes} <= names
