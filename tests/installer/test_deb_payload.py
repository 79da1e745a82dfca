"""What the packages put on a machine, from tiny frozen folders packed for real with dpkg-deb."""

import argparse
import configparser
import gzip
import importlib
import shutil
import subprocess
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from app.cli.verbs import VERBS
from app.config.model_gates import ReportGroup
from app.config.policy import Policy, load_policy
from installer.deb import payload
from installer.deb.archive import pack
from installer.deb.manual import manual_page
from installer.deb.package import POLICY, PROGRAM, TRAINER, control_text, write_control

FILES = payload.FILES
RELEASE = payload.Release(version="1.2", epoch_s=1_700_000_000)
MIME = "{http://www.freedesktop.org/standards/shared-mime-info}"
needs_dpkg_deb = pytest.mark.skipif(
    shutil.which("dpkg-deb") is None, reason="dpkg-deb, of the Debian package dpkg, is not on this machine"
)


def frozen_folder(folder: Path, name: str, **files: bytes) -> Path:
    """A stand-in for what PyInstaller makes."""
    (folder / "_internal").mkdir(parents=True)
    (folder / name).write_text("#!/bin/sh\nexit 0\n")
    (folder / name).chmod(0o755)
    for file, content in files.items():
        (folder / "_internal" / f"{file}.so").write_bytes(content)
    return folder


def program_tree(folder: Path) -> Path:
    """The light package laid out over a tiny program."""
    frozen = frozen_folder(folder / "frozen", "anamnesis", library=b"x")
    payload.lay_program(folder / "tree", frozen, RELEASE)
    payload.lay_documents(folder / "tree", PROGRAM, RELEASE)
    return folder / "tree"


def packed_program(folder: Path) -> Path:
    """The light package's .deb."""
    tree = program_tree(folder)
    control = control_text(PROGRAM, version="1.2", architecture="all", installed_kib=1, libraries=[])
    write_control(tree, control, PROGRAM.conffiles)
    return pack(tree, folder / "out", RELEASE.epoch_s)


@needs_dpkg_deb
@pytest.mark.slow
def test_the_package_holds_exactly_these_files(tmp_path: Path) -> None:
    package = packed_program(tmp_path)
    assert package.name == "anamnesis_1.2_all.deb"
    listing = subprocess.run(
        ["dpkg-deb", "-c", str(package)], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(maxsplit=5) for line in listing.splitlines()]
    assert {row[1] for row in rows} == {"root/root"}
    files = {row[5]: row[0] for row in rows if not row[5].endswith("/")}
    assert files == {
        "./etc/anamnesis/policy.toml": "-rw-r--r--",
        "./usr/bin/anamnesis -> ../lib/anamnesis/program/anamnesis": "lrwxrwxrwx",
        "./usr/lib/anamnesis/program/_internal/library.so": "-rw-r--r--",
        "./usr/lib/anamnesis/program/anamnesis": "-rwxr-xr-x",
        "./usr/lib/systemd/system/anamnesis-backup@.service": "-rw-r--r--",
        "./usr/lib/systemd/system/anamnesis-backup@.timer": "-rw-r--r--",
        "./usr/share/applications/anamnesis.desktop": "-rw-r--r--",
        "./usr/share/doc/anamnesis/changelog.gz": "-rw-r--r--",
        "./usr/share/doc/anamnesis/copyright": "-rw-r--r--",
        "./usr/share/icons/hicolor/scalable/apps/anamnesis.svg": "-rw-r--r--",
        "./usr/share/man/man1/anamnesis.1.gz": "-rw-r--r--",
        "./usr/share/metainfo/org.anamnesis.Anamnesis.metainfo.xml": "-rw-r--r--",
        "./usr/share/mime/packages/anamnesis.xml": "-rw-r--r--",
    }


@needs_dpkg_deb
@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = packed_program(tmp_path / "first"), packed_program(tmp_path / "second")
    assert first.read_bytes() == second.read_bytes()


