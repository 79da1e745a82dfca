"""Sets up everything on a fresh machine and runs the program. Standard library only.

    python3 installer/bootstrap.py demo     the whole main job, then the window
    python3 installer/bootstrap.py test     all tests
    python3 installer/bootstrap.py setup    the environment alone
    python3 installer/bootstrap.py VERB...  any verb of the command line

It makes the environment `.venv` in this folder from hash-locked files, says which system
libraries Qt misses, and installs them where it may. A second call finds the work done.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from installer.qt_libraries import install_missing_libraries  # noqa: E402

ENVIRONMENT = ROOT / ".venv"
LOCK = ROOT / "installer" / "locked.txt"
CPU_TORCH_LOCK = ROOT / "installer" / "locked-cpu-torch.txt"
CUDA_LOCK = ROOT / "installer" / "locked-cuda.txt"
STAMP = ENVIRONMENT / "anamnesis-stamp.txt"
OLDEST = (3, 11)


class SetupFailed(Exception):
    """The environment could not be made; the message names the remedy."""


def main(words: list[str]) -> int:
    """Set up, then run what was asked for."""
    if not words or words[0] in ("-h", "--help"):
        print(__doc__)
        return 0 if words else 2
    try:
        set_up()
    except SetupFailed as error:
        print(f"bootstrap: {error}", file=sys.stderr)
        return 1
    if words[0] == "setup":
        return 0
    arguments = ["-m", "pytest", *words[1:]] if words[0] == "test" else ["-m", "app", *words]
    return subprocess.call([str(python_of(ENVIRONMENT)), *arguments], cwd=ROOT)


def set_up() -> None:
    """Make the environment unless its stamp says that it is made already."""
    if sys.version_info < OLDEST:
        raise SetupFailed("Python 3.11 or newer is needed; install it and start this again with it")
    stamp = _stamp()
    if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == stamp:
        return
    _say("setting up the environment (once; some minutes)")
    STAMP.unlink(missing_ok=True)
    _make_environment()
    if not _has_nvidia_driver():
        _pip_succeeds(*_locked(CPU_TORCH_LOCK), quiet=True)
    _pip(*_locked(LOCK))
    if _torch_is_cuda_build():
        _pip("uninstall", "--yes", "onnxruntime")
        _pip(*_locked(CUDA_LOCK))
    _pip("install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    for line in install_missing_libraries(ENVIRONMENT):
        _say(line)
    STAMP.write_text(stamp, encoding="utf-8")
    _say("the environment is ready")


def python_of(environment: Path) -> Path:
    """The interpreter inside a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _stamp() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for file in (LOCK, CPU_TORCH_LOCK, CUDA_LOCK, ROOT / "pyproject.toml"):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _make_environment() -> None:
    if ENVIRONMENT.exists() and not (ENVIRONMENT / "pyvenv.cfg").exists():
        raise SetupFailed(f"{ENVIRONMENT} is there but is no virtual environment; move it away")
    try:
        venv.EnvBuilder(with_pip=True, clear=False, symlinks=os.name != "nt").create(ENVIRONMENT)
    except (subprocess.CalledProcessError, SystemExit) as error:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        raise SetupFailed(
            "Python's venv does not work here; on Debian: apt-get install python3-venv"
        ) from error


def _locked(lock: Path) -> tuple[str, ...]:
    """pip's words for a lock: exact versions and hashes; --no-deps because the lock is complete."""
    return ("install", "--require-hashes", "--no-deps", "--requirement", str(lock))


def _has_nvidia_driver() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def _torch_is_cuda_build() -> bool:
    """Read torch's own version file; importing torch would need the libraries not yet there."""
    code = (
        "import importlib.util as u, pathlib, runpy, sys;"
        "f = pathlib.Path(u.find_spec('torch').origin).with_name('version.py');"
        "sys.exit(0 if runpy.run_path(str(f)).get('cuda') else 1)"
    )
    return subprocess.call([str(python_of(ENVIRONMENT)), "-c", code]) == 0


def _pip(*words: str) -> None:
    if not _pip_succeeds(*words):
        raise SetupFailed(
            "pip could not install the locked packages (see above); check the connection to the package "
            "index and call this again: it goes on where it stopped"
        )


def _pip_succeeds(*words: str, quiet: bool = False) -> bool:
    command = [str(python_of(ENVIRONMENT)), "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    return subprocess.call(command, cwd=ROOT, stderr=subprocess.DEVNULL if quiet else None) == 0


def _say(text: str) -> None:
    print(f"bootstrap: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
