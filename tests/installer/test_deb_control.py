"""The packages' control data: fields, conffiles, checksums, and no script that could touch a vault."""

import hashlib
from email.parser import HeaderParser
from pathlib import Path

import pytest

from installer.deb.package import (
    POLICY,
    PROGRAM,
    TRAINER,
    Package,
    control_text,
    installed_kib,
    md5sums,
    write_control,
)


def fields_of(package: Package) -> dict[str, str]:
    """The control file, parsed."""
    text = control_text(
        package, version="1.2", architecture="amd64", installed_kib=7, libraries=["libc6 (>= 2.36)"]
    )
    return dict(HeaderParser().parsestr(text))


@pytest.mark.parametrize("package", [PROGRAM, TRAINER])
def test_the_control_file_has_what_dpkg_asks_for(package: Package) -> None:
    fields = fields_of(package)
    assert fields["Package"] == package.name
    assert fields["Version"] == "1.2"
    assert fields["Architecture"] == "amd64"
    assert fields["Installed-Size"] == "7"
    assert "libc6 (>= 2.36)" in fields["Depends"].split(", ")
    assert all(line.startswith(" ") for line in fields["Description"].splitlines()[1:])


def test_the_trainer_goes_with_the_program_of_its_own_version() -> None:
    assert "anamnesis (= 1.2)" in fields_of(TRAINER)["Depends"].split(", ")
    assert "anamnesis-trainer (= 1.2)" in fields_of(PROGRAM)["Recommends"].split(", ")


def test_chinese_fonts_are_recommended_not_demanded() -> None:
    fields = fields_of(PROGRAM)
    assert "fonts-noto-cjk" in fields["Recommends"].split(", ")
    assert "fonts-noto-cjk" not in fields["Depends"]


def test_a_field_without_a_value_is_left_out() -> None:
    assert "Recommends" not in fields_of(TRAINER)


def test_the_policy_is_the_only_conffile() -> None:
    assert PROGRAM.conffiles == (POLICY,) == ("/etc/anamnesis/policy.toml",)
    assert TRAINER.conffiles == ()


def test_no_script_runs_at_install_upgrade_or_removal(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/policy").write_text("x")
    write_control(tmp_path, "Package: x\n", ("/etc/policy",))
    assert {path.name for path in (tmp_path / "DEBIAN").iterdir()} == {"control", "md5sums", "conffiles"}


def test_checksums_cover_files_and_not_links(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"two")
    (tmp_path / "a").mkdir()
    (tmp_path / "a/one").write_bytes(b"one")
    (tmp_path / "link").symlink_to("b")
    expected = {name: hashlib.md5(data).hexdigest() for name, data in {"a/one": b"one", "b": b"two"}.items()}
    assert md5sums(tmp_path) == "".join(f"{digest}  {name}\n" for name, digest in expected.items())


def test_the_installed_size_rounds_each_file_up(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"x")
    (tmp_path / "large").write_bytes(b"x" * 2048)
    assert installed_kib(tmp_path) == 1 + 3
