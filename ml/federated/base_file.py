"""The base file: what a coordinator hands back to the sites. Signed by them, readable by anybody.

`*.fedbase` = DSSE( Statement ) + safetensors of all tensors that the base stores.
"""

from dataclasses import dataclass, field

from ml.errors import UpdateRefused
from ml.federated.base_version import base_name
from ml.federated.envelope import check_signatures, read_envelope, sign_statement
from ml.federated.keys import read_public_key, signer_of
from ml.federated.package import BASE_MAGIC, pack, unpack
from ml.federated.payload import Tensors, read_payload, sha256, write_payload
from ml.federated.statement import BaseStatement, read_statement, write_statement


@dataclass(frozen=True, slots=True)
class BaseFile:
    """A base as it stands in a file; `base_id` is its name by content."""

    statement: BaseStatement
    base_id: str
    payload: bytes = field(repr=False)
    tensors: Tensors = field(repr=False)


def write_base(statement: BaseStatement, tensors: Tensors, *, private_key: bytes) -> bytes:
    """The file's bytes, signed by the coordinator."""
    payload = write_payload(tensors)
    signed = write_statement(statement, sha256(payload))
    read_statement(signed, BaseStatement)
    return pack(BASE_MAGIC, sign_statement(signed, [signer_of(private_key)]), payload)


def read_base(data: bytes, *, coordinator_key: str | None) -> BaseFile:
    """Read and verify. Without a key (to look at it only) the signature is not checked."""
    envelope_bytes, payload = unpack(BASE_MAGIC, data)
    envelope = read_envelope(envelope_bytes)
    if coordinator_key is not None:
        check_signatures(envelope, {"the coordinator": read_public_key(coordinator_key)})
    statement, payload_sha256 = read_statement(envelope.payload, BaseStatement)
    if sha256(payload) != payload_sha256:
        raise UpdateRefused("the tensors are not the ones that were signed; ask for the file again")
    named = base_name(payload_sha256, labels_sha256=statement.labels, encoder_sha256=statement.encoder)
    return BaseFile(statement, named, payload, read_payload(payload))
