"""What a vault refuses, it refuses in one line and without changing a byte of its folder."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import UsageError, VaultDamaged, VaultError, VaultLocked, VaultTooNew
from app.store.check import check_vault
from app.store.header import VERSION, Role
from app.store.people import add_user
from app.store.vault import Vault
from tests.app.store.disk_states import digest
from tests.app.store.refusal import FAST, SCRATCH, SECRET, assert_refused, open_it

ROOT = Path(__file__).parents[3]


def test_a_cleanly_closed_vault_is_one_database_file_and_reading_leaves_no_trace(path: Path) -> None:
    before = digest(path)
    assert "vault.db-wal" not in before
    with open_it(path, read_only=True) as vault:
        assert vault.patient_count() == 1
    assert digest(path) == before


def test_after_a_power_loss_every_acknowledged_commit_is_there(stopped: Path) -> None:
    assert (stopped / "vault.db-wal").stat().st_size > 0
    with open_it(stopped) as vault:
        assert [vault.setting(f"s{n}") for n in range(5)] == ["x" * 500] * 5
        assert check_vault(vault).sound


@pytest.mark.parametrize(
    "make", ["missing", "empty folder", "plain file", "other header", "header is a list"]
)
def test_what_is_no_vault_is_said_to_be_none(tmp_path: Path, make: str) -> None:
    path = tmp_path / "x"
    if make == "plain file":
        path.write_bytes(b"hello")
    elif make != "missing":
        path.mkdir()
    if make == "other header":
        (path / "header.json").write_text('{"format": "luks"}', "utf-8")
    if make == "header is a list":
        (path / "header.json").write_text("[1]", "utf-8")
    assert_refused(tmp_path / "x", VaultDamaged, "no vault|no folder|not the header")
    assert path.exists() == (make != "missing")


def test_a_missing_database_is_not_made_anew(path: Path) -> None:
    (path / "vault.db").unlink()
    assert_refused(path, VaultDamaged, "missing or empty")


@pytest.mark.parametrize("part", [0.0, 0.2, 0.7, 0.999])
def test_a_truncated_header_is_refused(path: Path, part: float) -> None:
    whole = (path / "header.json").read_bytes()
    (path / "header.json").write_bytes(whole[: int(len(whole) * part)])
    assert_refused(path, VaultDamaged, "cut|altered")


@pytest.mark.parametrize("size", [1, 15, 100, 4095, 4096, 6000])
def test_a_database_cut_within_its_first_pages_is_refused(path: Path, size: int) -> None:
    (path / "vault.db").write_bytes((path / "vault.db").read_bytes()[:size])
    assert_refused(path, VaultDamaged, "cut, altered or exchanged")


def test_another_vaults_database_is_refused(path: Path, tmp_path: Path) -> None:
    Vault.create(tmp_path / "o", user="ann", passphrase=SECRET, kdf=FAST)[0].close()
    shutil.copy(tmp_path / "o" / "vault.db", path / "vault.db")
    assert_refused(path, VaultDamaged, "exchanged")


def test_a_plain_sqlite_file_is_refused(path: Path) -> None:
    import sqlite3

    (path / "vault.db").unlink()
    with sqlite3.connect(path / "vault.db") as plain:
        plain.execute("CREATE TABLE meta (a)")
    plain.close()
    assert_refused(path, VaultDamaged, "exchanged")


@pytest.mark.parametrize("name", ["version", "vault_id", "slots", "mac", "kdf", "role"])
def test_a_header_with_any_field_altered_is_refused(path: Path, name: str) -> None:
    text = (path / "header.json").read_text("utf-8")
    raw = json.loads(text)
    changed = {
        "version": lambda: raw.pop("version"),
        "vault_id": lambda: raw.update(vault_id="other"),
        "slots": lambda: raw["slots"].pop(),
        "mac": lambda: raw.update(mac="é" * 64),
        "kdf": lambda: raw["slots"][0]["kdf"].update(time_cost=2),
        "role": lambda: raw["slots"][0].update(role="privacy-officer"),
    }
    changed[name]()
    (path / "header.json").write_text(json.dumps(raw, indent=1), "utf-8")
    assert_refused(path, VaultError, "altered|wrong")


@pytest.mark.parametrize(
    ("field", "value"),
    [("salt", "00"), ("nonce", ""), ("nonce", "00" * 4), ("wrapped", "ab"), ("salt", "zz")],
)
def test_slot_fields_of_a_wrong_length_are_refused(path: Path, field: str, value: str) -> None:
    raw = json.loads((path / "header.json").read_text("utf-8"))
    raw["slots"][0][field] = value
    (path / "header.json").write_text(json.dumps(raw, indent=1), "utf-8")
    assert_refused(path, VaultDamaged, "altered")


@pytest.mark.slow
def test_no_flipped_bit_of_a_header_passes(path: Path) -> None:
    header, dice = path / "header.json", random.Random(7)
    whole = header.read_bytes()
    for at in [*dice.sample(range(len(whole)), 60), len(whole) - 1, 0]:
        flipped = bytearray(whole)
        flipped[at] ^= 1 << dice.randrange(8)
        header.write_bytes(flipped)
        with pytest.raises(VaultError):
            open_it(path)


@pytest.mark.slow
def test_no_flipped_bit_of_a_database_passes_in_silence(path: Path) -> None:
    database, dice = path / "vault.db", random.Random(8)
    whole, anchors = database.read_bytes(), digest(path, without=("vault.db",))
    for at in dice.sample(range(len(whole)), 25):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << dice.randrange(8)
        database.write_bytes(flipped)
        try:
            with open_it(path, read_only=True) as vault:
                assert not check_vault(vault).sound
        except VaultDamaged:
            pass
        assert digest(path, without=("vault.db", *SCRATCH, "vault.db-wal")) == anchors


def newer(path: Path, into: Path) -> Path:
    with open_it(path) as vault:
        vault.session().connection().execute("PRAGMA user_version = 99")
        return Path(shutil.copytree(path, into, ignore=shutil.ignore_patterns(*SCRATCH)))


def test_a_newer_schema_is_refused_with_its_log_untouched(path: Path, tmp_path: Path) -> None:
    state = newer(path, tmp_path / "newer")
    assert (state / "vault.db-wal").stat().st_size > 0
    assert_refused(state, VaultTooNew, "update the program")


def test_a_newer_header_is_refused(path: Path) -> None:
    raw = json.loads((path / "header.json").read_text("utf-8"))
    (path / "header.json").write_text(json.dumps({**raw, "version": VERSION + 1}), "utf-8")
    assert_refused(path, VaultTooNew, "update the program")


def test_a_passphrase_is_the_same_however_it_was_composed(tmp_path: Path) -> None:
    composed, decomposed = "Z\u00fcrich caf\u00e9 12", "Zu\u0308rich cafe\u0301 12"
    Vault.create(tmp_path / "v", user="j\u00f6rg", passphrase=composed, kdf=FAST)[0].close()
    with Vault.open(tmp_path / "v", user="jo\u0308rg", passphrase=decomposed) as vault:
        assert vault.patient_count() == 0
    with pytest.raises(VaultLocked):
        Vault.open(tmp_path / "v", user="j\u00f6rg", passphrase=composed.upper())


@pytest.mark.parametrize(
    ("user", "secret", "says"),
    [
        ("", SECRET, "name"),
        ("a\nb", SECRET, "printable"),
        ("x" * 300, SECRET, "200"),
        ("recovery", SECRET, "belongs to"),
        ("ann", "broken \udcff text", "valid Unicode"),
        ("br\udcff", SECRET, "valid Unicode"),
    ],
)
def test_names_and_passphrases_that_cannot_serve_are_refused(
    tmp_path: Path, user: str, secret: str, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        Vault.create(tmp_path / "v", user=user, passphrase=secret, kdf=FAST)
    assert not (tmp_path / "v").exists()


def test_nobody_can_take_the_name_of_the_recovery_slot(path: Path) -> None:
    with open_it(path) as vault, pytest.raises(UsageError):
        add_user(vault, user="recovery", passphrase=SECRET, role=Role.CLINICIAN, kdf=FAST)


def test_only_the_owner_may_read_the_files(path: Path, tmp_path: Path) -> None:
    loose = tmp_path / "loose"
    loose.mkdir(mode=0o755)
    vault, _ = Vault.create(loose, user="ann", passphrase=SECRET, kdf=FAST)
    with vault:
        modes = {p.name: p.stat().st_mode & 0o077 for p in [loose, *loose.rglob("*")]}
    assert {"vault.db", "vault.db-wal", "header.json", "anchor.0", "writer.lock", "models"} <= modes.keys()
    assert set(modes.values()) == {0}


def everything_told(action: Callable[[], object]) -> str:
    import traceback

    try:
        action()
    except Exception as error:
        return "".join(traceback.format_exception(error))
    raise AssertionError("it was not refused")


def test_no_key_and_no_passphrase_stands_in_an_error_or_a_repr(path: Path) -> None:
    wrong = SECRET[::-1]
    with open_it(path) as vault:
        key = vault.data_key()
        told = (
            repr(vault) + repr(vault.session()) + repr(vault.session().anchors) + repr(vault.session().chain)
        )
    whole = (path / "vault.db").read_bytes()
    (path / "vault.db").write_bytes(whole[:4096] + b"\0" * (len(whole) - 4096))
    told += everything_told(lambda: open_it(path))
    told += everything_told(lambda: Vault.open(path, user="ann", passphrase=wrong))
    for secret in (key.hex(), repr(key)[2:-1], SECRET, wrong):
        assert secret not in told


def test_a_wrong_key_writes_nothing_to_stderr(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (path / "vault.db").write_bytes(bytes(8192))
    with pytest.raises(VaultDamaged):
        open_it(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["header.json", "vault.db"])
def test_a_link_in_the_place_of_a_file_is_refused(path: Path, tmp_path: Path, name: str) -> None:
    (path / name).rename(tmp_path / "elsewhere")
    (path / name).symlink_to(tmp_path / "elsewhere")
    assert_refused(path, VaultDamaged, "is a link|cannot be read")


def test_a_vault_may_be_named_by_a_link_to_its_folder(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(path)
    with open_it(tmp_path / "link") as vault:
        assert vault.patient_count() == 1


READ = """
import sys
from pathlib import Path
from app.store.vault import Vault
from app.errors import VaultError
for read_only in (True, False):
    try:
        path = Path(sys.argv[1])
        with Vault.open(path, user="ann", passphrase=sys.argv[2], read_only=read_only) as vault:
            print(vault.patient_count())
    except VaultError as error:
        print(error)
"""


@pytest.mark.slow
def test_a_folder_that_may_not_be_written_can_be_read(path: Path) -> None:
    powers = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    if powers and shutil.which("setpriv") is None:
        pytest.skip("root may write everywhere, and there is no setpriv to give that up")
    before = digest(path)
    path.chmod(0o500)
    command = [*powers, sys.executable, "-c", READ, str(path), SECRET]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    path.chmod(0o700)
    read, refused = done.stdout.splitlines()
    assert read == "1"
    assert "can't be opened for writing" in refused
    assert digest(path) == before
