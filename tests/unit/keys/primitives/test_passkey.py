"""Passkeys against an authenticator in software: what is taken, and each fault that is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from support.authenticator import ORIGIN, Authenticator

from gateway.errors import Code, RemoteError
from keys.primitives.encoding import b64u, unb64u
from keys.primitives.passkey import (
    Assertion,
    Passkey,
    Site,
    creation_options,
    request_options,
    verify_assertion,
    verify_registration,
)

SITE = Site.at(ORIGIN)
CHALLENGE = bytes(range(32))
NOW = 1_800_000_000


def created(device: Authenticator, site: Site = SITE) -> dict[str, Any]:
    """What the browser gives after a creation."""
    options = creation_options(site, CHALLENGE, service="TRM", person=b"p" * 16, name="Ana", held=[], synced=True)
    return device.create(options)


def made(device: Authenticator) -> Passkey:
    """The passkey of a device, registered."""
    return verify_registration(created(device), site=SITE, challenge=CHALLENGE)


def shown(device: Authenticator, passkey: Passkey) -> int:
    """The device signs, and it is judged."""
    said = Assertion.from_browser(device.get(request_options(SITE, CHALLENGE)))
    return verify_assertion(said, passkey, site=SITE, challenge=CHALLENGE)


@pytest.mark.parametrize("key", [None, rsa.generate_private_key(65537, 2048)], ids=["ES256", "RS256"])
def test_a_passkey_is_made_and_shown(key: Any):
    """Both kinds of keys; the counter goes on."""
    device = Authenticator() if key is None else Authenticator(key=key)
    passkey = made(device)
    assert (passkey.id, passkey.counter, passkey.synced) == (device.id, 1, False)
    device.counter = 7
    assert shown(device, passkey) == 7


def test_a_device_that_does_not_count():
    """Zero for ever is no counter; a synced passkey is known as such."""
    device = Authenticator(counter=0, synced=True)
    passkey = made(device)
    assert passkey.synced
    assert shown(device, passkey) == shown(device, passkey) == 0


def test_the_site_of_an_origin():
    """The relying party is the host, without its port."""
    assert Site.at("https://desk.example.org:8443").rp == Site.at(ORIGIN).rp == "desk.example.org"


def test_options_ask_for_verification_and_nothing_of_the_device():
    """A person is verified, the passkey is found without a name, who built the device is not asked."""
    options: Any = creation_options(SITE, CHALLENGE, service="TRM", person=b"p", name="Ana", held=[b"h"], synced=False)
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert (options["attestation"], options["hints"]) == ("none", ["security-key"])
    assert options["excludeCredentials"] == [{"type": "public-key", "id": b64u(b"h")}]
    asked: Any = request_options(SITE, CHALLENGE)
    assert (asked["userVerification"], asked["allowCredentials"]) == ("required", [])


FAULTS: dict[str, tuple[dict[str, Any], Code, str]] = {
    "another challenge": ({"challenge": bytes(32)}, Code.CONFLICT, "something else"),
    "a page that imitates ours": ({"origin": "https://desk.example.com"}, Code.MISDIRECTED, "another origin"),
    "another port": ({"origin": ORIGIN + ":444"}, Code.MISDIRECTED, "another origin"),
    "inside of a foreign page": ({"cross_origin": True}, Code.MISDIRECTED, "another origin"),
    "another site": ({"rp": "example.org"}, Code.MISDIRECTED, "another site"),
    "nobody verified": ({"verified": False}, Code.UNAUTHORISED, "did not verify"),
    "nobody there": ({"present": False}, Code.UNAUTHORISED, "did not verify"),
    "another purpose": ({"purpose": "webauthn.other"}, Code.WRONG_TYPE, "another purpose"),
}


@pytest.mark.parametrize(("fault", "code", "words"), FAULTS.values(), ids=FAULTS)
def test_row_38_what_is_not_kept(fault: dict[str, Any], code: Code, words: str):
    """A registration with one fault."""
    with pytest.raises(RemoteError, match=words) as caught:
        made(Authenticator(**fault))
    assert caught.value.code is code


SHOWN = FAULTS | {
    "the counter went back": ({"counter": 4}, Code.ROLLBACK, "counter"),
    "the counter stood still": ({"counter": 5}, Code.ROLLBACK, "counter"),
    "the counter begins anew": ({"counter": 0}, Code.ROLLBACK, "counter"),
    "another key": ({"key": ec.generate_private_key(ec.SECP256R1())}, Code.BAD_SIGNATURE, "not signed"),
    "another passkey": ({"id": b"other"}, Code.BAD_SIGNATURE, "another passkey"),
    "synced since": ({"synced": True}, Code.BAD_KEY, "another kind"),
    "a registration": ({"purpose": "webauthn.create"}, Code.WRONG_TYPE, "another purpose"),
}


@pytest.mark.parametrize(("fault", "code", "words"), SHOWN.values(), ids=SHOWN)
def test_row_38_what_is_not_accepted(fault: dict[str, Any], code: Code, words: str):
    """A signature with one fault."""
    device = Authenticator()
    passkey = replace(made(device), counter=5)
    device.counter = 6
    assert shown(device, passkey) == 6
    for name, value in fault.items():
        setattr(device, name, value)
    with pytest.raises(RemoteError, match=words) as caught:
        shown(device, passkey)
    assert caught.value.code is code


@pytest.mark.parametrize("part", ["clientDataJSON", "authenticatorData", "signature"])
def test_no_byte_of_a_signature_can_be_altered(part: str):
    """Each part is covered."""
    device = Authenticator()
    passkey = made(device)
    given = device.get(request_options(SITE, CHALLENGE))
    spoilt = bytearray(unb64u(given["response"][part]))
    spoilt[-1] ^= 1
    given["response"][part] = b64u(bytes(spoilt))
    with pytest.raises(RemoteError):
        verify_assertion(Assertion.from_browser(given), passkey, site=SITE, challenge=CHALLENGE)


def attestation(given: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The same registration with other members of its attestation."""
    held = cbor2.loads(unb64u(given["response"]["attestationObject"])) | changes
    given["response"]["attestationObject"] = b64u(cbor2.dumps(held))
    return given


