"""The desktop's real Secret Service keeps a device secret; locked, or on another device, nothing opens."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HAS_SERVICE = all(shutil.which(name) for name in ("dbus-run-session", "gnome-keyring-daemon"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="Secret Service is Linux's"),
    pytest.mark.skipif(not HAS_SERVICE, reason="no gnome-keyring or no dbus-run-session on this machine"),
    pytest.mark.skipif(find_spec("keyring") is None, reason="the keyring library is not installed"),
]
SESSION = """
set -eu
export HOME="$1" XDG_DATA_HOME="$1/data" XDG_RUNTIME_DIR="$1/run"
mkdir -p -m 700 "$1/run" "$1/data"
printf 'login' | gnome-keyring-daemon --unlock --components=secrets > /dev/null
verb() { echo "a long passphrase" | "$2" -m app vault "$1" --vault "$HOME/v" --user ann --passphrase-stdin; }
"$2" -c "
from pathlib import Path
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault
Vault.create(Path('$1/v'), user='ann', passphrase='a long passphrase', kdf=KdfParameters.fast_for_tests())
"
verb bind-device "$2"
verb status "$2"
mv "$XDG_DATA_HOME" "$1/elsewhere"  # another device: another keyring
mkdir -m 700 "$XDG_DATA_HOME"
printf 'login' | gnome-keyring-daemon --replace --unlock --components=secrets > /dev/null
verb status "$2" && exit 9
rm -r "$XDG_DATA_HOME"; mv "$1/elsewhere" "$XDG_DATA_HOME"
printf 'login' | gnome-keyring-daemon --replace --unlock --components=secrets > /dev/null
verb unbind-device "$2"
DBUS_SESSION_BUS_ADDRESS=unix:path=/nobody verb status "$2"
"""


def test_a_slot_is_bound_opened_refused_elsewhere_and_unbound(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    session = ["bash", "-c", SESSION, "session", str(tmp_path / "home"), sys.executable]
    words = ["dbus-run-session", "--", *session]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ann (clinician, bound to a device)" in done.stdout
    assert "ann (clinician)" in done.stdout
    assert "bound to another device" in done.stderr
    kept = b"".join(f.read_bytes() for f in (tmp_path / "home" / "data").rglob("*") if f.is_file())
    assert b"Anamnesis device secret" not in kept  # the keyring's file is sealed under the login
