"""One flipped bit in a published model, in its vault or in a backup: nobody uses it, and checks say it."""

import shutil
from collections.abc import Callable
from pathlib import Path

from app.errors import AnamnesisError
from app.store.backup import back_up
from app.store.check import check_vault
from app.store.restoring import rehearse_restore
from app.workflows.list_models import current_version, model_store
from ml.errors import MlError
from ml.registry.model_version import TENSORS_FILE, pack_version
from tests.faults.cache_flips import SAID, SILENT
from tests.faults.deeds import CARD, SECRET, open_it

MODELS = ("model", "backup's model")


def model_flips(kind: str, template: Path, scratch: Path) -> tuple[bytes, Callable[[bytes], str]]:
    """The files of a version, one after the other, and what judges other content in their place."""
    vault, backup = published(template, scratch / "published")
    judged = scratch / "judged"
    source, judge_at = (vault, _used) if kind == "model" else (backup, _rehearsed)
    places = [path.relative_to(source) for path in _version_files(source)]
    whole = [(source / place).read_bytes() for place in places]

    def judge(data: bytes) -> str:
        shutil.rmtree(judged, ignore_errors=True)
        shutil.copytree(source, judged)
        at = 0
        for place, content in zip(places, whole, strict=True):
            (judged / place).write_bytes(data[at : at + len(content)])
            at += len(content)
        return judge_at(judged)

    return b"".join(whole), judge


def published(template: Path, folder: Path) -> tuple[Path, Path]:
    """A copy of the template's vault with a model in use, and a backup of it; made once."""
    vault, backup = folder / "v", folder / "b"
    if not folder.exists():
        shutil.copytree(template / "v", vault)
        with open_it(vault) as opened:
            store, content = model_store(opened), pack_version({TENSORS_FILE: bytes(range(256)) * 8}, CARD)
            store.add(content)
            store.set_current(content.version.version_id, at="2026", reason="publish")
            back_up(opened, backup, passphrase=SECRET)
    return vault, backup


def _version_files(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "models" / "versions").rglob("*") if path.is_file())


def _used(vault: Path) -> str:
    """By who diagnoses with the current model, and by who checks the vault."""
    with open_it(vault, read_only=True) as opened:
        problems = check_vault(opened, sealed_files=True).problems
        try:
            current_version(opened)
        except (AnamnesisError, MlError):
            return SAID if any("sealed file" in problem for problem in problems) else SILENT
    return SILENT


def _rehearsed(backup: Path) -> str:
    """By who rehearses the restore."""
    try:
        rehearse_restore(backup, user="ann", passphrase=SECRET)
    except AnamnesisError:
        return SAID
    return SILENT
