"""Lays out what a package installs: the frozen folder and the files around it."""

import gzip
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from installer.deb.manual import manual_page
from installer.deb.package import MAINTAINER, POLICY, Package

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = Path(__file__).resolve().parent / "files"
LIBRARY = Path("usr/lib/anamnesis")
SHARED_FROM_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Release:
    """What is built: the version, and the moment that stands in every file."""

    version: str
    epoch_s: int

    @property
    def moment(self) -> datetime:
        """The moment of the build, by SOURCE_DATE_EPOCH."""
        return datetime.fromtimestamp(self.epoch_s, UTC)


def lay_program(tree: Path, frozen: Path, release: Release) -> None:
    """The light package: program, command, backup timer (off), desktop entry, icon, types, policy, manual."""
    shutil.copytree(frozen, tree / LIBRARY / "program", symlinks=True)
    _link(tree / "usr/bin/anamnesis", "../lib/anamnesis/program/anamnesis")
    _copy(FILES / "policy.toml", tree / POLICY.lstrip("/"))
    for unit in ("anamnesis-backup@.service", "anamnesis-backup@.timer"):
        _copy(FILES / unit, tree / "usr/lib/systemd/system" / unit)
    share = tree / "usr/share"
    _copy(FILES / "anamnesis.desktop", share / "applications/anamnesis.desktop")
    _copy(FILES / "anamnesis-mime.xml", share / "mime/packages/anamnesis.xml")
    _copy(ROOT / "resources/icons/anamnesis.svg", share / "icons/hicolor/scalable/apps/anamnesis.svg")
    date = release.moment.date().isoformat()
    _write(share / "metainfo/org.anamnesis.Anamnesis.metainfo.xml", metainfo(release.version, date))
    _write(share / "man/man1/anamnesis.1.gz", _gzipped(manual_page(release.version, date)))


def lay_trainer(tree: Path, frozen: Path, program: Path) -> None:
    """The trainer's package; what the program's package has already becomes a link to it."""
    target = tree / LIBRARY / "trainer"
    shutil.copytree(frozen, target, symlinks=True)
    link_shared(target / "_internal", program / "_internal", to="program/_internal")


def lay_documents(tree: Path, package: Package, release: Release) -> None:
    """Copyright and changelog, where Debian's tools look for them."""
    folder = tree / "usr/share/doc" / package.name
    _copy(FILES / "copyright", folder / "copyright")
    _write(folder / "changelog.gz", _gzipped(debian_changelog(package, release)))


def link_shared(folder: Path, other: Path, *, to: str) -> None:
    """Replace large files that `other` has byte for byte by relative links."""
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
        name = file.relative_to(folder)
        twin = other / name
        if file.stat().st_size < SHARED_FROM_BYTES or not twin.is_file() or twin.is_symlink():
            continue
        if file.stat().st_size == twin.stat().st_size and file.read_bytes() == twin.read_bytes():
            file.unlink()
            file.symlink_to("../" * (len(name.parts) + 1) + f"{to}/{name}")


def metainfo(version: str, date: str) -> str:
    """The AppStream file with the release filled in."""
    text = (FILES / "metainfo.xml").read_text(encoding="utf-8")
    return text.replace("@VERSION@", version).replace("@DATE@", date)


def debian_changelog(package: Package, release: Release) -> str:
    """One entry: what changed is in the project's own changelog."""
    return (
        f"{package.name} ({release.version}) unstable; urgency=medium\n\n"
        f"  * Release {release.version}; see the project's changelog.\n\n"
        f" -- {MAINTAINER}  {format_datetime(release.moment)}\n"
    )


def _gzipped(text: str) -> bytes:
    return gzip.compress(text.encode("utf-8"), compresslevel=9, mtime=0)


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
