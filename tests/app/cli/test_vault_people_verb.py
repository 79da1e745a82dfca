"""Who may open a vault, at the command line: devices, new keys, roles, lost passphrases, emergencies."""

import io
import json
import sys
from pathlib import Path

import pytest

from app.cli.main import main
from app.store import device_secret
from app.store.header import RECOVERY
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault
from tests.app.cli.signed_in import SECRET, run
from tests.app.store.device_keyring import Keyring


def test_a_slot_is_bound_to_the_device_shown_so_and_unbound(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keyring = Keyring()
    monkeypatch.setattr(device_secret, "system_store", lambda: keyring)
    assert run(monkeypatch, f"vault bind-device --vault {path}") == 0
    told = capsys.readouterr().out
    assert "recovery words" in told
    assert "vault rekey" in told
    assert run(monkeypatch, f"vault status --vault {path} --json") == 0
    assert json.loads(capsys.readouterr().out)["users"] == [
        {"user": "ann", "role": "clinician", "bound_to_device": True}
    ]
    assert run(monkeypatch, f"vault bind-device --vault {path}") == 2
    capsys.readouterr()
    kept, keyring.kept = keyring.kept, {}
    assert run(monkeypatch, f"vault unbind-device --vault {path}") == 1
    assert capsys.readouterr().err.count("bound to another device") == 1
    keyring.kept = kept
    assert run(monkeypatch, f"vault unbind-device --vault {path} --json") == 0
    assert json.loads(capsys.readouterr().out) == {"unbound": "ann"}


def test_rekey_shows_the_new_words_and_who_was_left_out(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, f"vault rekey --vault {path} --json") == 0
    out, err = capsys.readouterr()
    shown, told = json.loads(out), [json.loads(line)["progress"] for line in err.splitlines()]
    assert told[0] == "checking every page of the vault"
    assert told[-1] == "done: the vault has a new data key"
    assert len(shown["recovery_words"].split()) == 12
    assert shown["add_again"] == []
    Vault.open(path, user=RECOVERY, passphrase=shown["recovery_words"]).close()


def test_the_recovery_words_open_however_they_are_written_and_replace_a_lost_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    vault, words = Vault.create(
        tmp_path / "v", user="ann", passphrase=SECRET, kdf=KdfParameters.fast_for_tests()
    )
    vault.close()
    numbered = "  ".join(f"{n}. {word.upper()}" for n, word in enumerate(words.split(), 1))
    deed = f"vault passphrase --vault {tmp_path / 'v'} --user recovery --passphrase-stdin"

    def tell(secrets: str, *more: str) -> int:
        monkeypatch.setattr(sys, "stdin", io.StringIO(secrets))
        return main([*deed.split(), *more])

    assert tell(f"{numbered}\na brand new passphrase\n", "--name", "ann") == 0
    Vault.open(tmp_path / "v", user="ann", passphrase="a brand new passphrase").close()
    assert tell(f"{words}\nanother passphrase\n") == 2  # the words themselves stay
    assert tell(f"{words[:-1]}x\nanother passphrase\n", "--name", "ann") == 1
    assert "check the spelling" in capfd.readouterr().err
    monkeypatch.setattr(sys, "stdin", io.StringIO("a brand new passphrase\nanother passphrase\n"))
    assert main([*deed.replace("user recovery", "user ann").split(), "--name", "ann"]) == 2


def test_where_the_policy_asks_an_administrator_must_agree_to_who_gets_access(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policy.toml").write_text("people_need_administrator = true")
    monkeypatch.setattr("app.config.policy.policy_path", lambda: tmp_path / "policy.toml")
    add, it, bob = f"vault add-user --vault {path} --name", "secret of the it", "secret of bob"
    assert run(monkeypatch, f"{add} bob", stdin=f"{SECRET}\n{bob}\n") == 1
    assert "first add one" in capfd.readouterr().err
    assert run(monkeypatch, f"{add} it --role administrator", stdin=f"{SECRET}\n{it}\n") == 0
    assert run(monkeypatch, f"{add} bob", stdin=f"{SECRET}\n{bob}\n") == 1
    assert "--administrator" in capfd.readouterr().err
    agreed = f"{add} bob --administrator it"
    assert run(monkeypatch, agreed, stdin=f"{SECRET}\n{bob}\n{bob}\n") == 1
    assert run(monkeypatch, agreed, stdin=f"{SECRET}\n{bob}\n{it}\n") == 0
    capfd.readouterr()
    assert run(monkeypatch, f"audit show --json --vault {path}") == 0
    told = {e["detail"] for e in json.loads(capfd.readouterr().out)["events"]}
    assert "bob as clinician, approved by it" in told


def test_a_person_gets_another_role_by_her_own_passphrase_and_an_administrators_word(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    bob, it = "secret of bob", "secret of the it"
    for name, role in (("bob", "annotator"), ("it", "administrator")):
        add = f"vault add-user --vault {path} --name {name} --role {role}"
        assert run(monkeypatch, add, stdin=f"{SECRET}\n{bob if name == 'bob' else it}\n") == 0
    (tmp_path / "policy.toml").write_text("people_need_administrator = true")
    monkeypatch.setattr("app.config.policy.policy_path", lambda: tmp_path / "policy.toml")
    change = f"vault change-role --vault {path} --name bob --role trainer"
    assert run(monkeypatch, change, stdin=f"{SECRET}\n{bob}\n") == 1
    assert "--administrator" in capfd.readouterr().err
    assert run(monkeypatch, f"{change} --administrator it", stdin=f"{SECRET}\n{bob}\n{it}\n") == 0
    capfd.readouterr()
    assert run(monkeypatch, f"vault status --json --vault {path}") == 0
    users = json.loads(capfd.readouterr().out)["users"]
    assert {"user": "bob", "role": "trainer", "bound_to_device": False} in users


def test_a_trainer_opens_notes_with_a_reason_alone_and_the_officer_reviews_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, role in (("tom", "trainer"), ("olga", "privacy-officer")):
        add = f"vault add-user --vault {path} --name {name} --role {role}"
        assert run(monkeypatch, add, stdin=f"{SECRET}\nsecret of {name}\n") == 0

    def as_user(name: str, *words: str) -> int:
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"secret of {name}\n"))
        return main([*words, "--vault", str(path), "--user", name, "--passphrase-stdin"])

    assert as_user("tom", "notes", "fever") == 1
    assert "break the glass" in capfd.readouterr().err
    assert as_user("tom", "notes", "fever", "--break-glass", "Ward round, nobody else here") == 0
    assert as_user("tom", "audit", "emergencies", "--reviewed") == 1
    capfd.readouterr()
    assert as_user("olga", "audit", "emergencies", "--reviewed") == 0
    assert "Ward round" in capfd.readouterr().out
    assert as_user("olga", "audit", "emergencies") == 0
    assert "Ward round" not in capfd.readouterr().out
