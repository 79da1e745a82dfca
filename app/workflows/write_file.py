"""Writes a new file that is handed on: whole or not at all, for its owner alone, never over another."""

from pathlib import Path

from app.errors import UsageError
from app.store.durable_file import write_durably


def check_new_file(path: Path) -> None:
    """Refuse a name that is taken, or a folder that is not there."""
    if path.exists():
        raise UsageError(f"{path} is there already; choose a new name")
    if not path.parent.is_dir():
        raise UsageError(f"the folder {path.parent} is not there; make it first")


def write_file(path: Path, data: bytes) -> None:
    """Write it, or raise UsageError and leave nothing behind."""
    check_new_file(path)
    draft = path.with_name(f".{path.name}.new")
    try:
        write_durably(path, data, fresh=draft)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise UsageError(
            f"{path} can't be written ({error.strerror}); choose another folder or free space"
        ) from None
