"""Whether a folder lies on a network share, where SQLite's readers and writer can't see each other.

SQLite's write-ahead log needs memory that all its processes share; two machines share none
(sqlite.org/wal.html). So on a share even a reader takes the one place that a vault has.
"""

import re
import sys
from pathlib import Path

MOUNTS = Path("/proc/self/mounts")
_NETWORKED = re.compile(
    r"(nfs|cifs|smb|afs|ceph|gluster|lustre|gfs|ocfs|9p|davfs|fuse\.(sshfs|gvfs|rclone|davfs))"
)
_OCTAL = re.compile(r"\\([0-7]{3})")
_REMOTE_DRIVE = 4  # DRIVE_REMOTE of GetDriveTypeW


def on_network_share(folder: Path) -> bool:
    """What the system says of the mount that holds the folder; False where it says nothing."""
    if sys.platform == "win32":
        import ctypes

        drive = folder.resolve().anchor
        return drive.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(drive) == _REMOTE_DRIVE
    try:
        return networked(folder.resolve(), MOUNTS.read_text("utf-8", "surrogateescape"))
    except OSError:
        return False


def networked(folder: Path, mounts: str) -> bool:
    """Whether the innermost mount above a folder is of a networked kind; `mounts` as in proc_mounts(5)."""
    found = ("", "")
    for line in mounts.splitlines():
        words = line.split(" ")
        if len(words) < 3:
            continue
        place = _OCTAL.sub(lambda m: chr(int(m[1], 8)), words[1])
        if folder.is_relative_to(place) and len(place) >= len(found[0]):
            found = (place, words[2])
    return _NETWORKED.match(found[1]) is not None
