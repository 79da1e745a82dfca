"""The text model's reasons: by sentence and by finding, for a disease under all its ids, over all notes."""

from pathlib import Path

import numpy as np
import pytest

from app.clinical.text_reason import PartKind
from app.workflows.diagnose import DiagnosisService
from app.workflows.explain_text import MOST_SENTENCES, TextExplanation, explain_texts, note_parts
from ml.explain.occlusion import occlude

MARFAN = ("OMIM:154700", "ORPHA:558")
FIRST = (
    "A boy with arachnodactyly and ectopia lentis. The aortic root is dilated. Arachnodactyly of the toes."
)
SECOND = "No seizures. He goes to school by bus."


@pytest.fixture(scope="module")
def service(public_cache: Path) -> DiagnosisService:
    return DiagnosisService.load(public_cache, provider="cpu")


def score(service: DiagnosisService, texts: list[str]) -> float:
    """Log probability of the disease by the text model alone."""
    rows = service.text_scores(texts)
    assert rows is not None
    return float(np.logaddexp.reduce([rows[service.graph.disease_number(d)] for d in MARFAN]))


@pytest.mark.slow
def test_a_reason_is_what_the_disease_loses_over_all_its_notes(service: DiagnosisService) -> None:
    found = explain_texts(service, ["", FIRST, SECOND])
    reasons = found.reasons(MARFAN)
    assert {r.part.note for r in reasons} == {1, 2}
    sentences = [r for r in reasons if r.part.kind is PartKind.SENTENCE]
    assert len(sentences) == 5
    whole = score(service, [FIRST, SECOND])
    bus = next(r for r in sentences if SECOND[slice(*r.part.spans[0])].startswith("He goes"))
    # An empty place reads much as no sentence at all.
    assert bus.weight == pytest.approx(whole - score(service, [FIRST, "No seizures."]), abs=0.2)
    finger = next(r for r in reasons if r.part.term_id == "HP:0001166")
    assert [FIRST[a:b].lower() for a, b in finger.part.spans] == ["arachnodactyly", "arachnodactyly"]
    assert service.predictor is not None
    alone = occlude(service.predictor, FIRST, [finger.part.spans])
    change = (alone.without[0] - alone.whole) / 2  # one of two notes
    columns = [service.predictor.labels.index(d) for d in MARFAN]
    both = (alone.whole + service.predictor.log_probabilities([SECOND])[0]) / 2
    lost = np.logaddexp.reduce(both[columns]) - np.logaddexp.reduce((both + change)[columns])
    assert finger.weight == pytest.approx(lost, abs=1e-4)
    assert found.reasons(("LOCAL:1",)) == ()


def test_a_long_note_is_explained_in_few_parts_that_lose_nothing(public_cache: Path) -> None:
    bare = DiagnosisService.load(public_cache, with_text=False)
    text = "He is well. " * (2 * MOST_SENTENCES + 1)
    parts = list(note_parts(bare.recogniser, 0, text))
    assert MOST_SENTENCES / 2 < len(parts) <= MOST_SENTENCES
    assert (parts[0].spans[0][0], parts[-1].spans[0][1]) == (0, len(text.rstrip()))


def test_without_a_model_or_a_word_there_is_no_reason(real_graph: object, public_cache: Path) -> None:
    bare = DiagnosisService.load(public_cache, with_text=False)
    for texts in (["Seizures."], [" "], []):
        found = explain_texts(bare, texts)
        assert isinstance(found, TextExplanation)
        assert found.reasons(MARFAN) == ()
