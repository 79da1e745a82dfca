"""Whole imports: counted against an independent count, twice the same, errors beside successes."""

import gzip
import json
import zipfile
from collections import Counter
from pathlib import Path
from threading import Event

import pytest

from app.config.policy import Policy
from app.errors import ImportRefused, PolicyError
from app.exchange.fhir_resource import READERS
from app.store.vault import Vault
from app.workflows.import_records import ImportProgress, ImportReport, import_records
from tests.app.workflows.training_site import empty_vault

READ = {"Patient", *READERS}


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return empty_vault(tmp_path / "v.vault")


def run(vault: Vault, *paths: Path, stop: Event | None = None) -> ImportReport:
    *_, report = import_records(vault, paths, stop=stop)
    assert isinstance(report, ImportReport)
    return report


def independent_count(path: Path) -> tuple[Counter[str], Counter[str]]:
    """Resource types by plain json, nothing of the program's: all, and those that name no patient."""
    counts: Counter[str] = Counter()
    ownerless: Counter[str] = Counter()
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith("/"):
                continue
            value = json.loads(archive.read(name))
            entries = value["entry"] if value["resourceType"] == "Bundle" else [{"resource": value}]
            for resource in (entry["resource"] for entry in entries):
                counts[resource["resourceType"]] += 1
                owner = resource.get("subject") or resource.get("patient") or {}
                ownerless[resource["resourceType"]] += not {"reference", "identifier"} & owner.keys()
    return counts, ownerless


@pytest.mark.slow
@pytest.mark.parametrize("name", ["synthea_r4_bundles.zip", "au_fhir_test_data.zip"])
def test_every_resource_of_the_real_bundles_is_accounted_for(
    vault: Vault, shared_data: Path, name: str
) -> None:
    path = shared_data / "fhir" / name
    report = run(vault, path)
    expected, ownerless = independent_count(path)
    assert report.refused == []
    assert report.imported + report.skipped == expected
    for kind in READ - {"Patient"}:
        assert report.imported[kind] == expected[kind] - ownerless[kind]
    assert report.imported["Patient"] == expected["Patient"]
    stored = vault.session().rows("SELECT count(*) FROM patient")[0][0]
    again = run(vault, path)
    assert (again.added, again.changed) == (0, 0)
    assert vault.session().rows("SELECT count(*) FROM patient")[0][0] == stored


def write(folder: Path, **files: object) -> Path:
    for name, value in files.items():
        (folder / f"{name}.json").write_text(json.dumps(value), "utf-8")
    return folder


PATIENT = {"resourceType": "Patient", "id": "p", "name": [{"text": "Ada Sample"}]}
CONDITION = {"resourceType": "Condition", "subject": {"reference": "Patient/p"}, "code": {"text": "A"}}


