"""A coordinator's own keys: an age identity to open updates, an Ed25519 key to sign bases."""

import tomllib
from dataclasses import dataclass, field

from ml.errors import UpdateRefused
from ml.federated.keys import new_identity, new_private_key, public_text, read_identity

_HEADING = "# Secret: whoever has this file can open updates and sign bases. Keep a copy in a safe.\n"


@dataclass(frozen=True, slots=True)
class Coordinator:
    """`recipient` and `public_key` are for the sites; the rest is secret."""

    recipient: str
    public_key: str
    identity: str = field(repr=False)
    private_key: bytes = field(repr=False)

    def to_text(self) -> str:
        """The key file's content (TOML)."""
        return (
            f'{_HEADING}identity = "{self.identity}"\nprivate_key = "{self.private_key.hex()}"\n'
            f'# For the sites: recipient = "{self.recipient}", coordinator key = "{self.public_key}"\n'
        )


def new_coordinator() -> Coordinator:
    """Fresh keys, from the operating system's randomness."""
    identity, recipient = new_identity()
    private_key = new_private_key()
    return Coordinator(recipient, public_text(private_key), identity, private_key)


def read_coordinator(text: str) -> Coordinator:
    """The keys of a key file; refuses anything else."""
    try:
        fields = tomllib.loads(text)
        identity, private_key = fields["identity"], bytes.fromhex(fields["private_key"])
        public_key = public_text(private_key)
    except (KeyError, TypeError, ValueError, RecursionError):
        raise UpdateRefused(
            "this is no coordinator's key file; make one with `anamnesis update new-coordinator FILE`"
        ) from None
    return Coordinator(str(read_identity(identity).to_public()), public_key, identity, private_key)
