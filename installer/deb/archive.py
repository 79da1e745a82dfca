"""Turns a laid-out tree into a .deb, the same bytes for the same input."""

import os
import subprocess
from pathlib import Path


def settle(tree: Path, epoch_s: int) -> None:
    """Give every file the same moment and plain modes: 755 for folders and programs, else 644."""
    for path in [tree, *tree.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or _is_program(path) else 0o644)
        os.utime(path, (epoch_s, epoch_s), follow_symlinks=False)


def pack(tree: Path, target: Path, epoch_s: int, *, level: int | None = None) -> Path:
    """Run dpkg-deb; the archive's name follows from the target folder and the control file."""
    target.mkdir(parents=True, exist_ok=True)
    settle(tree, epoch_s)
    command = ["dpkg-deb", "--build", "--root-owner-group", "-Zzstd"]
    command += [*([] if level is None else [f"-z{level}"]), str(tree), str(target)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch_s)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return Path(done.stdout.rsplit("'", 2)[1])


def architecture() -> str:
    """Debian's name for this machine's kind."""
    command = ["dpkg", "--print-architecture"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _is_program(path: Path) -> bool:
    return os.access(path, os.X_OK) and ".so" not in path.name
