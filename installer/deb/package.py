"""The two packages, and their control data."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

MAINTAINER = "Anamnesis maintainers <maintainers@anamnesis.invalid>"
POLICY = "/etc/anamnesis/policy.toml"


@dataclass(frozen=True, slots=True)
class Package:
    """One Debian package: which frozen folder it carries, and what it says of itself."""

    name: str
    folder: str
    summary: str
    description: tuple[str, ...]
    depends: tuple[str, ...] = ()
    recommends: tuple[str, ...] = ()
    conffiles: tuple[str, ...] = ()


PROGRAM = Package(
    name="anamnesis",
    folder="program",
    summary="medical diagnosis assistant that keeps records encrypted",
    description=(
        "Reads a patient's notes, marks the findings in them, and ranks the diseases",
        "that would explain them, with the reason for each. Records stay in an",
        "encrypted vault on this machine. Decision support, not a diagnosis.",
        "",
        "This package holds the window and the command line, and needs no network.",
        "Training on the hospital's own cases needs anamnesis-trainer.",
    ),
    depends=("fontconfig", "fonts-dejavu-core", "libseccomp2"),
    recommends=("anamnesis-trainer (= {version})", "fonts-noto-cjk"),
    conffiles=(POLICY,),
)
TRAINER = Package(
    name="anamnesis-trainer",
    folder="trainer",
    summary="private training for the medical diagnosis assistant Anamnesis",
    description=(
        "The processes that fine-tune the text model with differential privacy and",
        "export it: PyTorch for the processor, driven by the program in anamnesis.",
    ),
    depends=("anamnesis (= {version})",),
)


def control_text(
    package: Package, *, version: str, architecture: str, installed_kib: int, libraries: list[str]
) -> str:
    """The control file."""
    fields = {
        "Package": package.name,
        "Version": version,
        "Section": "science",
        "Priority": "optional",
        "Architecture": architecture,
        "Maintainer": MAINTAINER,
        "Installed-Size": str(installed_kib),
        "Depends": ", ".join([*package.depends, *libraries]).format(version=version),
        "Recommends": ", ".join(package.recommends).format(version=version),
        "Description": "\n ".join([package.summary, *(line or "." for line in package.description)]),
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)


def write_control(tree: Path, control: str, conffiles: tuple[str, ...]) -> None:
    """Write DEBIAN/: control, conffiles and checksums; no script ever runs at install or removal."""
    sums = md5sums(tree)
    folder = tree / "DEBIAN"
    folder.mkdir()
    (folder / "control").write_text(control, encoding="utf-8")
    (folder / "md5sums").write_text(sums, encoding="utf-8")
    if conffiles:
        (folder / "conffiles").write_text("".join(f"{name}\n" for name in conffiles), encoding="utf-8")


def md5sums(tree: Path) -> str:
    """Checksums as dpkg's --verify reads them; MD5 is the format, not a protection."""
    files = sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    return "".join(f"{_md5(path)}  {path.relative_to(tree)}\n" for path in files)


def installed_kib(tree: Path) -> int:
    """Size on disk in KiB, each file rounded up, as dpkg counts."""
    return sum(1 + path.lstat().st_size // 1024 for path in tree.rglob("*"))


def _md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
