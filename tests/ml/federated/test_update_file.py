"""An update file comes back whole, and every way of tampering with it is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import rfc8785
from safetensors.numpy import save

from ml.errors import UpdateRefused
from ml.federated import package
from ml.federated.envelope import sign_statement
from ml.federated.keys import new_identity, public_text, signer_of
from ml.federated.package import UPDATE_MAGIC, pack, unpack, unseal_with
from ml.federated.payload import sha256, write_payload
from ml.federated.statement import UpdateStatement, write_statement
from ml.federated.update_file import SiteKeys, VerifiedUpdate, open_update, verify_update_file, write_update
from tests.ml.federated.small_federation import (
    CLAIM,
    IDENTITY,
    KEYS,
    OFFICER,
    SITE,
    STRANGER,
    Forger,
    base,
    some_delta,
    statement,
)

PAYLOAD = write_payload(some_delta())


def verify(data: bytes, *, identity: str = IDENTITY, keys: Any = KEYS) -> VerifiedUpdate:
    return verify_update_file(data, identity=identity, trusted=keys, base=base())


def written(said: UpdateStatement | None = None, payload: bytes = PAYLOAD) -> bytes:
    return write_update(said or statement(), payload, site_private=SITE, officer_private=OFFICER)


def test_an_update_comes_back_as_it_went_in() -> None:
    update = verify(written())
    assert update.statement == statement()
    assert list(update.delta) == ["head.bias", "head.weight"]
    for name, tensor in some_delta().items():
        np.testing.assert_array_equal(update.delta[name], tensor)


def test_a_site_is_found_by_its_name_among_the_trusted() -> None:
    assert verify(written(), keys={"south": SiteKeys("x", "y"), "north": KEYS}).statement.site == "north"
    with pytest.raises(UpdateRefused, match="no key of the site north"):
        verify(written(), keys={"south": KEYS})


def test_nothing_of_the_content_can_be_read_from_outside() -> None:
    data = written()
    assert b"north" not in data
    assert b"head.bias" not in data
    with pytest.raises(UpdateRefused, match="sealed for another"):
        verify(data, identity=new_identity()[0])


@pytest.mark.slow
def test_every_altered_byte_of_the_sealed_file_is_refused() -> None:
    data, rng = written(), np.random.default_rng(0)
    for place in range(len(data)):
        altered = bytearray(data)
        altered[place] ^= 1 << int(rng.integers(8))
        with pytest.raises(UpdateRefused):
            verify(bytes(altered))


@pytest.mark.slow
def test_every_altered_byte_inside_a_file_sealed_anew_is_refused() -> None:
    """The envelope, its length, its signatures and the payload: whoever can seal can't alter."""
    inside, rng = unseal_with(IDENTITY, written()), np.random.default_rng(1)
    for place in range(len(inside)):
        altered = bytearray(inside)
        altered[place] ^= 1 << int(rng.integers(8))
        with pytest.raises(UpdateRefused):
            verify(package.seal_for(statement().recipient, bytes(altered)))


@pytest.mark.slow
def test_a_file_cut_or_lengthened_anywhere_is_refused() -> None:
    data = written()
    inside = unseal_with(IDENTITY, data)
    for place in range(0, len(data), 7):
        with pytest.raises(UpdateRefused):
            verify(data[:place])
    for place in range(0, len(inside), 7):
        with pytest.raises(UpdateRefused):
            verify(package.seal_for(statement().recipient, inside[:place]))
    for longer in (data + b"\0", package.seal_for(statement().recipient, inside + b"\0")):
        with pytest.raises(UpdateRefused):
            verify(longer)


@pytest.mark.slow
def test_random_bytes_in_place_of_anything_raise_nothing_but_a_refusal() -> None:
    rng = np.random.default_rng(2)
    envelope, payload = unpack(UPDATE_MAGIC, unseal_with(IDENTITY, written()))
    for _ in range(300):
        junk = rng.bytes(int(rng.integers(8, 200)))
        start = int(rng.integers(len(envelope)))
        pieced = envelope[:start] + junk + envelope[start + len(junk) :]
        for inside in (junk, UPDATE_MAGIC + junk, pack(UPDATE_MAGIC, pieced, payload)):
            with pytest.raises(UpdateRefused):
                verify(package.seal_for(statement().recipient, inside))


@pytest.mark.parametrize(
    "signing", [(SITE,), (OFFICER,), (SITE, SITE), (STRANGER, OFFICER), (SITE, STRANGER), ()]
)
def test_both_trusted_keys_must_have_signed(signing: tuple[bytes, ...]) -> None:
    with pytest.raises(UpdateRefused, match="not signed by"):
        verify(Forger(signing).update(statement(), PAYLOAD))


