"""What a frozen folder needs from the system, and whose licences it carries."""

from email.parser import HeaderParser
from pathlib import Path

import pytest

from installer.deb.notices import licence_named, write_notices
from installer.deb.shared_libraries import UnknownLibrary, packages_for, parse_objdump

OBJDUMP = """
program/a.so:     file format elf64-x86-64
Dynamic Section:
  NEEDED               libX11.so.6
  NEEDED               libc.so.6
  SONAME               liba.so
Version References:
  required from libc.so.6:
    0x09691a75 0x00 03 GLIBC_2.9
    0x069691b4 0x00 02 GLIBC_2.34
program/b.so:     file format elf64-x86-64
  NEEDED               libssl.so.3
    0x09691974 0x00 04 GLIBC_2.3.4
"""


def test_needed_libraries_and_the_highest_glibc_are_read() -> None:
    linkage = parse_objdump(OBJDUMP)
    assert linkage.sonames == {"libX11.so.6", "libc.so.6", "libssl.so.3"}
    assert linkage.glibc == (2, 34)


def test_libraries_become_dependencies_with_libcs_version() -> None:
    sonames = {
        "libX11.so.6",
        "libc.so.6",
        "libm.so.6",
        "ld-linux-x86-64.so.2",
        "libssl.so.3",
        "libcrypto.so.3",
    }
    assert packages_for(sonames, (2, 34)) == ["libc6 (>= 2.34)", "libssl3", "libx11-6"]


def test_a_library_of_unknown_origin_stops_the_build() -> None:
    with pytest.raises(UnknownLibrary, match=r"libnew\.so\.9"):
        packages_for({"libnew.so.9"}, (2, 34))


def test_licences_of_carried_libraries_are_copied_and_listed(tmp_path: Path) -> None:
    site = tmp_path / "lib/site-packages"
    for name in ("used", "unused"):
        information = site / f"{name}-1.0.dist-info"
        (information / "licenses").mkdir(parents=True)
        (information / "licenses/LICENSE.txt").write_text(f"the licence of {name}")
        (information / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\nLicense-Expression: MIT\n")
        (information / "RECORD").write_text(
            f"{name}/__init__.py,,\n{name}-1.0.dist-info/licenses/LICENSE.txt,,\n"
        )
    analysis = tmp_path / "Analysis-00.toc"
    analysis.write_text(f"[('used', '{site}/used/__init__.py', 'PYMODULE')]")
    write_notices(site, analysis, tmp_path / "notices")
    assert (tmp_path / "notices/list.txt").read_text() == "used 1.0: MIT\n"
    copied = [
        path for path in (tmp_path / "notices").rglob("*") if path.is_file() and path.name != "list.txt"
    ]
    assert [path.read_text() for path in copied] == ["the licence of used"]


@pytest.mark.parametrize(
    ("metadata", "named"),
    [
        ("License-Expression: MIT\n", "MIT"),
        ("License: BSD\n two lines\n", "BSD"),
        ("Classifier: License :: OSI Approved :: Apache Software License\n", "Apache Software License"),
        ("License: \n", "not named by its wheel"),
    ],
)
def test_a_licence_is_named_however_the_wheel_names_it(tmp_path: Path, metadata: str, named: str) -> None:
    assert licence_named(tmp_path / "x-1.0.dist-info", HeaderParser().parsestr(metadata)) == named
