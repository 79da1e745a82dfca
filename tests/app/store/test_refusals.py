"""What a vault refuses, it refuses in one line and without changing a byte of its folder."""

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.errors import UsageError, VaultDamaged, VaultError, VaultLocked, VaultTooNew
from app.store.check import check_vault
from app.store.header import Role
from app.store.key_derivation import KdfParameters
from app.store.people import add_user
from app.store.vault import Vault
from tests.app.store.disk_states import digest

FAST = KdfParameters.fast_for_tests()
SECRET = "correct horse battery"
ROOT = Path(__file__).parents[3]
SCRATCH = ("vault.db-shm",)  # SQLite's shared memory: rebuilt at every opening, never read after a stop


def open_it(path: Path, *, read_only: bool = False) -> Vault:
    return Vault.open(path, user="ann", passphrase=SECRET, read_only=read_only)


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A vault closed cleanly, and the same as a power loss leaves it: commits in the write-ahead log."""
    folder = tmp_path_factory.mktemp("refusals")
    vault, _ = Vault.create(folder / "clean", user="ann", passphrase=SECRET, kdf=FAST)
    ada = PatientId("p-1")
    vault.put_records([Patient(ada, "Ada Sample"), Note(NoteId("n"), ada, "Seizures.")], origin="t")
    vault.close()
    shutil.copytree(folder / "clean", folder / "live")
    with open_it(folder / "live") as vault:
        for number in range(5):
            vault.set_setting(f"s{number}", "x" * 500)
        shutil.copytree(folder / "live", folder / "stopped", ignore=shutil.ignore_patterns(*SCRATCH))
    return {"clean": folder / "clean", "stopped": folder / "stopped"}


@pytest.fixture
def path(templates: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(templates["clean"], tmp_path / "v"))


@pytest.fixture
def stopped(templates: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(templates["stopped"], tmp_path / "v"))


def assert_refused(path: Path, error: type[VaultError], says: str) -> None:
    before = digest(path, without=SCRATCH)
    for read_only in (False, True):
        with pytest.raises(error, match=says) as refused:
            open_it(path, read_only=read_only)
        assert "\n" not in str(refused.value)
        assert SECRET not in str(refused.value)
        assert digest(path, without=SCRATCH) == before


def assert_only_reads(path: Path, says: str) -> None:
    before = digest(path, without=SCRATCH)
    with open_it(path) as vault:
        assert says in str(vault.read_only_because)
        with pytest.raises(VaultError, match="nothing can be changed"):
            vault.set_setting("a", "1")
        assert vault.patient_count() <= 1
    assert digest(path, without=SCRATCH) == before


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
    assert_refused(tmp_path / "x", VaultDamaged, "no vault|not the header")
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


@pytest.mark.slow
def test_a_cut_or_altered_log_is_said_and_nothing_is_changed(stopped: Path, tmp_path: Path) -> None:
    dice, size = random.Random(9), (stopped / "vault.db-wal").stat().st_size
    for turn in range(24):
        state = Path(shutil.copytree(stopped, tmp_path / f"s{turn}"))
        log = state / "vault.db-wal"
        data = bytearray(log.read_bytes())
        at = dice.randrange(32, size)
        if turn % 2:
            del data[at:]
        else:
            data[at] ^= 1 << dice.randrange(8)
        log.write_bytes(data)
        before = digest(state, without=SCRATCH)
        try:
            with open_it(state) as vault:
                assert "older than the vault's anchor" in str(vault.read_only_because)
        except VaultDamaged:
            pass
        assert digest(state, without=SCRATCH) == before


def test_a_lost_log_is_said_and_nothing_is_changed(stopped: Path) -> None:
    (stopped / "vault.db-wal").unlink()
    before = digest(stopped, without=SCRATCH)
    with open_it(stopped) as vault:
        assert "older than the vault's anchor" in str(vault.read_only_because)
    after = digest(stopped, without=SCRATCH)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) <= {"vault.db-wal"}
    assert after.get("vault.db-wal", digest_of_nothing()) == digest_of_nothing()


def digest_of_nothing() -> str:
    import hashlib

    return hashlib.sha256(b"").hexdigest()


def test_an_older_database_put_back_opens_read_only_and_says_so(path: Path) -> None:
    old = (path / "vault.db").read_bytes()
    with open_it(path) as vault:
        vault.set_setting("a", "1")
    (path / "vault.db").write_bytes(old)
    assert_only_reads(path, "older than the vault's anchor")


def test_a_database_that_is_ahead_of_its_anchor_opens_read_only(path: Path) -> None:
    anchors = {n: (path / n).read_bytes() for n in ("anchor.0", "anchor.1")}
    with open_it(path) as vault:
        vault.set_setting("a", "1")
        vault.set_setting("b", "1")
    for name, data in anchors.items():
        (path / name).write_bytes(data)
    assert_only_reads(path, "different histories")


@pytest.mark.parametrize("damage", [b"", b"x", b"x" * 600])
def test_both_anchors_altered_open_read_only(path: Path, damage: bytes) -> None:
    for name in ("anchor.0", "anchor.1"):
        (path / name).write_bytes(damage)
    assert_only_reads(path, "missing or altered")


def test_the_older_anchor_removed_may_hide_a_commit_and_is_said(path: Path) -> None:
    slots = {n: (path / n).read_bytes() for n in ("anchor.0", "anchor.1")}
    with open_it(path):
        pass  # one commit: its anchor takes the older slot
    (older,) = (n for n in slots if (path / n).read_bytes() == slots[n])
    (path / older).unlink()
    assert_only_reads(path, "one of the vault's two anchors")


def test_the_newest_commit_and_its_anchor_taken_away_together_are_said(path: Path) -> None:
    with open_it(path) as vault:
        vault.set_setting("a", "1")
    before = (path / "vault.db").read_bytes()
    slots = {n: (path / n).read_bytes() for n in ("anchor.0", "anchor.1")}
    with open_it(path) as vault:
        pass
    (changed,) = (n for n in slots if (path / n).read_bytes() != slots[n])
    (path / "vault.db").write_bytes(before)
    (path / changed).unlink()
    assert_only_reads(path, "perhaps the newest one")


def test_the_anchors_of_another_vault_are_not_believed(path: Path, tmp_path: Path) -> None:
    Vault.create(tmp_path / "o", user="ann", passphrase=SECRET, kdf=FAST)[0].close()
    for name in ("anchor.0", "anchor.1"):
        shutil.copy(tmp_path / "o" / name, path / name)
    assert_only_reads(path, "missing or altered")


def test_a_stop_between_commit_and_anchor_loses_nothing(path: Path) -> None:
    old = {n: (path / n).read_bytes() for n in ("anchor.0", "anchor.1")}
    with open_it(path) as vault:  # one commit: "vault-opened"
        pass
    for torn in (False, True):
        for name, data in old.items():
            changed = (path / name).read_bytes() != data
            (path / name).write_bytes(data[:100] if torn and changed else data)
        state = shutil.copytree(path, path.with_name(f"torn-{torn}"))
        with open_it(Path(state)) as vault:
            assert not vault.read_only
            assert check_vault(vault).sound


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
    (path / "header.json").write_text(json.dumps({**raw, "version": 2}), "utf-8")
    assert_refused(path, VaultTooNew, "update the program")


HOLD = """
import sys
from pathlib import Path
from app.store.vault import Vault
with Vault.open(Path(sys.argv[1]), user="ann", passphrase=sys.stdin.readline().rstrip()) as vault:
    print("open", flush=True)
    for line in sys.stdin:
        vault.set_setting("turn", line)
        print("done", flush=True)
