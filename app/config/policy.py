"""The hospital's policy file: what IT has locked for everybody on this machine.

`/etc/anamnesis/policy.toml` (Windows: `%PROGRAMDATA%\\anamnesis\\policy.toml`). A missing file
means the defaults; a file that cannot be understood stops the program, since guessing at a
policy would loosen it.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from app.config.model_gates import ModelGates, ReportGroup, doubtful_group
from app.config.toml_text import in_one_line, parse_toml, read_small_text
from app.errors import PolicyError

# As in knowledge_graph.terms.occurrence, which a policy does without.
SETTINGS = ("emergency", "primary_care", "rare_disease_clinic")


@dataclass(frozen=True, slots=True)
class Policy:
    """What IT decides. Times in seconds; folders absolute."""

    idle_lock_s: int = 600
    epsilon_cap: float | None = None
    export_allowed: bool = True
    import_folders: tuple[Path, ...] = ()
    backup_folder: Path | None = None
    backup_keep: int = 7
    backup_every_h: int = 24
    rules_file: Path | None = None
    gates: ModelGates | None = None
    report_groups: tuple[ReportGroup, ...] = ()
    people_need_administrator: bool = False
    question_costs: Path | None = None
    packs: tuple[Path, ...] = ()
    common_pack: bool = True
    setting: str = ""
    source: Path | None = None


class _PolicyFile(msgspec.Struct, forbid_unknown_fields=True):
    idle_lock_s: int = 600
    epsilon_cap: float | None = None
    export_allowed: bool = True
    import_folders: list[str] = msgspec.field(default_factory=list)
    backup_folder: str | None = None
    backup_keep: int = 7
    backup_every_h: int = 24
    rules_file: str | None = None
    gates: ModelGates | None = None
    report_groups: list[ReportGroup] = msgspec.field(default_factory=list)
    people_need_administrator: bool = False
    question_costs: str | None = None
    packs: list[str] = msgspec.field(default_factory=list)
    common_pack: bool = True
    setting: str = ""


def policy_path() -> Path:
    """Where this machine's policy lies."""
    if sys.platform == "win32":
        return Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData")) / "anamnesis" / "policy.toml"
    return Path("/etc/anamnesis/policy.toml")


def load_policy(path: Path | None = None) -> Policy:
    """Read the policy. Raises PolicyError where the file is there but not understood."""
    source = policy_path() if path is None else path
    try:
        text = read_small_text(source)
    except FileNotFoundError:
        return Policy()
    except (OSError, ValueError) as error:
        raise PolicyError(f"the policy file {source} cannot be read; ask IT to repair it") from error
    return read_policy(text, source)


def read_policy(text: str, source: Path) -> Policy:
    """A policy from its text. Raises PolicyError."""
    try:
        given = msgspec.convert(parse_toml(text), _PolicyFile)
    except ValueError as error:
        raise PolicyError(
            f"the policy file {source} is not valid ({in_one_line(error)}); ask IT to correct it"
        ) from error
    return _checked(given, source)


def _checked(given: _PolicyFile, source: Path) -> Policy:
    if not 10 <= given.idle_lock_s <= 86_400:
        raise PolicyError(f"idle_lock_s in {source} must lie between 10 and 86400 seconds")
    if given.epsilon_cap is not None and not 0 < given.epsilon_cap <= 100:
        raise PolicyError(f"epsilon_cap in {source} must be above 0 and at most 100")
    folders = tuple(Path(folder) for folder in given.import_folders)
    if not all(folder.is_absolute() for folder in folders):
        raise PolicyError(f"import_folders in {source} must be absolute paths")
    if given.setting not in ("", *SETTINGS):
        raise PolicyError(f"setting in {source} must be one of {', '.join(SETTINGS)}")
    packs = tuple(Path(pack) for pack in given.packs)
    if not all(pack.is_absolute() for pack in packs):
        raise PolicyError(f"packs in {source} must be absolute paths")
    doubtful = doubtful_group(given.report_groups)
    if doubtful:
        raise PolicyError(f"report_groups in {source}: {doubtful}")
    return Policy(
        idle_lock_s=given.idle_lock_s,
        epsilon_cap=given.epsilon_cap,
        export_allowed=given.export_allowed,
        import_folders=folders,
        backup_folder=_backup_folder(given, source),
        backup_keep=given.backup_keep,
        backup_every_h=given.backup_every_h,
        rules_file=_absolute(given.rules_file, "rules_file", source),
        gates=given.gates,
        report_groups=tuple(given.report_groups),
        people_need_administrator=given.people_need_administrator,
        question_costs=_absolute(given.question_costs, "question_costs", source),
        packs=packs,
        common_pack=given.common_pack,
        setting=given.setting,
        source=source,
    )


def _backup_folder(given: _PolicyFile, source: Path) -> Path | None:
    if not 1 <= given.backup_keep <= 10_000 or not 1 <= given.backup_every_h <= 8_784:
        raise PolicyError(f"backup_keep and backup_every_h in {source} must be at least 1")
    return _absolute(given.backup_folder, "backup_folder", source)


def _absolute(text: str | None, key: str, source: Path) -> Path | None:
    path = None if text is None else Path(text)
    if path is not None and not path.is_absolute():
        raise PolicyError(f"{key} in {source} must be an absolute path")
    return path
