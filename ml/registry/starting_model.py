"""The starting model that ships with the program: fitted on synthetic patients, epsilon 0."""

import importlib.resources

from ml.errors import ModelFileError
from ml.registry.model_version import VersionContent, unpack_version

FOLDER = "starting_model"
README_FILE = "README.md"


def starting_version() -> VersionContent:
    """The shipped version, every byte checked against its manifest."""
    folder = importlib.resources.files("resources") / FOLDER
    if not folder.is_dir():
        raise ModelFileError("the starting model is missing; install the program again or run build-model")
    files = {
        entry.name: entry.read_bytes()
        for entry in folder.iterdir()
        if entry.is_file() and entry.name not in (README_FILE, "__init__.py")
    }
    return unpack_version(files)
