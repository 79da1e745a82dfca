"""The outer layers of a file: one envelope and one payload side by side, and age around both.

MAGIC  8 bytes: the envelope's length, big-endian  envelope  payload
"""

from pyrage import DecryptError, decrypt, encrypt

from ml.errors import UpdateRefused
from ml.federated.keys import read_identity, read_recipient

UPDATE_MAGIC = b"anamnesis-fedupdate/1\n"
BASE_MAGIC = b"anamnesis-fedbase/1\n"
LARGEST_FILE = 1 << 30
LARGEST_ENVELOPE = 1 << 20
_LENGTH_BYTES = 8


def pack(magic: bytes, envelope: bytes, payload: bytes) -> bytes:
    """Envelope and payload as one piece."""
    return magic + len(envelope).to_bytes(_LENGTH_BYTES, "big") + envelope + payload


def unpack(magic: bytes, data: bytes) -> tuple[bytes, bytes]:
    """(envelope, payload); refuses another kind of file and a length that does not fit."""
    check_size(data)
    start = len(magic) + _LENGTH_BYTES
    if not data.startswith(magic) or len(data) < start:
        raise UpdateRefused(
            "this is not the kind of file it should be, or of a newer program; check its name"
        )
    length = int.from_bytes(data[len(magic) : start], "big")
    if length > min(LARGEST_ENVELOPE, len(data) - start):
        raise UpdateRefused("the file is cut or was altered; ask for it again")
    return data[start : start + length], data[start + length :]


def seal_for(recipient: str, data: bytes) -> bytes:
    """Encrypt for one age recipient."""
    sealed: bytes = encrypt(data, [read_recipient(recipient)])
    return sealed


def unseal_with(identity: str, data: bytes) -> bytes:
    """Decrypt; refuses what is meant for another recipient, and any altered byte."""
    check_size(data)
    secret = read_identity(identity)
    try:
        opened: bytes = decrypt(data, [secret])
    except DecryptError:
        raise UpdateRefused(
            "the file can't be opened: it was altered, or sealed for another coordinator; ask for it again"
        ) from None
    return opened


def check_size(data: bytes) -> None:
    """Refuse a file too large to be an update."""
    if len(data) > LARGEST_FILE:
        raise UpdateRefused(f"the file is larger than {LARGEST_FILE >> 20} MiB; it can't be an update")
