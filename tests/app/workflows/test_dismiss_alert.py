"""An alert is put aside by those who may decide; the audit log says who, which rule, what reason."""

from pathlib import Path

import pytest

from app.clinical.ids import PatientId
from app.errors import PolicyError, VaultError
from app.store.header import Role
from app.store.key_derivation import KdfParameters
from app.store.people import add_user
from app.store.vault import Vault
from app.workflows.dismiss_alert import DismissReason, dismiss_alert, restore_alert

ANN = PatientId("ann")
FAST = KdfParameters.fast_for_tests()
SECRET = "correct horse battery staple"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "clinic.vault"
    vault, _ = Vault.create(place, user="ada", passphrase=SECRET, kdf=FAST)
    add_user(vault, user="bob", passphrase=SECRET, role=Role.ANNOTATOR, kdf=FAST)
    vault.close()
    return place


def test_who_which_rule_and_what_kind_of_reason_and_nothing_else(path: Path) -> None:
    with Vault.open(path, user="ada", passphrase=SECRET) as vault:
        dismiss_alert(vault, ANN, "meningitis", DismissReason.WRONG_FINDING)
        restore_alert(vault, ANN, "meningitis")
        told = [(e.user, e.action, e.record_id, e.detail) for e in vault.audit_events(2)]
    assert told == [
        ("ada", "alert-restored", ANN, "rule meningitis"),
        ("ada", "alert-dismissed", ANN, "rule meningitis, reason wrong_finding"),
    ]


def test_one_who_may_not_decide_puts_no_alert_aside(path: Path) -> None:
    with Vault.open(path, user="bob", passphrase=SECRET) as vault:
        with pytest.raises(PolicyError, match="may not confirm or reject"):
            dismiss_alert(vault, ANN, "meningitis", DismissReason.OTHER)
        assert vault.audit_events(1)[0].action == "vault-opened"


def test_what_can_not_be_audited_is_not_put_aside(path: Path) -> None:
    with (
        Vault.open(path, user="ada", passphrase=SECRET, read_only=True) as vault,
        pytest.raises(VaultError, match="nothing can be changed"),
    ):
        dismiss_alert(vault, ANN, "meningitis", DismissReason.TREATED)
