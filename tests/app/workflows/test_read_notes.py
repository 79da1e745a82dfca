"""A long note has its first answer at once and its last as ever: only the way there is shorter."""

from pathlib import Path

import numpy as np
import pytest

from app.cli.case import parse_findings
from app.workflows.diagnose import DiagnosisService
from app.workflows.read_notes import FEW, Weighing, telling_first, weigh_while_reading
from app.workflows.weighed import Presentation
from ml.inference.doubt import ALWAYS
from ml.text.encoder_files import find_encoder
from ml.text.tokenizer import TextTokenizer
from tests.watching import watch

PROSE = "The visit was on a weekday and the weather was fine. " * 40
TELLING = "Arachnodactyly, ectopia lentis and aortic root dilatation were found. " * 6
NOTE = PROSE + TELLING + PROSE + "\nAssessment\nA disorder of connective tissue is likely. " + PROSE
FINDINGS = parse_findings("HP:0001166,HP:0001083,HP:0002616")


@pytest.fixture(scope="module")
def service(public_cache: Path) -> DiagnosisService:
    return DiagnosisService.load(public_cache, provider="cpu")


def last_of(service: DiagnosisService, asked: Presentation) -> Weighing:
    return [*weigh_while_reading(service, asked)][-1]


def test_windows_with_findings_or_an_assessment_are_read_first(public_cache: Path) -> None:
    bare = DiagnosisService.load(public_cache, with_text=False)
    windows = TextTokenizer(find_encoder().tokenizer_json).windows([NOTE, PROSE])
    order = telling_first(windows, range(1, len(windows)), [NOTE, PROSE], bare.recogniser)
    assert sorted(order) == [*range(1, len(windows))]
    first = [NOTE[windows[i].offsets[1][0] : windows[i].offsets[-2][1]] for i in order[:2]]
    assert {"aortic" in text or "Assessment" in text for text in first} == {True}
    assert any("Assessment" in text for text in first)
    assert order[2:] == sorted(order[2:])


@pytest.mark.slow
def test_the_first_answer_needs_no_reading_and_the_last_is_the_usual(
    service: DiagnosisService, public_cache: Path
) -> None:
    asked = Presentation(FINDINGS, (NOTE * 3, "", PROSE))
    told = [*weigh_while_reading(service, asked)]
    first, last = told[0], told[-1]
    assert first.share == 0
    assert first.weighed is not None
    assert first.weighed.text is None
    assert [w.share for w in told] == sorted(w.share for w in told)
    assert [w.share for w in told].count(1) == 1
    assert sum(w.weighed is not None for w in told) > 2
    fresh = DiagnosisService.load(public_cache, provider="cpu").weigh(asked)
    assert last.weighed is not None
    assert np.array_equal(last.weighed.fused.shown, fresh.fused.shown)
    assert service.differential(last.weighed) == service.differential(fresh)


@pytest.mark.slow
def test_what_was_read_before_is_not_waited_for(
    service: DiagnosisService, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service.predictor is not None
    note = NOTE + TELLING
    last_of(service, Presentation(FINDINGS, (note,)))
    read = watch(monkeypatch, service.predictor, "run_batch")
    other_findings = [*weigh_while_reading(service, Presentation(FINDINGS[:1], (note,)))]
    assert [w.share for w in other_findings] == [1]
    assert not read
    last_of(service, Presentation(FINDINGS, (note + "An addendum.", "A new note.")))
    assert 0 < sum(doubt != ALWAYS for _feed, doubt in read) <= FEW


@pytest.mark.slow
def test_a_short_note_has_one_answer(service: DiagnosisService) -> None:
    told = [*weigh_while_reading(service, Presentation(FINDINGS, ("Tall, with long fingers, at last.",)))]
    assert [w.share for w in told] == [1]
    assert told[0].weighed is not None
    assert told[0].weighed.text is not None


def test_without_a_model_the_graph_speaks_alone(public_cache: Path) -> None:
    bare = DiagnosisService.load(public_cache, with_text=False)
    told = last_of(bare, Presentation(FINDINGS, (NOTE,)))
    assert told.share == 1
    assert told.weighed is not None
    assert told.weighed.text is None


@pytest.mark.slow
def test_without_a_finding_nothing_is_said_before_something_is_read(service: DiagnosisService) -> None:
    visits = "".join(f"Visit {number} was on a weekday. " for number in range(150))
    told = [*weigh_while_reading(service, Presentation((), (visits,)))]
    assert len(told) > FEW
    assert all(w.weighed is None or w.weighed.text is not None for w in told)