def test_a_third_signature_is_refused() -> None:
    with pytest.raises(UpdateRefused, match="somebody else"):
        verify(Forger((SITE, OFFICER, STRANGER)).update(statement(), PAYLOAD))


def test_one_key_in_both_places_is_refused() -> None:
    same = SiteKeys(public_text(SITE), public_text(SITE))
    with pytest.raises(UpdateRefused, match="must differ"):
        verify(Forger((SITE,)).update(statement(), PAYLOAD), keys=same)
    with pytest.raises(UpdateRefused, match="two keys"):
        write_update(statement(), PAYLOAD, site_private=SITE, officer_private=SITE)


def test_a_signature_of_another_statement_is_refused() -> None:
    envelope, _ = unpack(UPDATE_MAGIC, unseal_with(IDENTITY, written()))
    other, _ = unpack(UPDATE_MAGIC, unseal_with(IDENTITY, written(statement(weight=2))))
    mixed = json.loads(envelope) | {"signatures": json.loads(other)["signatures"]}
    with pytest.raises(UpdateRefused, match="does not fit"):
        verify(Forger().seal(rfc8785.dumps(mixed), PAYLOAD))


def test_a_signature_listed_twice_is_refused() -> None:
    envelope = json.loads(sign_statement(b"{}", [signer_of(SITE)]))
    envelope["signatures"] *= 2
    with pytest.raises(UpdateRefused, match="canonical"):
        verify(Forger().seal(rfc8785.dumps(envelope), PAYLOAD))


@pytest.mark.parametrize(
    "spell",
    [
        lambda e: json.dumps(e).encode(),
        lambda e: rfc8785.dumps(e | {"signatures": e["signatures"][::-1]}),
        lambda e: rfc8785.dumps(e | {"note": "hello"}),
        lambda e: rfc8785.dumps(e | {"payloadType": "text/plain"}),
        lambda e: rfc8785.dumps(e | {"payload": e["payload"] + "\n"}),
        lambda e: rfc8785.dumps(e | {"signatures": [s | {"x": "y"} for s in e["signatures"]]}),
        lambda e: rfc8785.dumps(e)[:-1] + b',"payload":""}',
    ],
)
def test_a_second_spelling_of_the_envelope_is_refused(spell: Callable[[Any], bytes]) -> None:
    """The signatures are right in all of these."""
    envelope, _ = unpack(UPDATE_MAGIC, unseal_with(IDENTITY, written()))
    with pytest.raises(UpdateRefused, match="canonical"):
        verify(Forger().seal(spell(json.loads(envelope)), PAYLOAD))


def _statement_fields() -> Any:
    return json.loads(write_statement(statement(), sha256(PAYLOAD)))


@pytest.mark.parametrize(
    "spell",
    [
        lambda s: json.dumps(s).encode(),
        lambda s: rfc8785.dumps(s | {"timestamp": "2025"}),
        lambda s: rfc8785.dumps(s | {"predicate": s["predicate"] | {"num_examples": 412}}),
        lambda s: rfc8785.dumps(s | {"predicate": s["predicate"] | {"accuracy": 0.8}}),
        lambda s: rfc8785.dumps(s | {"subject": s["subject"] * 2}),
        lambda s: rfc8785.dumps(s | {"predicateType": "urn:other"}),
        lambda s: rfc8785.dumps({k: v for k, v in s.items() if k != "subject"}),
        lambda s: rfc8785.dumps(s).replace(b'"weight":1', b'"weight":1.0'),
        lambda s: rfc8785.dumps(s).replace(b'"weight":1', b'"weight":1,"weight":1'),
        lambda s: rfc8785.dumps(s).replace(b'"weight":1', b'"weight":true'),
        lambda s: rfc8785.dumps(s).replace(b'"epsilon":2.5', b'"epsilon":1e999'),
        lambda s: rfc8785.dumps(s) + b"\n",
        lambda s: b"[" * 100_000,
        lambda s: b"",
    ],
)
def test_a_signed_statement_in_another_form_or_with_other_fields_is_refused(
    spell: Callable[[Any], bytes],
) -> None:
    with pytest.raises(UpdateRefused, match="canonical"):
        verify(Forger().update(spell(_statement_fields()), PAYLOAD))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"base": "0" * 64}, "trained from the base"),
        ({"round": 2}, "of round 2"),
        ({"recipient": new_identity()[1]}, "another coordinator"),
        ({"weight": 0}, "out of its range"),
        ({"weight": 10**8}, "out of its range"),
        ({"site": "No Such Name"}, "out of its range"),
        ({"base": "zz"}, "out of its range"),
        ({"privacy": replace(CLAIM, epsilon=0.0)}, "no privacy promise"),
        ({"privacy": replace(CLAIM, mechanism="none")}, "no privacy promise"),
        ({"privacy": replace(CLAIM, epsilon=0.01)}, "below what its own noise"),
        ({"privacy": replace(CLAIM, epsilon=-1.0)}, "out of range"),
        ({"privacy": replace(CLAIM, epsilon=1000.0)}, "out of range"),
        ({"privacy": replace(CLAIM, delta=0.5)}, "out of range"),
        ({"privacy": replace(CLAIM, noise_multiplier=0.0)}, "out of range"),
        ({"privacy": replace(CLAIM, sample_rate=1.5)}, "out of range"),
        ({"privacy": replace(CLAIM, max_grad_norm=0.0)}, "out of range"),
        ({"privacy": replace(CLAIM, steps=0)}, "out of range"),
        ({"privacy": replace(CLAIM, unit="note")}, "unit"),
        ({"privacy": replace(CLAIM, mechanism="laplace")}, "must name"),
    ],
)
def test_a_signed_statement_that_says_the_wrong_thing_is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(UpdateRefused, match=why):
        verify(Forger().update(statement(**changes), PAYLOAD))


