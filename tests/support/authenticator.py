"""An authenticator in software: real passkeys, attestation objects and assertions, for tests without a browser.

Its plain attributes say how it misbehaves; what it gives is `PublicKeyCredential.toJSON()` of a browser:

    key = Authenticator()
    made = key.create(ceremony.options)        # for the options of a registration
    said = key.get(ceremony.options)           # for those of a signature
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from keys.primitives.encoding import b64u, unb64u

ORIGIN = "https://desk.example.org"
UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40


@dataclass(kw_only=True)
class Authenticator:
    """One device with one passkey. `counter` is what it says next."""

    origin: str = ORIGIN
    rp: str | None = None
    present: bool = True
    verified: bool = True
    synced: bool = False
    counter: int = 1
    cross_origin: bool = False
    purpose: str | None = None
    challenge: bytes | None = None
    fmt: str = "none"
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    holder: bytes | None = None

    def create(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Make the passkey that these options ask for."""
        self.holder = unb64u(options["user"]["id"])
        credential = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + self.cose()
        data = self._data(options["rp"]["id"], AT) + credential
        attestation = cbor2.dumps({"fmt": self.fmt, "attStmt": {}, "authData": data})
        return self._outer(
            clientDataJSON=b64u(self._client("webauthn.create", options)),
            attestationObject=b64u(attestation),
            transports=["usb"],
        )

    def get(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Sign what these options ask for."""
        client, data = self._client("webauthn.get", options), self._data(options["rpId"])
        signed = data + hashlib.sha256(client).digest()
        if isinstance(self.key, rsa.RSAPrivateKey):
            signature = self.key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        else:
            signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return self._outer(
            clientDataJSON=b64u(client),
            authenticatorData=b64u(data),
            signature=b64u(signature),
            userHandle=None if self.holder is None else b64u(self.holder),
        )

    def cose(self) -> bytes:
        """The public half as a COSE key."""
        numbers = self.key.public_key().public_numbers()
        if isinstance(self.key, rsa.RSAPrivateKey):
            size = self.key.key_size // 8
            return cbor2.dumps({1: 3, 3: -257, -1: numbers.n.to_bytes(size, "big"), -2: b"\x01\x00\x01"})
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})

    def _client(self, purpose: str, options: Mapping[str, Any]) -> bytes:
        challenge = options["challenge"] if self.challenge is None else b64u(self.challenge)
        said = {"type": self.purpose or purpose, "challenge": challenge, "origin": self.origin}
        return json.dumps(said | {"crossOrigin": self.cross_origin}).encode()

    def _data(self, rp: str, more: int = 0) -> bytes:
        flags = UP * self.present | UV * self.verified | (BE | BS) * self.synced | more
        site = hashlib.sha256((self.rp or rp).encode()).digest()
        said = site + bytes([flags]) + self.counter.to_bytes(4, "big")
        self.counter += 1 if self.counter else 0
        return said

    def _outer(self, **response: Any) -> dict[str, Any]:
        said = {name: value for name, value in response.items() if value is not None}
        return {
            "id": b64u(self.id),
            "rawId": b64u(self.id),
            "type": "public-key",
            "response": said,
            "authenticatorAttachment": "cross-platform",
            "clientExtensionResults": {},
        }
