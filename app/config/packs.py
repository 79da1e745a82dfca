"""Which knowledge packs this user has added beside the policy's, and the setting chosen: public choices."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from app.config.settings import config_dir
from app.config.toml_text import read_small_text
from app.errors import UsageError

FILE = "knowledge.json"


@dataclass(frozen=True, slots=True)
class UserPacks:
    """Absolute paths, in the order added; `common` is False where the program's own pack was put aside."""

    packs: tuple[Path, ...] = ()
    common: bool = True
    setting: str = ""


class _Stored(msgspec.Struct):
    packs: list[str] = []
    common: bool = True
    setting: str = ""


def read_user_packs(folder: Path | None = None) -> UserPacks:
    """What the user chose; nothing where no file is. Raises UsageError where it cannot be understood."""
    path = (config_dir() if folder is None else folder) / FILE
    try:
        stored = msgspec.json.decode(read_small_text(path), type=_Stored)
    except FileNotFoundError:
        return UserPacks()
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} cannot be understood; delete it and add your packs again") from error
    return UserPacks(tuple(Path(p) for p in stored.packs), stored.common, stored.setting)


def write_user_packs(chosen: UserPacks, folder: Path | None = None) -> None:
    """Keep what the user chose. Raises UsageError."""
    path = (config_dir() if folder is None else folder) / FILE
    stored = _Stored([str(p) for p in chosen.packs], chosen.common, chosen.setting)
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(stored)))
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}); check the folder") from error