def _with(**tensors: Any) -> bytes:
    return write_payload(some_delta() | {k.replace("_", "."): np.asarray(v) for k, v in tensors.items()})


def _reordered(payload: bytes) -> bytes:
    """The same tensors with the header's names in another order: still valid safetensors."""
    length = int.from_bytes(payload[:8], "little")
    header = json.loads(payload[8 : 8 + length])
    turned = json.dumps(dict(reversed(header.items())), separators=(",", ":")).encode().ljust(length)
    return len(turned).to_bytes(8, "little") + turned + payload[8 + length :]


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (_with(head_bias=[1.0, np.nan, 0.0]), "not finite"),
        (_with(head_bias=[1.0, np.inf, 0.0]), "not finite"),
        (_with(head_bias=[1.0, 2.0]), "not the base's"),
        (_with(head_bias=[[1.0, 2.0, 3.0]]), "not the base's"),
        (_with(optimizer_state=[1.0]), "not the base's"),
        (save({n: t.astype(np.float64) for n, t in some_delta().items()}), "float32"),
        (save({n: t.astype(np.float16) for n, t in some_delta().items()}), "float32"),
        (save({"head.bias": np.zeros((0,), np.float32)}), "float32"),
        (save({}), "float32"),
        (save(some_delta(), metadata={"note": "hello"}), "canonical"),
        (_reordered(PAYLOAD), "canonical"),
        (b"", "safetensors"),
        (b"not tensors at all", "safetensors"),
        (PAYLOAD + b"\0", "safetensors"),
    ],
)
def test_a_signed_payload_that_should_not_be_is_refused(payload: bytes, why: str) -> None:
    with pytest.raises(UpdateRefused, match=why):
        verify(Forger().update(statement(), payload))


def test_a_payload_exchanged_for_another_is_refused() -> None:
    with pytest.raises(UpdateRefused, match="not the one that was signed"):
        verify(Forger().update(statement(), write_payload(some_delta(seed=9)), named_sha256=sha256(PAYLOAD)))


def test_what_the_writer_would_be_ashamed_of_is_refused_before_signing() -> None:
    for said in (
        statement(privacy=replace(CLAIM, epsilon=0.0)),
        statement(site="A B"),
        statement(recipient="age1"),
    ):
        with pytest.raises(UpdateRefused):
            written(said)
    with pytest.raises(UpdateRefused, match="not finite"):
        written(payload=_with(head_bias=[np.nan, 0.0, 0.0]))


def test_a_file_too_large_is_refused_before_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    data = written()
    monkeypatch.setattr(package, "LARGEST_FILE", len(data) - 1)
    with pytest.raises(UpdateRefused, match="larger than"):
        verify(data)


def test_looking_inside_believes_nothing_but_refuses_other_kinds() -> None:
    assert open_update(Forger(()).update(statement(), PAYLOAD), IDENTITY).statement.site == "north"
    with pytest.raises(UpdateRefused, match="kind of file"):
        open_update(package.seal_for(statement().recipient, b"hello"), IDENTITY)


def test_the_same_content_is_signed_and_named_alike_each_time() -> None:
    first, second = open_update(written(), IDENTITY), open_update(written(), IDENTITY)
    assert (first.digest, first.payload) == (second.digest, second.payload)
    assert first.envelope == second.envelope
