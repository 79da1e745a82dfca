"""What a coordinator puts on the desk: keys, whom to trust, the round's base, the ledger of updates seen."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from app.config.toml_text import in_one_line, read_small_text
from app.errors import UsageError

if TYPE_CHECKING:
    from app.workflows.verify_update import CoordinatorDesk
    from ml.federated.base_version import BaseVersion
    from ml.federated.coordinator import Coordinator
    from ml.federated.update_file import SiteKeys


def add_desk_arguments(deed: argparse.ArgumentParser) -> None:
    """Add the same arguments to each deed of the coordinator."""
    deed.add_argument("--identity", type=Path, required=True, metavar="FILE", help="your key file")
    deed.add_argument("--trust", type=Path, metavar="FILE", help="TOML of the sites' public keys")
    deed.add_argument("--site-key", metavar="KEY", help="ed25519:..., or a file (instead of --trust)")
    deed.add_argument("--officer-key", metavar="KEY", help="ed25519:..., or a file (instead of --trust)")
    deed.add_argument(
        "--base", type=Path, metavar="FILE", help="the round's .fedbase (default: starting model)"
    )
    deed.add_argument(
        "--ledger", type=Path, metavar="FILE", help="of updates seen (default: beside your keys)"
    )


def open_desk(arguments: argparse.Namespace) -> "CoordinatorDesk":
    """Read every file that the arguments name."""
    from app.workflows.verify_update import CoordinatorDesk
    from ml.federated.coordinator import read_coordinator

    coordinator = read_coordinator(read_text(arguments.identity))
    ledger = arguments.ledger or arguments.identity.with_name(arguments.identity.name + ".ledger.json")
    return CoordinatorDesk(coordinator, _trusted(arguments), _base(arguments, coordinator), ledger)


def text_or_file(text: str) -> str:
    """A key or recipient as given, or read from the file so called."""
    if text.startswith(("age1", "ed25519:")):
        return text.strip()
    if not os.path.exists(text):  # of a name that can be none, too
        raise UsageError(f"{text} is neither a key (age1..., ed25519:...) nor a file with one; check it")
    return read_text(Path(text)).strip()


def read_text(path: Path) -> str:
    """A small text file. Raises UsageError."""
    try:
        return read_small_text(path)
    except OSError:
        raise UsageError(f"{path} can't be read; check its name") from None
    except ValueError as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else in_one_line(error)
        raise UsageError(f"{path} is no text file ({why}); check its name") from None


def _trusted(arguments: argparse.Namespace) -> "dict[str, SiteKeys] | SiteKeys":
    from app.exchange.foreign_kind import TRUST
    from app.workflows.try_file import try_file
    from ml.federated.trust_file import read_trust
    from ml.federated.update_file import SiteKeys

    pair = [key for key in (arguments.site_key, arguments.officer_key) if key is not None]
    if arguments.trust is not None and not pair:
        try_file(TRUST, arguments.trust)
        return read_trust(read_text(arguments.trust))
    if arguments.trust is None and len(pair) == 2:
        return SiteKeys(*(text_or_file(key) for key in pair))
    raise UsageError("name --trust FILE, or both --site-key and --officer-key")


def _base(arguments: argparse.Namespace, coordinator: "Coordinator") -> "BaseVersion":
    from app.workflows.find_base import base_from_file, starting_base
    from app.workflows.inspect_update import read_base_file
    from ml.text.encoder_files import find_encoder

    if arguments.base is None:
        return starting_base()
    file = read_base_file(arguments.base, coordinator_key=coordinator.public_key)
    return base_from_file(file, find_encoder())
