"""Errors of the knowledge room: the world's fault, with the remedy in the message.

KnowledgeError
├── SourceRefused   a source file is missing, broken, cyclic or contradictory
├── UnknownTerm     a term id is not in the ontology
└── UnknownDisease  a disease id is not in the knowledge
"""


class KnowledgeError(Exception):
    """The root: one line that says what is wrong and what to do."""


class SourceRefused(KnowledgeError):
    """A source file is missing, broken, cyclic or contradictory."""


class UnknownTerm(KnowledgeError):
    """A term id is not in the ontology."""


class UnknownDisease(KnowledgeError):
    """A disease id is not in the knowledge."""
