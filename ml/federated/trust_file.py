"""The file that says whose updates a coordinator takes (TOML): `[sites.NAME]` with the two public keys."""

import tomllib

import msgspec

from ml.errors import UpdateRefused
from ml.federated.keys import read_public_key
from ml.federated.update_file import SiteKeys

_LONGEST = 300


def read_trust(text: str) -> dict[str, SiteKeys]:
    """The sites of a trust file's text. Raises UpdateRefused."""
    try:
        sites = msgspec.convert(tomllib.loads(text), _TrustFile).sites
    except (ValueError, RecursionError) as error:
        said = "".join(c if c.isprintable() else "\ufffd" for c in str(error))[:_LONGEST]
        raise UpdateRefused(f"the trust file is not understood ({said}); see `update keys`") from None
    for keys in sites.values():
        read_public_key(keys.site_key)
        read_public_key(keys.officer_key)
    return {name: SiteKeys(keys.site_key.strip(), keys.officer_key.strip()) for name, keys in sites.items()}


class _Site(msgspec.Struct, forbid_unknown_fields=True):
    site_key: str
    officer_key: str


class _TrustFile(msgspec.Struct, forbid_unknown_fields=True):
    sites: dict[str, _Site]
