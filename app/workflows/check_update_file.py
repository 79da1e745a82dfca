"""Self-test of the update file: sealed, verified, and refused when a byte is altered or a key is another."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from app.errors import PartBroken
from ml.errors import UpdateRefused
from ml.federated.base_version import BaseVersion
from ml.federated.keys import new_identity, new_private_key, public_text
from ml.federated.payload import write_payload
from ml.federated.statement import UpdateStatement
from ml.federated.update_file import SiteKeys, verify_update_file, write_update
from ml.privacy.ledger import MECHANISM, epsilon_bound
from ml.registry.training_result import PrivacyClaim

DELTA = {"head.bias": np.linspace(-1, 1, 8, dtype=np.float32)}
BASE_ID = "0" * 64
ALTERED_PLACES = 16
NOISE, RATE, STEPS, LOST = 8.0, 0.5, 10, 1e-5


def check_update_file() -> str:
    """Everything in memory, with keys made now and a delta that was never trained."""
    identity, recipient = new_identity()
    site, officer = new_private_key(), new_private_key()
    data = write_update(
        _statement(recipient), write_payload(DELTA), site_private=site, officer_private=officer
    )
    keys = SiteKeys(public_text(site), public_text(officer))

    def verify(sent: bytes, trusted: SiteKeys) -> None:
        opened = verify_update_file(sent, identity=identity, trusted=trusted, base=_base())
        if not np.array_equal(opened.delta["head.bias"], DELTA["head.bias"]):
            raise PartBroken("an update file does not give back what was sealed; install the program again")

    verify(data, keys)
    for place in range(0, len(data), max(1, len(data) // ALTERED_PLACES)):
        altered = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        _must_refuse(partial(verify, altered, keys), "an altered byte")
    stranger = replace(keys, officer_key=public_text(new_private_key()))
    _must_refuse(partial(verify, data, stranger), "another officer's key")
    return f"{len(data)} bytes sealed and verified; an altered byte and another's key are refused"


def _must_refuse(deed: Callable[[], None], what: str) -> None:
    try:
        deed()
    except UpdateRefused:
        return
    raise PartBroken(f"an update file with {what} is believed; export nothing, install the program again")


def _statement(recipient: str) -> UpdateStatement:
    claim = PrivacyClaim(
        epsilon=epsilon_bound([(NOISE, RATE, STEPS)], LOST),
        delta=LOST,
        mechanism=MECHANISM,
        sample_rate=RATE,
        noise_multiplier=NOISE,
        max_grad_norm=1.0,
        steps=STEPS,
    )
    return UpdateStatement("self-test", 1, BASE_ID, recipient, 1, claim)


def _base() -> BaseVersion:
    own = {name: np.zeros_like(tensor) for name, tensor in DELTA.items()}
    return BaseVersion(BASE_ID, 0, labels_sha256="", encoder_sha256="", own=own, whole=own)
