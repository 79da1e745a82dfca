"""A vault of every released schema opens, is copied before it is brought up to date, and loses nothing."""

import shutil
from pathlib import Path

import pytest

from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.store import database
from app.store.backup import back_up, restore
from app.store.check import check_vault, cipher_facts
from app.store.database import connect, migrate, migrations, new_file
from app.store.key_derivation import KdfParameters, subkey
from app.store.patient_query import PatientFilter
from app.store.vault import Vault
from tests.app.store.disk_states import digest, recorded_states
from tests.app.store.former_schemas import FORMER_MACS, RELEASED, UNDO
from tests.app.store.prepared_rekey import prepare_rekey

SECRET, ADA = "correct horse battery", PatientId("p-1")
NOTES = tuple(Note(NoteId(f"n-{n}"), ADA, f"患者发热 {n}", written_at=f"2026-01-0{n}") for n in range(1, 4))


def open_it(path: Path, *, read_only: bool = False) -> Vault:
    return Vault.open(path, user="ann", passphrase=SECRET, read_only=read_only)


def schema_of(connection: object) -> set[tuple[str, str]]:
    rows = connection.execute("SELECT name, sql FROM sqlite_master").fetchall()  # type: ignore[attr-defined]
    return {(name, sql) for name, sql in rows if not name.startswith("sqlite_")}


@pytest.fixture(scope="module", params=RELEASED)
def old(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Path]:
    path = tmp_path_factory.mktemp("migrations") / "v"
    with pytest.MonkeyPatch.context() as then:
        then.setattr(database, "PAGE_MACS", FORMER_MACS)
        vault, _ = Vault.create(path, user="ann", passphrase=SECRET, kdf=KdfParameters.fast_for_tests())
    with vault:
        assert cipher_facts(vault).page_key == FORMER_MACS[0]
        vault.put_records([Patient(ADA, "Ada Sample", "1990-03-04"), *NOTES], origin="t")
        connection = vault.session().connection()
        for version in range(len(migrations()) - 1, request.param - 1, -1):
            connection.executescript(f"{UNDO[version]}; PRAGMA user_version = {version};")
    return request.param, path


@pytest.fixture
def path(old: tuple[int, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(old[1], tmp_path / "v"))


def test_every_schema_but_the_newest_is_tried_here() -> None:
    assert tuple(range(1, len(migrations()))) == RELEASED


def test_an_old_schema_is_what_its_scripts_make(old: tuple[int, Path], tmp_path: Path) -> None:
    version, path = old
    fresh = new_file(tmp_path / "f.db", bytes(32))
    for number, script in enumerate(migrations()[:version], start=1):
        fresh.executescript(f"{script}; PRAGMA user_version = {number};")
    with open_it(path, read_only=True) as vault:
        assert schema_of(vault.session().connection()) == schema_of(fresh)
    migrate(fresh)
    assert fresh.execute("PRAGMA user_version").fetchone()[0] == len(migrations())
    fresh.close()


def test_a_vault_is_brought_up_to_date_and_copied_before(old: tuple[int, Path], path: Path) -> None:
    with open_it(path) as vault:
        assert vault.chart(ADA).notes == NOTES
        assert [row.id for row in vault.patients(PatientFilter("1990-03 sample"))] == [ADA]
        assert {hit.note_id for hit in vault.search_notes("发热")} == {note.id for note in NOTES}
        assert check_vault(vault).sound
        key = subkey(vault.data_key(), "database")
    copy = connect(path / f"vault.db.schema-{old[0]}", key, read_only=True)
    assert copy.execute("PRAGMA user_version").fetchone()[0] == old[0]
    assert copy.execute("SELECT count(*) FROM note").fetchone()[0] == len(NOTES)
    copy.close()
    prepare_rekey(open_it(path), passphrase=SECRET).commit()
    assert list(path.glob("*.schema-*")) == []


def test_a_copy_of_an_old_vault_has_the_pages_of_a_new_one(path: Path, tmp_path: Path) -> None:
    with open_it(path) as vault:
        assert cipher_facts(vault).page_key == FORMER_MACS[0]
        back_up(vault, tmp_path / "b", passphrase=SECRET)
    restore(tmp_path / "b", tmp_path / "r", user="ann", passphrase=SECRET)
    prepare_rekey(open_it(path), passphrase=SECRET).commit()
    for copy in (path, tmp_path / "b", tmp_path / "r"):
        with open_it(copy, read_only=copy == tmp_path / "b") as vault:
            assert cipher_facts(vault).page_key == database.PAGE_MACS[0]
            assert vault.chart(ADA).notes == NOTES
            assert check_vault(vault).sound


def test_an_old_vault_can_be_read_without_being_changed(path: Path) -> None:
    before = digest(path)
    with open_it(path, read_only=True) as vault:
        assert vault.chart(ADA).notes == NOTES
        assert len(vault.search_notes("患者发热")) <= len(NOTES)
        assert check_vault(vault).sound
    assert digest(path) == before


@pytest.mark.slow
def test_a_kill_at_any_file_operation_of_a_migration_loses_nothing(path: Path, tmp_path: Path) -> None:
    with recorded_states(path, tmp_path / "states") as states:
        open_it(path).close()
    for state in states:
        with open_it(state) as vault:
            assert not vault.read_only
            assert vault.chart(ADA).notes == NOTES
            assert check_vault(vault).sound
