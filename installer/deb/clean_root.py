"""A clean Debian system in a folder: made by debootstrap, entered by chroot in namespaces of its own."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCE_FORMAT = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
DEBIAN = "Debian"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class RootUnavailable(Exception):
    """No clean root can be made here; the message says what to run."""


@dataclass(frozen=True, slots=True)
class CleanRoot:
    """A Debian system in `folder`; every command runs in it without touching this machine's mounts."""

    folder: Path

    def run(
        self,
        *words: str,
        user: str | None = None,
        stdin: str = "",
        timeout_s: float = 1800,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as root or as a user; its output is kept."""
        command = ["unshare", "--mount", "--pid", "--fork", f"--mount-proc={self.folder}/proc"]
        command += ["chroot", *([f"--userspec={user}:{user}"] if user else []), str(self.folder), *words]
        return subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=check,
            env=_environment(user),
        )


def make_root(folder: Path, suite: str) -> CleanRoot:
    """Make the root, or take the one that lies there. Raises RootUnavailable."""
    _check_means()
    root = CleanRoot(folder.resolve())
    sources = debian_sources()
    if not (folder / "etc/debian_version").exists():
        _debootstrap(root.folder, suite, mirror_of(sources))
    root.folder.chmod(0o755)  # a temporary folder is its owner's alone, and so no "/" for the users inside
    (root.folder / "etc/apt/sources.list").write_text("".join(f"deb {line}\n" for line in sources), "utf-8")
    (root.folder / "etc/apt/apt.conf.d/99check").write_text(_transport(), "utf-8")
    if Path("/etc/resolv.conf").exists():
        shutil.copyfile("/etc/resolv.conf", root.folder / "etc/resolv.conf")
    root.run("apt-get", "--quiet", "update")
    return root


def debian_sources() -> list[str]:
    """This machine's Debian sources as lines of sources.list, without the `deb`. Raises RootUnavailable."""
    words = [
        "apt-get",
        "indextargets",
        f"--format={SOURCE_FORMAT}",
        "Created-By: Packages",
        f"Origin: {DEBIAN}",
    ]
    lines = subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines()
    if not lines:
        raise RootUnavailable("apt knows no Debian source here; run `apt-get update` on a Debian machine")
    return list(dict.fromkeys(lines))


def mirror_of(sources: Sequence[str]) -> str:
    """The mirror of the main suite: the first that is neither security nor updates."""
    plain = [line.split() for line in sources if "-" not in line.split()[1]]
    if not plain:
        raise RootUnavailable("apt's sources name no main Debian suite")
    return plain[0][0]


def this_suite() -> str:
    """The code name of the Debian release that runs here."""
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line).get("VERSION_CODENAME", "stable")


def _check_means() -> None:
    missing = [tool for tool in ("debootstrap", "unshare", "chroot") if shutil.which(tool) is None]
    if missing:
        raise RootUnavailable(f"needed for the check: apt-get install {' '.join(missing)}")
    if os.geteuid() != 0:
        raise RootUnavailable("making a clean root needs an administrator; start this with sudo")


def _debootstrap(folder: Path, suite: str, mirror: str) -> None:
    command = ["debootstrap", "--variant=minbase", suite, str(folder), mirror]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stdout + done.stderr).splitlines()[-5:]
        raise RootUnavailable("\n".join([f"debootstrap could not make {folder}:", *last]))


def _transport() -> str:
    """How this machine's apt reaches its sources (proxies), for the apt inside."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    return "".join(f"{line}\n" for line in dump.splitlines() if line.startswith("Acquire::http"))


def _environment(user: str | None) -> dict[str, str]:
    home = f"/home/{user}" if user else "/root"
    plain = {"PATH": PATH, "HOME": home, "LANG": "C.UTF-8", "QT_QPA_PLATFORM": "offscreen"}
    return plain | ({} if user else {"DEBIAN_FRONTEND": "noninteractive"})
