"""Nodes for tests of what is signed and sealed: real keys from fixed seeds, a valid descriptor, ways to spoil it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from gateway.errors import Code, RemoteError
from keys.documents.descriptor import Descriptor, name_log
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.fingerprint import node_id
from keys.documents.key_records import KeyRecord, Use
from keys.documents.keyset import EncKey, Keyset, accept_keyset, build_keyset
from keys.documents.succession import build_descriptor, sign_descriptor
from keys.offline.roots import Root, new_root
from keys.primitives.domains import DESCRIPTOR, KEYSET
from keys.primitives.encoding import DAY, canon
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.seal import EncPrivateKey
from keys.primitives.sign import SignedDocument, sign_document

NOW = 1_800_000_000


class Seeds:
    """A `rand` whose bytes differ at each call and are the same at each run."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls = 0

    def __call__(self, size: int) -> bytes:
        self._calls += 1
        return hashlib.shake_256(f"{self._name}/{self._calls}".encode()).digest(size)


@dataclass
class Node:
    """A node with 2 of 3 roots. `content` are the arguments of the descriptor that ``payload`` builds."""

    name: str
    threshold: int = 2
    roots: list[Root] = field(default_factory=list)
    content: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rand = Seeds(self.name)
        self._accepted: dict[tuple[bytes, ...], Any] = {}
        self.roots = self.roots or [new_root(now=NOW - DAY, rand=self.rand) for _ in range(3)]
        self.sig = SigningKey.generate(self.rand, hybrid=True)
        self.http = SigningKey.generate(self.rand, hybrid=False)
        self.enc = EncPrivateKey(self.rand(32))
        self.content = {
            "name": f"NRM {self.name}",
            "issued": NOW - 1000,
            "expires": NOW - 1000 + 400 * DAY,
            "roots": [root.record for root in self.roots],
            "threshold": self.threshold,
            "keys": [record(self.sig, Use.SIG), record(self.http, Use.HTTP)],
            "endpoints": [f"https://{self.name}.example:8443"],
            "country": "FR",
            "contact": "duty desk",
            "tls_spki": [hashlib.sha256(self.name.encode()).digest()],
            **self.content,
        }

    def payload(self, **changes: Any) -> bytes:
        """A valid descriptor payload, with other content where `changes` say so."""
        content = {**self.content, **changes}
        node = content.get("node") or node_id(content["roots"], content["threshold"])
        return build_descriptor(**{"log": name_log(node), **content})

    def document(self, **changes: Any) -> SignedDocument:
        """A descriptor signed by the first two roots."""
        return signed(self.payload(**changes), self.roots[:2])

    def first(self) -> Descriptor:
        """The accepted version 1; signed and verified once for the same content and roots, which takes milliseconds."""
        payload, signers = self.payload(), self.roots[:2]
        known = (payload, *(root.key.public.kid.encode() for root in signers))
        if known not in self._accepted:
            self._accepted[known] = accept_descriptor(None, signed(payload, signers), NOW)
        accepted: Descriptor = self._accepted[known]
        return accepted

    def next(self, held: Descriptor, **changes: Any) -> bytes:
        """The payload of the version after `held`."""
        follow = {
            "node": held.node,
            "version": held.version + 1,
            "prev": held.hash,
            "issued": max(held.issued + 1, NOW),
        }
        return self.payload(**{"expires": held.issued + 399 * DAY, **follow, **changes})

    def enc_key(self, **changes: Any) -> EncKey:
        """The public half of ``enc`` as a keyset lists it."""
        values = {"kid": self.enc.kid, "unit": "gateway", "pub": self.enc.public, "from_": NOW, "until": NOW + 3 * DAY}
        return EncKey(**{**values, **changes})

    def keyset_payload(self, descriptor: Descriptor, **changes: Any) -> bytes:
        """A valid keyset payload, issued now."""
        values = {
            "node": descriptor.node,
            "version": 1,
            "desc_version": descriptor.version,
            "desc_hash": descriptor.hash,
            "issued": NOW,
            "expires": NOW + 2 * DAY,
            "enc": [self.enc_key()],
        }
        return build_keyset(**{**values, **changes})

    def keyset(self, descriptor: Descriptor, **changes: Any) -> SignedDocument:
        """A keyset signed by ``sig``."""
        return sign_document(KEYSET, self.keyset_payload(descriptor, **changes), [self.sig])

    def first_keyset(self, descriptor: Descriptor) -> Keyset:
        """The accepted version 1 of the keyset; signed and verified once, as the descriptor is."""
        known = (self.keyset_payload(descriptor), self.sig.public.kid.encode(), descriptor.hash.encode())
        if known not in self._accepted:
            self._accepted[known] = accept_keyset(descriptor, None, self.keyset(descriptor), NOW)
        accepted: Keyset = self._accepted[known]
        return accepted


def record(key: SigningKey, use: Use, *, start: int = NOW - DAY, until: int = NOW + 365 * DAY) -> KeyRecord:
    """A key record that is valid now."""
    return KeyRecord(use=use, from_=start, until=until, public=key.public)


def signed(payload: bytes, roots: Sequence[Root]) -> SignedDocument:
    """A descriptor signed by `roots`."""
    return sign_descriptor(payload, [root.key for root in roots])


def edited(payload: bytes, change: Callable[[Any], object]) -> bytes:
    """`payload` with `change` applied to its parsed form, canonical again: what an honest builder would refuse."""
    value = orjson.loads(payload)
    change(value)
    return canon(value)


def unsigned(payload: bytes, payload_type: str = DESCRIPTOR) -> SignedDocument:
    """A document that nobody signed."""
    return SignedDocument(payload=payload, payload_type=payload_type, signatures=())


def refused(code: Code, words: str | None = None) -> pytest.RaisesExc[RemoteError]:
    """Expect a RemoteError with exactly this code, and with these words of ours in its text."""
    return pytest.RaisesExc(RemoteError, match=words, check=lambda error: error.code is code)