def test_a_record_may_come_in_an_earlier_file_than_its_patient(vault: Vault, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    report = run(vault, write(folder, a_condition=CONDITION, b_patient=PATIENT))
    assert dict(report.imported) == {"Condition": 1, "Patient": 1}
    assert vault.patient_count() == 1


def test_a_broken_file_is_reported_and_the_others_go_on(vault: Vault, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder, good=PATIENT)
    (folder / "bad.json").write_text('{"resourceType": "Patient", "name": "Secret', "utf-8")
    report = run(vault, folder)
    assert dict(report.imported) == {"Patient": 1}
    (refused,) = report.refused
    assert "bad.json" in refused.reason
    assert "Secret" not in refused.reason


def test_a_report_never_holds_content(vault: Vault, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    odd = {**CONDITION, "code": {"text": "Canarysyndrome"}, "onsetDateTime": 5}
    report = run(vault, write(folder, a=PATIENT, b=odd))
    assert "Canary" not in str(report.items)
    assert "Ada" not in str(report.items)
    assert "Ada" not in str(vault.audit_events())


def test_a_stopped_import_says_so(vault: Vault, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    stop = Event()
    stop.set()
    report = run(vault, write(folder, a=PATIENT), stop=stop)
    assert report.cancelled
    assert vault.patient_count() == 0


def test_a_table_of_notes_does_not_blank_a_known_patient(vault: Vault, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "1_people.csv").write_text("mrn,name,sex\n7,Ada Sample,F\n", "utf-8")
    (folder / "2_notes.csv").write_text("mrn,text\n7,She has seizures.\n", "utf-8")
    run(vault, folder)
    (row,) = vault.patients()
    assert (row.name, row.note_count) == ("Ada Sample", 1)


def test_policy_and_missing_paths_are_said(vault: Vault, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="only from"):
        list(import_records(vault, [tmp_path], policy=Policy(import_folders=(tmp_path / "allowed",))))
    with pytest.raises(ImportRefused, match="no such file"):
        run(vault, tmp_path / "missing")


def test_a_table_that_breaks_off_leaves_nothing_of_itself(vault: Vault, tmp_path: Path) -> None:
    rows = "".join(f"{n},Fever.\n" for n in range(3_000))
    (tmp_path / "t.csv").write_text(f'mrn,text\n{rows}9,"open', "utf-8")
    report = run(vault, tmp_path / "t.csv")
    assert (len(report.refused), report.added, vault.patient_count()) == (1, 0, 0)


def test_an_import_that_is_stopped_keeps_whole_items_and_goes_on_later(vault: Vault, tmp_path: Path) -> None:
    lines = [PATIENT, *({**CONDITION, "id": str(n)} for n in range(5_000))]
    path = tmp_path / "l.ndjson"
    path.write_text("\n".join(json.dumps(line) for line in lines), "utf-8")
    stop = Event()
    steps = import_records(vault, [path], stop=stop)
    for step in steps:
        if isinstance(step, ImportProgress) and step.phase == "filing" and step.items > 2_500:
            stop.set()
    assert isinstance(step, ImportReport)
    assert step.cancelled
    assert 2_000 <= step.added < 4_000
    again = run(vault, path)
    assert (again.cancelled, again.added + again.unchanged) == (False, 5_001)
    assert again.unchanged == step.added


def test_a_patient_of_the_vault_is_found_again_by_another_number(vault: Vault, tmp_path: Path) -> None:
    ada = {**PATIENT, "birthDate": "1990-02-03", "gender": "female"}
    numbers = [{"system": "urn:b", "value": "1"}, {"system": "urn:a", "value": "2"}]
    for name, own in (("one", numbers[:1]), ("two", numbers)):
        (tmp_path / f"{name}.json").write_text(json.dumps({**ada, "id": name, "identifier": own}), "utf-8")
        run(vault, tmp_path / f"{name}.json")
    assert vault.patient_count() == 1
    assert run(vault, tmp_path / "two.json").unchanged == 1


def test_a_number_that_the_vault_gave_to_somebody_else_joins_nobody(vault: Vault, tmp_path: Path) -> None:
    for name, born in (("Ada Sample", "1990-02-03"), ("Bob Other", "1950-01-01")):
        person = {**PATIENT, "name": [{"text": name}], "birthDate": born}
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(person), "utf-8")
        assert run(vault, path).added == 1
        assert run(vault, path).unchanged == 1
    assert sorted(row.name for row in vault.patients()) == ["Ada Sample", "Bob Other"]


def test_a_summary_inside_another_record_does_not_overwrite_her_own(vault: Vault, tmp_path: Path) -> None:
    numbered = {**PATIENT, "identifier": [{"system": "urn:h", "value": "7"}]}
    (tmp_path / "1.json").write_text(json.dumps({**numbered, "birthDate": "1990-02-03"}), "utf-8")
    summary = {**CONDITION, "subject": {"reference": "#p"}, "contained": [numbered]}
    (tmp_path / "2.json").write_text(json.dumps(summary), "utf-8")
    run(vault, tmp_path / "1.json")
    report = run(vault, tmp_path / "2.json")
    assert (report.added, report.changed) == (1, 0)
    assert vault.patients()[0].birth_date == "1990-02-03"


def test_fields_that_are_not_read_are_counted(vault: Vault, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps({**CONDITION, "bodySite": [{"text": "arm"}]}), "utf-8")
    assert run(vault, tmp_path / "c.json").unread == {"Condition.bodySite": 1}


def test_nothing_of_a_refused_file_is_filed_by_way_of_another(vault: Vault, tmp_path: Path) -> None:
    people = [{**PATIENT, "identifier": [{"system": "urn:h", "value": "7"}]}, {**PATIENT, "id": "q"}]
    lines = "".join(json.dumps(person) + "\n" for person in people).encode()
    (tmp_path / "Patient.ndjson.gz").write_bytes(gzip.compress(lines * 500)[:-20])
    (tmp_path / "Condition.json").write_text(json.dumps(CONDITION), "utf-8")
    report = run(vault, tmp_path / "Patient.ndjson.gz", tmp_path / "Condition.json")
    assert (len(report.refused), dict(report.imported)) == (1, {"Condition": 1})
    assert [row.name for row in vault.patients()] == [""]


def test_two_files_that_say_the_same_stay_silent_after_a_third_said_more(
    vault: Vault, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{n}.json" for n in range(3)]
    for path, name in zip(paths, ("Ada Sample", "Ada Sample", "Ada M Sample"), strict=True):
        path.write_text(json.dumps({**PATIENT, "name": [{"text": name}]}) + " " * int(path.stem), "utf-8")
    run(vault, *paths)
    again = run(vault, *paths)
    assert (again.changed, again.unchanged) == (0, 3)
    assert vault.patients()[0].name == "Ada M Sample"
    back = tmp_path / "back.json"
    back.write_text(json.dumps({**PATIENT, "name": [{"text": "Ada Sample"}]}) + "   ", "utf-8")
    assert run(vault, back).changed == 1