@needs_dpkg_deb
@pytest.mark.slow
def test_dpkg_sees_the_policy_as_a_conffile(tmp_path: Path) -> None:
    command = ["dpkg-deb", "--info", str(packed_program(tmp_path)), "conffiles"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"{POLICY}\n"


def test_the_trainer_links_to_what_the_program_has_byte_for_byte(tmp_path: Path) -> None:
    large, other = b"x" * payload.SHARED_FROM_BYTES, b"y" * payload.SHARED_FROM_BYTES
    program = frozen_folder(tmp_path / "p", "anamnesis", same=large, differs=large, small=b"x")
    trainer = frozen_folder(tmp_path / "t", "anamnesis-trainer", same=large, differs=other, small=b"x")
    payload.lay_program(tmp_path / "tree", program, RELEASE)
    payload.lay_trainer(tmp_path / "tree", trainer, program)
    laid = tmp_path / "tree/usr/lib/anamnesis/trainer/_internal"
    assert {path.name for path in laid.iterdir() if path.is_symlink()} == {"same.so"}
    assert (laid / "same.so").resolve() == (
        tmp_path / "tree/usr/lib/anamnesis/program/_internal/same.so"
    ).resolve()
    assert (laid / "differs.so").read_bytes() == other


def test_the_program_finds_the_trainer_where_the_package_puts_it() -> None:
    from installer.freeze import program_entry

    assert TRAINER.folder == "trainer"
    assert program_entry.TRAINER_NAME == "anamnesis-trainer"


def test_the_backup_unit_runs_a_command_that_the_program_understands() -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.read(FILES / "anamnesis-backup@.service")
    program, verb, *words = unit["Service"]["ExecStart"].replace("%f", "/srv/clinic.vault").split()
    assert program == "/usr/bin/anamnesis"
    parser = argparse.ArgumentParser(exit_on_error=False)
    importlib.import_module(next(v.module for v in VERBS if v.name == verb)).configure(parser)
    parsed = parser.parse_args(words)
    assert (parsed.deed, parsed.without_key, parsed.if_due) == ("backup", True, True)


def test_the_shipped_policy_says_nothing_but_the_defaults() -> None:
    policy = load_policy(FILES / "policy.toml")
    assert policy == Policy(source=FILES / "policy.toml")


def test_every_setting_is_in_the_shipped_policy_and_parses_when_taken_up(tmp_path: Path) -> None:
    lines = (FILES / "policy.toml").read_text("utf-8").splitlines()
    settings = [line for line in lines if line.startswith("#") and (" = " in line or line.startswith("#["))]
    taken_up = [line.removeprefix("#") for line in settings]
    edited = tmp_path / "policy.toml"
    edited.write_text("\n".join(taken_up), encoding="utf-8")
    policy = load_policy(edited)
    assert set(tomllib.loads("\n".join(taken_up))) == set(Policy.__slots__) - {"source"}
    assert policy.gates is not None
    assert None not in (getattr(policy.gates, name) for name in policy.gates.__struct_fields__)
    assert policy == Policy(
        epsilon_cap=8.0,
        backup_folder=Path("/srv/backup/anamnesis"),
        rules_file=Path("/etc/anamnesis/rules.toml"),
        question_costs=Path("/etc/anamnesis/costs.toml"),
        setting="rare_disease_clinic",
        gates=policy.gates,
        report_groups=(ReportGroup("heart", terms=("HP:0001626",)),),
        source=edited,
    )


def test_the_desktop_entry_starts_the_program_and_names_its_icon() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(FILES / "anamnesis.desktop", encoding="utf-8")
    entry = parser["Desktop Entry"]
    assert {"Type", "Name", "Exec", "Icon", "Categories"} <= set(entry)
    assert (entry["Exec"], entry["Icon"], entry["Type"]) == ("anamnesis", "anamnesis", "Application")
    assert all(entry[key].endswith(";") for key in ("Categories", "Keywords"))


def test_the_desktop_entry_is_valid_by_the_desktops_own_tool() -> None:
    tool = shutil.which("desktop-file-validate")
    if tool is None:
        pytest.skip("desktop-file-validate, of the Debian package desktop-file-utils, is not on this machine")
    done = subprocess.run(
        [tool, str(FILES / "anamnesis.desktop")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_update_files_have_a_type_of_their_own() -> None:
    types = ElementTree.parse(FILES / "anamnesis-mime.xml").getroot().findall(f"{MIME}mime-type")
    assert [kind.get("type") for kind in types] == ["application/x-anamnesis-update"]
    assert [glob.get("pattern") for glob in types[0].findall(f"{MIME}glob")] == ["*.fedupdate"]


def test_the_metainfo_names_the_release_the_entry_and_the_type() -> None:
    root = ElementTree.fromstring(payload.metainfo("1.2", "2026-01-01"))
    release = root.find("releases/release")
    assert release is not None
    assert (release.get("version"), release.get("date")) == ("1.2", "2026-01-01")
    assert root.findtext("launchable") == "anamnesis.desktop"
    assert root.findtext("provides/mediatype") == "application/x-anamnesis-update"


def test_the_manual_names_every_verb_and_escapes_what_man_would_read() -> None:
    page = manual_page("1.2", "2026-01-01")
    for verb in VERBS:
        assert (f".B {verb.name}\n".replace("-", "\\-") in page) == (verb.name != "worker")
    assert ".B \\-\\-vault DIR\n" in page


def test_the_changelog_is_one_that_debian_reads(tmp_path: Path) -> None:
    text = gzip.decompress(
        (program_tree(tmp_path) / "usr/share/doc/anamnesis/changelog.gz").read_bytes()
    ).decode()
    assert text.startswith("anamnesis (1.2) unstable; urgency=medium\n\n  * ")
    assert text.endswith("  Tue, 14 Nov 2023 22:13:20 +0000\n")
