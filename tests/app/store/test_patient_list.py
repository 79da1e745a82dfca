"""The patient list: each page is what a plain search over all patients gives, and reads no other row."""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from app.clinical.diagnosis import Decision, Diagnosis
from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.store.key_derivation import KdfParameters
from app.store.patient_query import EVERYBODY, PatientFilter
from app.store.vault import Vault
from knowledge_graph.findings.finding import Sex
from knowledge_graph.terms.term import DiseaseId
from tests.watching import watch

NAMES = (
    "ada Zett",
    "Ada zett",
    "Émile O'Neil",
    "100% Sure",
    "under_score",
    "Straße",
    "STRASSE",
    "back\\slash",
    "",
)
TEXTS = ("", "ADA", "zett a", "%", "_", "strasse", "\\", "é", "nobody", "a" * 60_000)


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    path = tmp_path_factory.mktemp("list") / "v"
    vault, _ = Vault.create(path, user="ann", passphrase="correct horse", kdf=KdfParameters.fast_for_tests())
    dice, records = random.Random(3), list[Patient | Note]()
    for number in range(90):
        patient = PatientId(f"{dice.getrandbits(64):016x}")
        records.append(Patient(patient, dice.choice(NAMES), sex=dice.choice(list(Sex))))
        day = f"2026-01-{dice.randrange(1, 9):02d}"
        records.append(Note(NoteId(f"n{number}"), patient, "A note.", written_at=day))
    with vault:
        vault.put_records(records, origin="t")
        for patient in [r.id for r in records if isinstance(r, Patient)][::4]:
            vault.record_diagnosis(
                Diagnosis(patient, DiseaseId("OMIM:1"), "Fit disease", Decision.CONFIRMED, "ann", "2026")
            )
        yield vault


def test_a_pasted_note_and_half_a_sign_find_what_they_find(vault: Vault) -> None:
    assert vault.patients(PatientFilter(" ".join(map(str, range(5000))))) == []
    pasted, plain = PatientFilter("ada zett " * 3000), PatientFilter("zett ada")
    assert vault.patient_count(pasted) == vault.patient_count(plain) > 0
    many = " ".join("under_score"[a:b] for a in range(11) for b in range(a + 1, 12))
    assert vault.patient_count(PatientFilter(many)) == vault.patient_count(PatientFilter("under_score")) > 0
    assert vault.patients(PatientFilter("\ud83d")) == []


@pytest.mark.parametrize("order", ["name", "activity"])
def test_every_page_is_what_a_plain_search_gives(vault: Vault, order: str) -> None:
    everyone = vault.patients(limit=1000)
    assert len(everyone) == 90
    for text, sex, decided in product(TEXTS, (None, "FEMALE"), (None, True, False)):
        wanted = [
            row
            for row in everyone
            if all(word in row.name.casefold() for word in text.casefold().split())
            and sex in (None, row.sex)
            and decided in (None, bool(row.confirmed))
        ]
        wanted.sort(key=lambda row: row.id)
        if order == "name":
            wanted.sort(key=lambda row: "".join(c.lower() if c.isascii() else c for c in row.name).encode())
        else:
            wanted.sort(key=lambda row: row.last_activity, reverse=True)
        asked = PatientFilter(text, sex, decided, order)
        pages = [vault.patients(asked, limit=20, offset=at) for at in range(0, 100, 20)]
        assert [row for page in pages for row in page] == wanted
        assert vault.patient_count(asked) == len(wanted)


CONFIRMED_MEN = PatientFilter(sex="MALE", decided=True)


@pytest.mark.parametrize("order", ["name", "activity"])
@pytest.mark.parametrize("wanted", [EVERYBODY, PatientFilter("ada z"), CONFIRMED_MEN])
def test_no_row_outside_the_page_is_read(
    vault: Vault, order: str, wanted: PatientFilter, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = vault.session()
    rows, asked = session.rows, watch(monkeypatch, session, "rows")
    vault.patients(replace(wanted, order=order), limit=5, offset=3)
    vault.patient_count(wanted)
    plans = [rows(f"EXPLAIN QUERY PLAN {sql}", *given) for sql, *given in asked]
    steps = [step[3] for plan in plans for step in plan if "patient" in step[3]]
    assert len(steps) == 3
    assert all("COVERING INDEX" in step or step.endswith("PRIMARY KEY (id=?)") for step in steps)


def test_a_file_imported_before_is_known_without_a_walk_through_the_log(vault: Vault) -> None:
    sql = "SELECT 1 FROM audit_event WHERE action = 'records-imported' AND detail = ? LIMIT 1"
    plan = vault.session().rows(f"EXPLAIN QUERY PLAN {sql}", ("t",))
    assert "SEARCH audit_event" in plan[0][3]


def test_the_list_is_sound_after_a_patient_is_changed(tmp_path: Path) -> None:
    vault, _ = Vault.create(
        tmp_path / "v", user="ann", passphrase="correct horse", kdf=KdfParameters.fast_for_tests()
    )
    with vault:
        vault.put_records([Patient(PatientId("p"), "Ada Old")], origin="one")
        vault.put_records([Patient(PatientId("p"), "Ada New")], origin="two")
        assert [row.name for row in vault.patients(PatientFilter("new"))] == ["Ada New"]
        assert vault.patients(PatientFilter("old")) == []


def test_who_has_died_is_listed_so_with_the_day_as_far_as_it_is_known(tmp_path: Path) -> None:
    made, _ = Vault.create(
        tmp_path / "v", user="ann", passphrase="correct horse", kdf=KdfParameters.fast_for_tests()
    )
    people = (
        Patient(PatientId("a"), "Living"),
        Patient(PatientId("b"), "Long dead", deceased=True),
        Patient(PatientId("c"), "Told by the day alone", deceased_at="2020-05-01"),
    )
    with made:
        made.put_records(people, origin="t")
        assert [(row.id, row.died) for row in made.patients()] == [
            ("a", None),
            ("b", ""),
            ("c", "2020-05-01"),
        ]
