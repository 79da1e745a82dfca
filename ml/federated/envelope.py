"""The signed envelope: DSSE by securesystemslib, in one canonical spelling."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import rfc8785
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import Error as SigningError

from ml.errors import UpdateRefused

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def sign_statement(statement: bytes, signers: Sequence[Any]) -> bytes:
    """The envelope's bytes, signed by every signer."""
    envelope = Envelope(statement, PAYLOAD_TYPE, {})
    for signer in signers:
        envelope.sign(signer)
    return _written(envelope)


def read_envelope(data: bytes) -> Any:
    """An envelope whose signatures are NOT yet checked; refuses any second spelling of the same thing."""
    try:
        shape = msgspec.json.decode(data, type=_EnvelopeShape)
        envelope = Envelope.from_dict(msgspec.to_builtins(shape))
        same = envelope.payload_type == PAYLOAD_TYPE and _written(envelope) == data
    except (msgspec.MsgspecError, SigningError, ValueError, RecursionError):
        same = False
    if not same:
        raise UpdateRefused("the envelope was altered, or is not in its canonical form; ask for a new file")
    return envelope


def check_signatures(envelope: Any, keys: Mapping[str, Any]) -> None:
    """Refuse unless every key signed, and nobody else. `keys` maps who it is to the public key."""
    wanted = {key.keyid: who for who, key in keys.items()}
    if len(wanted) != len(keys):
        raise UpdateRefused(f"the keys of {' and '.join(keys)} must differ; ask the site for both")
    for keyid, who in wanted.items():
        if keyid not in envelope.signatures:
            raise UpdateRefused(f"it is not signed by {who} whose key you trust; compare the keys by phone")
    if set(envelope.signatures) != set(wanted):
        raise UpdateRefused("somebody else has signed it as well; ask for a new file")
    try:
        envelope.verify(list(keys.values()), threshold=len(keys))
    except SigningError:
        raise UpdateRefused("a signature does not fit what it signs; ask for a new file") from None


class _SignatureShape(msgspec.Struct, forbid_unknown_fields=True):
    keyid: str
    sig: str


class _EnvelopeShape(msgspec.Struct, forbid_unknown_fields=True):
    payload: str
    payloadType: str
    signatures: list[_SignatureShape]


def _written(envelope: Any) -> bytes:
    fields = envelope.to_dict()
    fields["signatures"] = sorted(fields["signatures"], key=lambda signature: signature["keyid"])
    data: bytes = rfc8785.dumps(fields)
    return data
