"""The arguments that choose knowledge packs and the setting, the same for every verb that ranks."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from app.config.packs import read_user_packs
from app.config.policy import SETTINGS, load_policy

if TYPE_CHECKING:
    from app.workflows.load_knowledge import KnowledgeChoice


def add_knowledge_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --pack, --no-packs and --setting."""
    group = parser.add_argument_group("knowledge")
    group.add_argument(
        "--pack",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="lay this pack over HPO too: TOML, CSV, Orphanet's product 1, 4, 6 or 9, a folder of DDXPlus",
    )
    group.add_argument(
        "--no-packs", action="store_true", help="leave out the packs of the program, the policy and the user"
    )
    group.add_argument(
        "--setting",
        choices=SETTINGS,
        help="where the patient is seen: in emergency and primary care what is common there counts thousands "
        "of times more beforehand than a rare disease; in a rare-disease clinic, the default unless the user "
        "or the policy names another, at most twice",
    )


def chosen_knowledge(arguments: argparse.Namespace) -> "KnowledgeChoice":
    """What the arguments, the user and the policy ask for."""
    from app.workflows.load_knowledge import choose_knowledge

    return choose_knowledge(
        load_policy(),
        read_user_packs(),
        more=[path.absolute() for path in arguments.pack],
        setting=arguments.setting,
        bare=arguments.no_packs,
    )
