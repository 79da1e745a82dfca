"""Errors of the learning room: the world's fault, with the remedy in the message.

MlError
├── ModelFileError      a model file is missing, altered or refused
├── TrainingRefused     a run cannot start, or cannot keep its privacy promise
├── UpdateRefused       an update file fails a check
├── SearchDisturbed     two searches write in one journal
└── ProviderUnavailable the execution provider asked for is not there
"""


class MlError(Exception):
    """The root: one line that says what is wrong and what to do."""


class ModelFileError(MlError):
    """A model file is missing, altered or refused."""


class TrainingRefused(MlError):
    """A run cannot start, or cannot keep its privacy promise."""


class UpdateRefused(MlError):
    """An update file fails a check."""


class SearchDisturbed(MlError):
    """Two searches write in one journal."""


class ProviderUnavailable(MlError):
    """The execution provider asked for is not there."""
