"""What a frozen folder needs from the system, read from its ELF files by objdump."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from installer.qt_libraries import PACKAGES as QT_PACKAGES

# soname -> Debian package, beyond what Qt needs. Names that newer releases still provide.
PACKAGES = QT_PACKAGES | {
    "libatomic.so.1": "libatomic1",
    "libbz2.so.1.0": "libbz2-1.0",
    "libcrypto.so.3": "libssl3",
    "libffi.so.8": "libffi8",
    "libgcc_s.so.1": "libgcc-s1",
    "libgomp.so.1": "libgomp1",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "liblzma.so.5": "liblzma5",
    "libsqlite3.so.0": "libsqlite3-0",
    "libssl.so.3": "libssl3",
    "libstdc++.so.6": "libstdc++6",
    "libuuid.so.1": "libuuid1",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
}
LIBC = re.compile(r"^(libc|libm|libdl|libpthread|librt|libutil|ld-linux.*|libresolv)\.so\.\d+$")
BATCH = 100


class UnknownLibrary(Exception):
    """A library that neither the folder nor the table of packages has."""


@dataclass(frozen=True, slots=True)
class Linkage:
    """What ELF files ask of the loader."""

    sonames: frozenset[str]
    glibc: tuple[int, ...]


def system_packages(folder: Path) -> list[str]:
    """The Depends of a frozen folder, libc's version included. Raises UnknownLibrary."""
    files = elf_files(folder)
    linkage = parse_objdump(_objdump(files))
    carried = {path.name for path in folder.rglob("*.so*")}
    return packages_for(linkage.sonames - carried, linkage.glibc)


def packages_for(sonames: Iterable[str], glibc: tuple[int, ...]) -> list[str]:
    """Debian packages for sonames. Raises UnknownLibrary."""
    wanted = [soname for soname in sonames if not LIBC.match(soname)]
    unknown = sorted(soname for soname in wanted if soname not in PACKAGES)
    if unknown:
        raise UnknownLibrary(
            f"no package is known for {', '.join(unknown)}; add it to installer/deb/shared_libraries.py"
        )
    libc = f"libc6 (>= {'.'.join(map(str, glibc))})"
    return sorted({libc, *(PACKAGES[soname] for soname in wanted)})


def parse_objdump(text: str) -> Linkage:
    """Read the output of `objdump -p`."""
    versions = {tuple(map(int, found.split("."))) for found in re.findall(r"\bGLIBC_(\d[\d.]*)", text)}
    return Linkage(
        sonames=frozenset(re.findall(r"^\s+NEEDED\s+(\S+)$", text, flags=re.MULTILINE)),
        glibc=max(versions, default=(2, 0)),
    )


def elf_files(folder: Path) -> list[Path]:
    """Programs and libraries below a folder, links left out."""
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and not path.is_symlink() and _is_elf(path)
    )


def _is_elf(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def _objdump(files: list[Path]) -> str:
    command = ["objdump", "--private-headers"]
    parts = [files[start : start + BATCH] for start in range(0, len(files), BATCH)]
    return "".join(
        subprocess.run([*command, *map(str, part)], capture_output=True, text=True, check=True).stdout
        for part in parts
    )
