"""Errors that are the world's fault and name their remedy.

AnamnesisError
├── UsageError            the command or the input cannot be used as given
├── PolicyError           the hospital's policy forbids it
├── VaultError            the encrypted store refuses
│   ├── VaultLocked       busy writer, a user who was left out
│   │   └── WrongPassphrase   wrong passphrase or unknown user
│   ├── VaultDamaged      not a vault, truncated, altered, rolled back
│   └── VaultTooNew       written by a newer version of the program
├── NothingFound          what was given says nothing that can be weighed
├── ImportRefused         a foreign file cannot be read at all
│   └── ReaderEnded       a foreign file ended the process that read it
├── RulesRefused          a hospital's rules file can't be read or has mistakes
├── ModelUnavailable      no model version is published, or it fails its check
├── BudgetExceeded        a run would pass the privacy budget's cap
├── WorkerFailed          a child process ended without a result
└── PartBroken            a part of the installation does not work

Messages never hold note text, names or identifiers of patients.
"""


class AnamnesisError(Exception):
    """The root: the message is one line that says what is wrong and what to do."""


class UsageError(AnamnesisError):
    """The command or the input cannot be used as given."""


class NothingFound(AnamnesisError):
    """What was given says nothing that can be weighed."""


class PolicyError(AnamnesisError):
    """The hospital's policy forbids it."""


class VaultError(AnamnesisError):
    """The encrypted store refuses."""


class VaultLocked(VaultError):
    """Wrong passphrase, unknown user, or another process holds the writer's place."""


class WrongPassphrase(VaultLocked):
    """The passphrase opens no slot of this user; which of the two is wrong is not said."""


class VaultDamaged(VaultError):
    """Not a vault, truncated, altered or rolled back."""


class VaultTooNew(VaultError):
    """Written by a newer version of the program."""


class ImportRefused(AnamnesisError):
    """A foreign file cannot be read at all."""


class ReaderEnded(ImportRefused):
    """A foreign file ended the process that read it: it crashed, hung, or passed a limit."""


class RulesRefused(AnamnesisError):
    """A hospital's rules file can't be read or has mistakes."""


class ModelUnavailable(AnamnesisError):
    """No model version is published, or it fails its check."""


class BudgetExceeded(AnamnesisError):
    """A run would pass the privacy budget's cap."""


class WorkerFailed(AnamnesisError):
    """A child process ended without a result."""


class PartBroken(AnamnesisError):
    """A part of the installation does not work."""
