"""Where the program keeps what is public: caches and window settings, never patient data."""

import getpass
import os
from pathlib import Path

import platformdirs

from app.errors import UsageError

CACHE_VARIABLE = "ANAMNESIS_CACHE"


def cache_dir() -> Path:
    """The folder for derived public files (compiled graph, exported encoder); made if missing."""
    named = os.environ.get(CACHE_VARIABLE)
    folder = Path(named) if named else Path(platformdirs.user_cache_dir("anamnesis", appauthor=False))
    return _made(folder, f"set {CACHE_VARIABLE} to a folder that can be written")


def config_dir() -> Path:
    """The user's settings folder; made if missing."""
    folder = Path(platformdirs.user_config_dir("anamnesis", appauthor=False))
    return _made(folder, "set XDG_CONFIG_HOME to a folder that can be written")


def state_dir() -> Path:
    """Where this user's own state lies; made by who writes there first."""
    return Path(platformdirs.user_state_dir("anamnesis", appauthor=False))


def os_user() -> str:
    """The OS user's name; in a container with a bare number for a user, that number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _made(folder: Path, remedy: str) -> Path:
    if folder.parts[:1] == ("~",):
        raise UsageError(f"this user has no home folder; {remedy}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder {folder} can't be made ({error.strerror}); {remedy}") from error
    return folder
