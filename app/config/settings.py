"""Where the program keeps what is public: caches and window settings, never patient data."""

import os
from pathlib import Path

import platformdirs

CACHE_VARIABLE = "ANAMNESIS_CACHE"


def cache_dir() -> Path:
    """The folder for derived public files (compiled graph, exported encoder); made if missing."""
    named = os.environ.get(CACHE_VARIABLE)
    folder = Path(named) if named else Path(platformdirs.user_cache_dir("anamnesis", appauthor=False))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def config_dir() -> Path:
    """The user's settings folder; made if missing."""
    folder = Path(platformdirs.user_config_dir("anamnesis", appauthor=False))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
