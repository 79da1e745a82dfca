"""Asks for a passphrase at a prompt or on stdin; never argv, never the environment."""

import argparse
import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.config.settings import os_user
from app.errors import UsageError, VaultDamaged, VaultError, VaultTooNew, WrongPassphrase

if TYPE_CHECKING:
    from app.cli.console import Console
    from app.store.vault import Vault

LONGEST = 4096


def add_vault_arguments(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add `--vault`, `--user` and `--passphrase-stdin`, the same for every verb."""
    parser.add_argument("--vault", metavar="DIR", type=_named, required=required, help="the vault")
    parser.add_argument("--user", metavar="NAME", default=os_user(), help="who signs in")
    parser.add_argument(
        "--passphrase-stdin", action="store_true", help="read the passphrase from stdin's next line"
    )


def _named(text: str) -> Path:
    """A path; an empty one, of a variable that is not set, would be the folder one stands in."""
    if not text.strip():
        raise argparse.ArgumentTypeError("no folder is named")
    return Path(text)


def add_break_glass_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--break-glass`, for verbs that open charts."""
    parser.add_argument(
        "--break-glass",
        metavar="REASON",
        help="emergency access where your role may not open charts; audited, reviewed by the privacy officer",
    )


def open_to_read(arguments: argparse.Namespace, console: "Console") -> "Vault":
    """Open for writing, so that what is shown is audited first; else read-only, and say that it is not.

    Raises WrongPassphrase, VaultDamaged, VaultTooNew, and what else a read-only opening raises.
    """
    from app.store.vault import Vault

    passphrase = read_passphrase(arguments)
    try:
        vault = Vault.open(arguments.vault, user=arguments.user, passphrase=passphrase)
        why = vault.read_only_because
    except (WrongPassphrase, VaultDamaged, VaultTooNew):
        raise
    except VaultError as error:
        vault = Vault.open(arguments.vault, user=arguments.user, passphrase=passphrase, read_only=True)
        why = str(error)
    if why is not None:
        console.progress(f"this view is not written to the vault's audit log: {why}")
    return vault


def enter_charts(vault: "Vault", arguments: argparse.Namespace) -> None:
    """Go on only where the role, or a reason for an emergency, allows charts. Raises PolicyError."""
    from app.store.break_glass import break_glass
    from app.store.rights import Right

    if arguments.break_glass is not None:
        break_glass(vault, arguments.break_glass)
    vault.require(Right.CHARTS)


def read_passphrase(arguments: argparse.Namespace, *, prompt: str = "Passphrase: ") -> str:
    """One passphrase. Call it once per secret, in the order the verb's help names them."""
    if arguments.passphrase_stdin:
        try:
            line = sys.stdin.readline(LONGEST + 2)
        except UnicodeDecodeError as error:
            raise UsageError("the passphrase on stdin is not UTF-8; check the terminal's encoding") from error
        if not line:
            raise UsageError("no passphrase on stdin; write it there, followed by a line end")
        secret = line.rstrip("\r\n")
        if len(secret) > LONGEST:
            raise UsageError(f"a passphrase has at most {LONGEST} characters; check what is piped in")
        return secret
    if not sys.stdin.isatty():
        raise UsageError("no terminal to ask for the passphrase; use --passphrase-stdin")
    return getpass.getpass(prompt)


def read_new_passphrase(arguments: argparse.Namespace, *, prompt: str) -> str:
    """One that is set: it must keep the rule, and is typed twice at a terminal, where nobody sees it."""
    from app.store.new_passphrase import refuse_weak

    secret = read_passphrase(arguments, prompt=prompt)
    refuse_weak(secret)
    if not arguments.passphrase_stdin and read_passphrase(arguments, prompt="The same again: ") != secret:
        raise UsageError("the two passphrases differ; nothing was changed. Try again")
    return secret