"""


@pytest.fixture
def holder(path: Path) -> "subprocess.Popen[str]":
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(SECRET + "\n")
    child.stdin.flush()
    assert child.stdout.readline() == "open\n"
    return child


@pytest.mark.slow
def test_a_second_process_is_told_and_may_read_while_the_first_writes(
    path: Path, holder: "subprocess.Popen[str]"
) -> None:
    before = digest(path, without=SCRATCH)
    with pytest.raises(VaultLocked, match="another window or process"):
        open_it(path)
    assert digest(path, without=SCRATCH) == before
    assert holder.stdin is not None
    assert holder.stdout is not None
    for _ in range(30):
        holder.stdin.write("x\n")
        holder.stdin.flush()
        with open_it(path, read_only=True) as reader:  # in the middle of commits and anchors
            assert "opened read-only" in str(reader.read_only_because)
            assert reader.verify_audit().intact
        assert holder.stdout.readline() == "done\n"
    holder.communicate()
    with open_it(path) as vault:
        assert not vault.read_only


@pytest.mark.slow
def test_a_killed_process_gives_the_writers_place_back_and_loses_nothing(
    path: Path, holder: "subprocess.Popen[str]"
) -> None:
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdin.write("kept\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "done\n"
    holder.kill()
    holder.communicate()
    with open_it(path) as vault:
        assert vault.setting("turn") == "kept\n"
        assert check_vault(vault).sound


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
        ("ann", "short", "at least 8"),
        ("ann", "e\u0301" * 5, "at least 8"),
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


def test_when_the_anchor_cannot_be_written_the_vault_stops_and_loses_nothing(path: Path) -> None:
    vault = open_it(path)
    kept = {n: (path / n).read_bytes() for n in ("anchor.0", "anchor.1")}
    for name in kept:
        (path / name).unlink()
        (path / name).mkdir()
    with pytest.raises(VaultError, match="anchor file could not be written"):
        vault.set_setting("a", "1")
    with pytest.raises(VaultError, match="nothing can be changed"):
        vault.set_setting("b", "1")
    vault.close()
    for name, data in kept.items():
        (path / name).rmdir()
        (path / name).write_bytes(data)
    with open_it(path) as again:
        assert not again.read_only
        assert (again.setting("a"), again.setting("b")) == ("1", None)


def test_a_folder_that_may_not_be_written_can_be_read(path: Path) -> None:
    if _is_root():
        pytest.skip("root may write everywhere; the container has no read-only folder to offer")
    path.chmod(0o500)
    with open_it(path, read_only=True) as vault:
        assert vault.patient_count() == 1
    path.chmod(0o700)


def _is_root() -> bool:
    import os

    return os.geteuid() == 0
