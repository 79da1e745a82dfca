"""Local patients are compared by reviewed and coded findings, inside their vault, and that is audited."""

import json
from pathlib import Path

import pytest

from app.cli.main import main
from app.clinical.annotation import Annotation, AnnotationAction, AnnotationEvent
from app.clinical.chart import ClinicalRecord
from app.clinical.ids import AnnotationId, NoteId, PatientId, RecordId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.clinical.record import PhenotypicFeature
from app.config.settings import CACHE_VARIABLE
from app.errors import PolicyError
from app.store.header import Role
from app.store.key_derivation import KdfParameters
from app.store.people import add_user
from app.store.vault import Vault
from app.workflows.find_similar import similar_diseases, similar_patients
from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import TermId

ARACHNODACTYLY, ECTOPIA, ANEMIA, LONG_TOES = (
    TermId(t) for t in ("HP:0001166", "HP:0001083", "HP:0001903", "HP:0010511")
)
EXCLUDED = FindingState.EXCLUDED


def _coded(who: str, term: TermId, state: FindingState = FindingState.OBSERVED) -> PhenotypicFeature:
    return PhenotypicFeature(RecordId(f"{who}-{term}"), PatientId(who), Finding(term, state))


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    made, _words = Vault.create(
        tmp_path / "v.vault",
        user="ann",
        passphrase="long enough for a test",
        kdf=KdfParameters.fast_for_tests(),
    )
    records: list[ClinicalRecord] = [
        Patient(PatientId(who), name)
        for who, name in (("me", "Asker"), ("a", "Twin"), ("b", "Toes"), ("c", "Anaemic"), ("d", "Silent"))
    ]
    records += [_coded("me", ARACHNODACTYLY), _coded("me", ECTOPIA)]
    records += [_coded("a", ARACHNODACTYLY), _coded("b", LONG_TOES), _coded("c", ANEMIA)]
    records += [_coded("d", ARACHNODACTYLY, EXCLUDED), Note(NoteId("n"), PatientId("a"), "Ectopia lentis.")]
    made.put_records(records, origin="synthetic")
    mark = Annotation(AnnotationId("m"), NoteId("n"), 0, 14, ECTOPIA)
    wrong = Annotation(AnnotationId("w"), NoteId("n"), 0, 7, ANEMIA)
    made.append_annotations(
        [
            AnnotationEvent(AnnotationAction.ADD, mark, "ann", "2026-01-01T00:00:00Z"),
            AnnotationEvent(AnnotationAction.REJECT, wrong, "ann", "2026-01-01T00:00:01Z"),
        ]
    )
    return made


def test_the_vault_tells_what_was_observed_of_each_patient(vault: Vault) -> None:
    assert vault.observed_terms() == {
        "me": {ARACHNODACTYLY, ECTOPIA},
        "a": {ARACHNODACTYLY, ECTOPIA},
        "b": {LONG_TOES},
        "c": {ANEMIA},
    }


def test_the_most_alike_come_first_and_the_view_is_audited(vault: Vault, real_graph: CompiledGraph) -> None:
    mine = [Finding(ARACHNODACTYLY), Finding(ECTOPIA), Finding(ANEMIA, EXCLUDED)]
    found = similar_patients(vault, real_graph, "me", mine, count=2)
    assert [(other.patient_id, other.name) for other in found] == [("a", "Twin"), ("b", "Toes")]
    assert found[0].likeness == pytest.approx(1)
    assert found[0].likeness > found[1].likeness > 0
    assert set(found[0].shared) == {"Arachnodactyly", "Ectopia lentis"}
    event = vault.audit_events(1)[0]
    assert (event.action, event.record_id, event.detail) == ("similar-patients-shown", "me", "2 patients")


def test_who_may_open_no_chart_sees_no_patients_like_one(vault: Vault, real_graph: CompiledGraph) -> None:
    fast, passphrase = KdfParameters.fast_for_tests(), "another passphrase"
    add_user(vault, user="tom", passphrase=passphrase, role=Role.TRAINER, kdf=fast)
    path = vault.path
    vault.close()
    opened = Vault.open(path, user="tom", passphrase=passphrase)
    with opened, pytest.raises(PolicyError, match="open charts"):
        similar_patients(opened, real_graph, "me", [Finding(ARACHNODACTYLY)])


def test_diseases_are_examples_too(real_graph: CompiledGraph) -> None:
    found = similar_diseases(real_graph, [Finding(ARACHNODACTYLY), Finding(ECTOPIA)], count=4)
    assert len(found) == 4
    assert [d.likeness for d in found] == sorted((d.likeness for d in found), reverse=True)
    assert all("Arachnodactyly" in d.shared or "Ectopia lentis" in d.shared for d in found[:1])
    assert similar_diseases(real_graph, []) == ()


@pytest.mark.slow
def test_names_are_shown_for_a_patient_of_the_vault_only(
    vault: Vault,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    public_cache: Path,
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(public_cache))
    monkeypatch.setattr("app.cli.sign_in.read_passphrase", lambda _arguments: "long enough for a test")
    vault.close()
    argv = ["similar", "--json", "--vault", str(vault.path), "--user", "ann", "--patient", "me"]
    assert main(argv) == 0
    value = json.loads(capsys.readouterr().out)
    assert [p["name"] for p in value["patients"]][:2] == ["Twin", "Toes"]
    assert main(["similar", "--json", "--findings", ARACHNODACTYLY]) == 0
    assert json.loads(capsys.readouterr().out)["patients"] == []
