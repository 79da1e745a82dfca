"""A search that has to stop gives the newest hits, says so, and loses nothing where it doesn't say so."""

import random
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from app.clinical.ids import NoteId, PatientId
from app.clinical.note import ErrorReason, Note
from app.clinical.patient import Patient
from app.errors import PolicyError
from app.store import note_look, session
from app.store.header import Role
from app.store.key_derivation import KdfParameters
from app.store.note_error import mark_in_error
from app.store.note_look import NoteLook, allowance
from app.store.note_search import find_notes, search_notes
from app.store.people import add_user
from app.store.vault import Vault

ADA = PatientId("p-1")
QUERIES = (
    *("fever", "fever cough", '"fever of"', '"of fever" cough', "cough rare", '"rare rare"'),
    *("fever coug", "coug", "fever of the cough ra", "rar", "发热", "发热患者", "发热 咳嗽", "发"),
    *("fever 发热", "rare 发热", '"of fever" 发热患者', "ra 王芳", "fever 王芳", '"of fever" 王芳'),
)


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """Notes whose words are mostly common, over many pages of the index; one in nine counts nowhere."""
    path, dice = tmp_path_factory.mktemp("cut") / "v", random.Random(3)
    made, _ = Vault.create(path, user="ann", passphrase="a passphrase", kdf=KdfParameters.fast_for_tests())
    words = ("fever", "of", "the", "cough", "coughing", "发热", "咳嗽", "发热患者")
    texts = [" ".join(dice.choices(words, k=12)) for _ in range(900)]
    for n in (5, 300, 850):
        texts[n] += " rare 王芳"
    with made:
        kept = [Note(NoteId(f"n{n:03d}"), ADA, text) for n, text in enumerate(texts)]
        made.put_records([Patient(ADA, "Ada Sample"), *kept], origin="t")
        for note in kept[::90]:
            mark_in_error(made, note.id, ErrorReason.WRITTEN_TWICE)
        yield made


@pytest.fixture(autouse=True)
def _asked_at_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_STEPS", 1)


def after(asked: int) -> Callable[[], bool]:
    """Stops when it has been asked so often."""
    turns = count(1)
    return lambda: next(turns) > asked


def never() -> bool:
    return False


@pytest.mark.slow
@pytest.mark.parametrize("query", QUERIES)
def test_wherever_it_stops_it_says_so_or_gives_all(notes: Vault, query: str) -> None:
    whole = search_notes(notes.session(), query, limit=1_000, stop=never)
    assert not whole.older_left_out
    asked = 0
    while True:
        hits = search_notes(notes.session(), query, limit=1_000, stop=after(asked))
        assert {hit.note_id for hit in hits} <= {hit.note_id for hit in whole}
        if not hits.older_left_out:
            break
        asked = asked * 5 // 4 + 1
    assert hits == whole
    assert asked > 0


def test_of_a_part_the_newest_are_found(notes: Vault) -> None:
    whole = NoteLook(notes.session(), never).newest(['"fever"'], "")
    for asked in (400, 2_000, 4_000):
        look = NoteLook(notes.session(), after(asked))
        found = look.newest(['"fever"'], "")
        assert look.cut
        assert found == whole[: len(found)]
    assert found


@pytest.mark.parametrize("few", [0, 4, 200])
@pytest.mark.parametrize(
    "words",
    [("fever", "发热"), ("rare", "发热"), ("fever", "王芳"), ("of fever", "发热患者"), ("rare", "王芳")],
)
def test_both_indexes_give_what_a_walk_through_all_notes_gives(
    notes: Vault, monkeypatch: pytest.MonkeyPatch, words: tuple[str, str], few: int
) -> None:
    monkeypatch.setattr(note_look, "_FEW", few)
    texts = {note.id: f" {note.text} " for note in notes.chart(ADA).notes}
    wanted = {n for n, text in texts.items() if f" {words[0]} " in text and words[1] in text}
    found = search_notes(notes.session(), f'"{words[0]}" {words[1]}', limit=1_000, stop=never)
    assert {hit.note_id for hit in found} == wanted
    assert wanted


def test_a_look_ends_when_its_thread_has_worked_so_long() -> None:
    times = iter((5.0, 5.01, 5.03, 5.031))
    stop = allowance(0.03, clock=lambda: next(times))
    assert [stop() for _ in range(3)] == [False, False, True]


def test_notes_are_found_for_who_may_open_charts(tmp_path: Path) -> None:
    fast = KdfParameters.fast_for_tests()
    made, _ = Vault.create(tmp_path / "v", user="ann", passphrase="a passphrase", kdf=fast)
    with made:
        made.put_records([Patient(ADA, "Ada Sample"), Note(NoteId("n"), ADA, "fever")], origin="t")
        (hits,) = find_notes(made, "fever", limit=5, stop=never)
        assert [hit.note_id for hit in hits] == ["n"]
        add_user(made, user="bob", passphrase="another phrase", role=Role.PRIVACY_OFFICER, kdf=fast)
    vault = Vault.open(tmp_path / "v", user="bob", passphrase="another phrase")
    with vault, pytest.raises(PolicyError):
        list(find_notes(vault, "fever", limit=5, stop=never))
