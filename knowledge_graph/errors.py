"""Errors of the knowledge room: the world's fault, with the remedy in the message.

KnowledgeError
├── SourceRefused   a source file is missing, broken, cyclic or contradictory
├── UnknownTerm     a term id is not in the ontology
└── UnknownDisease  a disease id is not in the knowledge
"""

_LONGEST = 1_000


class KnowledgeError(Exception):
    """The root: one line that says what is wrong and what to do.

    What it quotes of a file (an id with a line break in it, a cell without end) leaves it one line.
    """

    def __init__(self, message: str) -> None:
        super().__init__("".join(c if c.isprintable() else "\ufffd" for c in message[:_LONGEST]))


class SourceRefused(KnowledgeError):
    """A source file is missing, broken, cyclic or contradictory."""


class UnknownTerm(KnowledgeError):
    """A term id is not in the ontology."""


class UnknownDisease(KnowledgeError):
    """A disease id is not in the knowledge."""
