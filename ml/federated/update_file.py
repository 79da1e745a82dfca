"""The update file: bytes out at the site, bytes in at the coordinator.

`*.fedupdate` = age( DSSE( Statement ) + safetensors ). `open_update` only reads; nothing in what it
gives may be believed before `verify_update_file` has passed it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ml.errors import UpdateRefused
from ml.federated.base_version import BaseVersion, check_shapes
from ml.federated.envelope import check_signatures, read_envelope, sign_statement
from ml.federated.keys import read_identity, read_public_key, read_recipient, signer_of
from ml.federated.package import UPDATE_MAGIC, pack, seal_for, unpack, unseal_with
from ml.federated.payload import Tensors, read_payload, sha256
from ml.federated.privacy_statement import check_claim
from ml.federated.statement import UpdateStatement, read_statement, statement_digest, write_statement

SITE, OFFICER = "the site", "the privacy officer"


@dataclass(frozen=True, slots=True)
class SiteKeys:
    """The public keys of one site, as text."""

    site_key: str
    officer_key: str


@dataclass(frozen=True, slots=True)
class OpenedUpdate:
    """A decrypted update whose signatures and content are NOT yet checked."""

    statement: UpdateStatement
    digest: str
    payload_sha256: str
    payload: bytes = field(repr=False)
    envelope: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class VerifiedUpdate:
    """An update that has passed every check; `digest` names its statement."""

    statement: UpdateStatement
    digest: str
    delta: Tensors = field(repr=False)


def write_update(
    statement: UpdateStatement, payload: bytes, *, site_private: bytes, officer_private: bytes
) -> bytes:
    """The file's bytes, signed by both and encrypted for the recipient that the statement names."""
    if site_private == officer_private:
        raise UpdateRefused(
            "the site and the privacy officer must sign with two keys; make the officer's own"
        )
    check_claim(statement.privacy)
    read_payload(payload)
    read_recipient(statement.recipient)
    signed = write_statement(statement, sha256(payload))
    read_statement(signed, UpdateStatement)
    envelope = sign_statement(signed, [signer_of(site_private), signer_of(officer_private)])
    return seal_for(statement.recipient, pack(UPDATE_MAGIC, envelope, payload))


def open_update(data: bytes, identity: str) -> OpenedUpdate:
    """Decrypt and take apart. Raises UpdateRefused; believes nothing."""
    envelope_bytes, payload = unpack(UPDATE_MAGIC, unseal_with(identity, data))
    envelope = read_envelope(envelope_bytes)
    statement, payload_sha256 = read_statement(envelope.payload, UpdateStatement)
    digest = statement_digest(envelope.payload)
    return OpenedUpdate(statement, digest, payload_sha256, payload, envelope)


def verify_update_file(
    data: bytes, *, identity: str, trusted: Mapping[str, SiteKeys] | SiteKeys, base: BaseVersion
) -> VerifiedUpdate:
    """Every check that needs no memory of earlier files. `trusted` maps site names to their keys."""
    opened = open_update(data, identity)
    keys = _keys_of(opened.statement.site, trusted)
    check_signatures(
        opened.envelope,
        {SITE: read_public_key(keys.site_key), OFFICER: read_public_key(keys.officer_key)},
    )
    if sha256(opened.payload) != opened.payload_sha256:
        raise UpdateRefused("the payload is not the one that was signed; ask for a new file")
    _check_place(opened.statement, identity, base)
    check_claim(opened.statement.privacy)
    delta = read_payload(opened.payload)
    check_shapes(base, delta)
    return VerifiedUpdate(opened.statement, opened.digest, delta)


def _keys_of(site: str, trusted: Mapping[str, SiteKeys] | SiteKeys) -> SiteKeys:
    if isinstance(trusted, SiteKeys):
        return trusted
    if site not in trusted:
        raise UpdateRefused(f"no key of the site {site} is trusted; add both of its keys to the trust file")
    return trusted[site]


def _check_place(statement: UpdateStatement, identity: str, base: BaseVersion) -> None:
    if statement.recipient != str(read_identity(identity).to_public()):
        raise UpdateRefused("it was signed for another coordinator; ask the site for one made for you")
    if statement.base != base.base_id:
        raise UpdateRefused(
            f"it was trained from the base {statement.base[:12]}, not from {base.base_id[:12]}; "
            "name that base, or ask for an update of this one"
        )
    if statement.round != base.round + 1:
        raise UpdateRefused(f"it is of round {statement.round}, this base begins round {base.round + 1}")
