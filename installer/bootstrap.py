"""Sets up everything on a fresh machine and runs the program. Standard library only.

    python3 installer/bootstrap.py demo     the whole main job, then the window
    python3 installer/bootstrap.py test     all tests
    python3 installer/bootstrap.py setup    the environment alone, as the tests need it
    python3 installer/bootstrap.py VERB...  any verb of the command line

It makes the environment `.venv` in this folder from hash-locked files, says which system
libraries Qt misses, and installs them where it may. A second call finds the work done.
"""

import os
import subprocess
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036  before the imports: older ones can't read those files
    sys.exit("bootstrap: Python 3.11 or newer is needed; install it and start this again with it")

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from installer.environment import (  # noqa: E402
    ENVIRONMENT,
    LIBRARIES,
    SetupFailed,
    clean_variables,
    python_of,
    say,
    set_up,
)
from installer.qt_libraries import install_missing_libraries, missing_packages  # noqa: E402

NEED_QT = ("demo", "test")
NEED_DEV = ("test", "setup")


def main(words: list[str]) -> int:
    """Set up, then become what was asked for."""
    if not words or words[0] in ("-h", "--help"):
        print(__doc__)
        return 0 if words else 2
    try:
        set_up(dev=words[0] in NEED_DEV)
        if not libraries_found() and words[0] in NEED_QT:
            raise SetupFailed("Qt can't start without them (see above)")
    except SetupFailed as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("stopped; call this again: it goes on where it stopped")
        return 130
    return 0 if words[0] == "setup" else _become(words)


def libraries_found() -> bool:
    """Whether Qt finds its system libraries; says which it misses and installs them where this user may."""
    if LIBRARIES.is_file():
        return True
    for line in install_missing_libraries(ENVIRONMENT):
        say(line)
    if missing_packages(ENVIRONMENT):
        return False
    LIBRARIES.write_text("Qt finds its system libraries.\n", encoding="utf-8")
    return True


def program_variables() -> dict[str, str]:
    """The program's environment variables; a home that can't be written gives way to a folder in `.venv`."""
    variables = clean_variables()
    variables["PYTHONSAFEPATH"] = "1"  # a folder called `app` where the caller stands is not the program
    usual = {
        "ANAMNESIS_CACHE": variables.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
        "XDG_CONFIG_HOME": os.path.expanduser("~/.config"),
        "XDG_STATE_HOME": os.path.expanduser("~/.local/state"),
    }
    for name, folder in usual.items():
        if name not in variables and os.name == "posix" and not can_write(Path(folder)):
            variables[name] = str(ENVIRONMENT / "home")
            say(f"{folder} can't be written; {name} is {variables[name]}")
    return variables


def can_write(folder: Path) -> bool:
    """Whether a folder is there to write in, or could be made; a user without a home has none."""
    if not folder.is_absolute():
        return False
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK)


def _become(words: list[str]) -> int:
    """Replace this process, so that signals and the exit code are the program's own."""
    command = [str(python_of(ENVIRONMENT)), "-m", "app", *words]
    variables = program_variables()
    if words[0] == "test":
        command[2:] = ["pytest", *words[1:]]
        variables.pop("PYTHONSAFEPATH")
        os.chdir(ROOT)
    if os.name == "nt":
        return subprocess.call(command, env=variables)
    return os.execve(command[0], command, variables)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