BAD: dict[str, Any] = {
    "no object": lambda g: None,
    "no response": lambda g: {**g, "response": None},
    "another kind": lambda g: {**g, "type": "password"},
    "two ids": lambda g: {**g, "rawId": "AAAA"},
    "another id than is signed": lambda g: {**g, "id": "AAAA", "rawId": "AAAA"},
    "a long id": lambda g: {**g, "id": "A" * 4_000, "rawId": "A" * 4_000},
    "padding": lambda g: {**g, "id": g["id"] + "=", "rawId": g["id"] + "="},
    "no client data": lambda g: {**g, "response": {**g["response"], "clientDataJSON": None}},
    "client data that is a list": lambda g: {**g, "response": {**g["response"], "clientDataJSON": b64u(b"[]")}},
    "deep client data": lambda g: {**g, "response": {**g["response"], "clientDataJSON": b64u(b"[" * 3_000)}},
    "deep attestation": lambda g: {**g, "response": {**g["response"], "attestationObject": b64u(b"\x81" * 9_000)}},
    "attestation that is a number": lambda g: {**g, "response": {**g["response"], "attestationObject": b64u(b"\x01")}},
    "large attestation": lambda g: {**g, "response": {**g["response"], "attestationObject": "A" * 30_000}},
    "attestation of a maker": lambda g: attestation(g, fmt="tpm"),
    "an unknown format": lambda g: attestation(g, fmt="house"),
    "a format that is a list": lambda g: attestation(g, fmt=["none"]),
    "statement where there is none": lambda g: attestation(g, attStmt={"sig": b"x"}),
    "half of the data": lambda g: attestation(g, authData=b"x" * 20),
    "no data": lambda g: attestation(g, authData=None),
}


@pytest.mark.parametrize("spoil", BAD.values(), ids=BAD)
def test_bytes_of_a_stranger_are_one_error(spoil: Any):
    """Nothing from outside leaves as another kind of error."""
    with pytest.raises(RemoteError):
        verify_registration(spoil(created(Authenticator())), site=SITE, challenge=CHALLENGE)


@pytest.mark.parametrize(
    "cose",
    [
        b"\x04",
        cbor2.dumps({}),
        cbor2.dumps({1: 2, 3: -7, -1: 1, -2: b"x" * 32, -3: b"y" * 32}),
        cbor2.dumps({1: 1, 3: -8, -1: 6, -2: bytes(32)}),
        cbor2.dumps({1: 3, 3: -257, -1: b"\x7f" * 128, -2: b"\x03"}),
    ],
    ids=["uncompressed", "empty", "no point of the curve", "ed25519 of low order", "short RSA"],
)
def test_a_key_that_is_none_is_not_kept(monkeypatch: pytest.MonkeyPatch, cose: bytes):
    """Also one under which a signature would be worth nothing."""
    device = Authenticator()
    monkeypatch.setattr(device, "cose", lambda: cose)
    with pytest.raises(RemoteError) as caught:
        made(device)
    assert caught.value.code is Code.BAD_KEY


def test_client_data_with_a_member_twice():
    """The first spelling can not smuggle in another origin than the last one."""
    device = Authenticator()
    given = created(device)
    said = json.loads(unb64u(given["response"]["clientDataJSON"]))
    twice = json.dumps(said)[:-1] + f', "origin": "{ORIGIN}x"}}'
    given["response"]["clientDataJSON"] = b64u(twice.encode())
    with pytest.raises(RemoteError, match="another origin"):
        verify_registration(given, site=SITE, challenge=CHALLENGE)
