"""The manual page, written from the table of verbs so that the two never differ."""

from collections.abc import Iterable

from app.cli.verbs import VERBS
from installer.deb.package import POLICY

OPTIONS = (
    ("--vault DIR", "the vault to work on; without a verb, the vault that the window opens"),
    ("--user NAME", "who signs in; without it, the system's user"),
    ("--passphrase-stdin", "read the passphrase from the first line of standard input"),
    ("--json", "print JSON; every verb takes it"),
    ("--version", "print the version"),
    ("--help", "explain a verb, or list the verbs"),
)
EXITS = (("0", "done"), ("1", "refused, with one line on standard error that says why"), ("2", "wrong usage"))
FILES = (
    (POLICY, "what IT decides for this machine; kept by upgrades"),
    ("~/.cache/anamnesis", "public data compiled once; safe to delete"),
    ("~/.config/anamnesis", "settings of the window"),
)


def manual_page(version: str, date: str) -> str:
    """The page in man's own language."""
    return "".join(
        (
            f'.TH ANAMNESIS 1 "{date}" "anamnesis {version}" "User Commands"\n',
            ".SH NAME\nanamnesis \\- medical diagnosis assistant\n",
            ".SH SYNOPSIS\n.B anamnesis\n[\\fIVERB\\fR] [\\fIOPTIONS\\fR]\n",
            ".SH DESCRIPTION\nWithout a verb, open the window. Patient records lie in an encrypted\n",
            "vault, a folder that you choose; no verb sends anything over a network.\n",
            "This is decision support, not a diagnosis.\n",
            _section("VERBS", [(verb.name, verb.help) for verb in VERBS if verb.name != "worker"]),
            _section("OPTIONS", OPTIONS),
            _section("EXIT STATUS", EXITS),
            _section("FILES", FILES),
        )
    )


def _section(title: str, rows: Iterable[tuple[str, str]]) -> str:
    return f".SH {title}\n" + "".join(f".TP\n.B {_roff(name)}\n{_roff(text)}\n" for name, text in rows)


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + escaped if escaped.startswith((".", "'")) else escaped
