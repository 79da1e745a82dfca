"""The command line: finds the verb, runs it, and turns errors into exit codes.

0 done, 1 refused with one clear line on stderr, 2 wrong usage.
"""

import argparse
import errno
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from app.cli.console import Console
from app.cli.verbs import VERBS, Verb
from app.config.fault_report import TRACEBACK_VARIABLE
from app.config.program import multiply_on_one_core
from app.config.screen import require_screen
from app.errors import AnamnesisError, UsageError
from knowledge_graph.errors import KnowledgeError
from ml.errors import MlError

VERSION = "0.1.0"
_PLACE_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; with none, open the window."""
    multiply_on_one_core()
    words = list(sys.argv[1:] if argv is None else argv)
    verb = _find_verb(words)
    if verb is None:
        return _without_verb(words)
    parser = argparse.ArgumentParser(prog=f"anamnesis {verb.name}", description=verb.help)
    parser.add_argument("--json", action="store_true", help="print JSON")
    module = importlib.import_module(verb.module)
    module.configure(parser)
    arguments = parser.parse_args(words[1:])
    console = Console(as_json=arguments.json)
    return _run(module.run, arguments, console)


def _find_verb(words: Sequence[str]) -> Verb | None:
    return next((v for v in VERBS if words and v.name == words[0]), None)


def _run(run: object, arguments: argparse.Namespace, console: Console) -> int:
    assert callable(run)
    try:
        code = run(arguments, console)
    except UsageError as error:
        console.refuse(str(error))
        return 2
    except (AnamnesisError, MlError, KnowledgeError) as error:
        console.refuse(str(error))
        return 1
    except KeyboardInterrupt:
        console.refuse("stopped")
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        console.refuse(_refused_place(error) or _fault(error))
        return 1
    return int(code or 0)


def _refused_place(error: Exception) -> str | None:
    """A place named to the program that the system won't let it use; None where it is something else."""
    if not isinstance(error, OSError) or error.errno not in _PLACE_REFUSED or error.filename is None:
        return None
    return (
        f"{error.filename} can't be used ({error.strerror}); name a place with free space that you may read "
        "and write"
    )


def _fault(error: Exception) -> str:
    """Our own fault in one line: its kind and place. Its message may hold a patient's words."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    kind = type(error).__name__
    reason = f", {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
    return (
        f"a fault inside the program ({kind}{reason}; {Path(place.filename).name}:{place.lineno}). What was "
        "acknowledged is kept. Try again; if it stays, run `anamnesis self-test` and report this line"
    )


def _without_verb(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="anamnesis",
        description="A medical diagnosis assistant. With no verb it opens the window.",
        epilog="\n".join(f"  {v.name:12} {v.help}" for v in VERBS if v.name != "worker"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"anamnesis {VERSION}")
    parser.add_argument("--vault", metavar="DIR", help="open the window on this vault")
    parser.add_argument("--user", metavar="NAME", help="sign in as (default: the OS user)")
    if words and not words[0].startswith("-"):
        parser.error(_no_verb(words[0]))
    return _run(_open_window, parser.parse_args(words), Console(as_json=False))


def _no_verb(word: str) -> str:
    like = get_close_matches(word, [verb.name for verb in VERBS], n=1)
    return f"there is no verb {word!r}; " + (f"did you mean {like[0]!r}?" if like else "see anamnesis --help")


def _open_window(arguments: argparse.Namespace, console: Console) -> int:
    require_screen()
    window = importlib.import_module("app.gui.program")
    return int(window.open_window(vault=arguments.vault, user=arguments.user))
