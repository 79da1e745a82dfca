"""Self-test of the store: SQLCipher, a real vault on disk, an import, and the keys that sign."""

from importlib.resources import files
from pathlib import Path

from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.config.policy import Policy
from app.errors import PartBroken, VaultLocked
from app.exchange.confinement import GUARD, NAMESPACE, SECCOMP
from app.exchange.reader import ReadPlan
from app.exchange.source_file import SourceFile
from app.store.check import check_vault, cipher_facts
from app.store.database import NAME
from app.store.header import Role
from app.store.key_derivation import KdfParameters
from app.store.people import add_user
from app.store.signing_keys import officer_private_key, officer_public_keys, site_private_key
from app.store.vault import Vault
from app.workflows.foreign_gate import ForeignGate
from app.workflows.import_records import ImportReport, import_records
from ml.federated.keys import PREFIX, public_text

USER, PASSPHRASE = "tester", "a passphrase for a self-test"
OFFICER, OFFICER_PASSPHRASE = "officer", "another passphrase for a self-test"
WORD = "arachnodactyly"
PLAIN_HEAD = b"SQLite format 3"
REINSTALL = "install the program again"
_WAYS = {SECCOMP: "the kernel (seccomp)", NAMESPACE: "the kernel (namespaces)", GUARD: "a guard in Python"}


def check_cipher(folder: Path) -> str:
    """SQLCipher is there, with full-text search and authenticated pages."""
    vault, _ = Vault.create(folder / "cipher.vault", user=USER, passphrase=PASSPHRASE, kdf=_cheap())
    with vault:
        facts = cipher_facts(vault)
    if not facts.version:
        raise PartBroken(f"this SQLite does not encrypt; {REINSTALL}, its package sqlcipher3 was exchanged")
    if not facts.full_text:
        raise PartBroken(f"SQLCipher {facts.version} lacks the full-text index FTS5; {REINSTALL}")
    return f"SQLCipher {facts.version}, {facts.page_key}, FTS5"


def check_vault_on_disk(folder: Path) -> str:
    """Create, write, close, refuse a wrong passphrase, open, read, search; nothing lies in the clear."""
    path = folder / "records.vault"
    patient = Patient(PatientId("self-test"), name="Synthetic Patient")
    note = Note(NoteId("self-test-note"), patient.id, f"A synthetic patient with {WORD}.")
    made, _ = Vault.create(path, user=USER, passphrase=PASSPHRASE)
    with made:
        made.put_records([patient, note], origin="self-test")
    _wrong_passphrase_is_refused(path)
    with Vault.open(path, user=USER, passphrase=PASSPHRASE) as vault:
        if vault.note(note.id).text != note.text or len(vault.search_notes(WORD)) != 1:
            raise PartBroken(f"the vault does not give back what was written; {REINSTALL}")
        found = check_vault(vault)
    if not found.sound:
        raise PartBroken(f"a fresh vault fails its check ({found.problems[0]}); test this disk")
    data = (path / NAME).read_bytes()
    if data.startswith(PLAIN_HEAD) or WORD.encode() in data:
        raise PartBroken(f"the vault lies in the clear on the disk; put no record in it and {REINSTALL}")
    return "written, closed, opened, read and searched; a wrong passphrase is refused"


def check_import(folder: Path) -> str:
    """The embedded FHIR files go into a vault; a second time they change nothing."""
    paths = _own_fhir_files()
    vault, _ = Vault.create(folder / "import.vault", user=USER, passphrase=PASSPHRASE, kdf=_cheap())
    with vault:
        first, again = (_imported(vault, paths) for _ in range(2))
    if not paths or first.refused or not first.added or again.added or again.changed:
        raise PartBroken(f"the program's own FHIR files are not imported as they should be; {REINSTALL}")
    return f"{first.files} FHIR files, {first.added} records; a second import changes nothing"


def check_reader() -> str:
    """Foreign files are read by a confined process; what keeps it off the network."""
    file = SourceFile(_own_fhir_files()[0])
    with ForeignGate(ReadPlan(), {}) as gate:
        list(gate.learn(file))
        if not any(packed.items for packed in gate.read(file)):
            raise PartBroken(f"the process that reads foreign files finds nothing in one; {REINSTALL}")
        way = gate.network
    remedy = " only; install the system's libseccomp" if way == GUARD else ""
    return f"a process of its own, kept off the network by {_WAYS[way]}{remedy}"


def check_signing_keys(folder: Path) -> str:
    """The site's key lies in the vault, the officer's opens by her passphrase alone."""
    vault, _ = Vault.create(folder / "keys.vault", user=USER, passphrase=PASSPHRASE, kdf=_cheap())
    with vault:
        add_user(vault, user=OFFICER, passphrase=OFFICER_PASSPHRASE, role=Role.PRIVACY_OFFICER, kdf=_cheap())
        site, officer = site_private_key(vault), officer_private_key(vault, OFFICER_PASSPHRASE)
        told = PREFIX + officer_public_keys(vault)[OFFICER]
        try:
            officer_private_key(vault, PASSPHRASE)
        except VaultLocked:
            pass
        else:
            raise PartBroken(f"a clinician's passphrase opens the privacy officer's key; {REINSTALL}")
    if public_text(officer) != told or public_text(site) == told:
        raise PartBroken(f"the signing keys do not fit their public halves; {REINSTALL}")
    return "the site's and the privacy officer's, made and opened"


def _wrong_passphrase_is_refused(path: Path) -> None:
    try:
        Vault.open(path, user=USER, passphrase=PASSPHRASE.upper()).close()
    except VaultLocked:
        return
    raise PartBroken(f"a wrong passphrase opens the vault; put no record in it and {REINSTALL}")


def _own_fhir_files() -> list[Path]:
    source = Path(str(files("resources") / "demo"))
    return sorted(path for path in source.iterdir() if path.suffix in (".json", ".ndjson"))


def _imported(vault: Vault, paths: list[Path]) -> ImportReport:
    *_, report = import_records(vault, paths, policy=Policy())
    assert isinstance(report, ImportReport)
    return report


def _cheap() -> KdfParameters:
    """What is tested in these vaults is not the derivation; `check_vault_on_disk` pays its full cost."""
    return KdfParameters.fast_for_tests()
