"""The invented nodes of the published vectors: throw-away keys from fixed seeds, one root each, or two of three."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.ports import Json
from keys.documents.descriptor import Descriptor, name_log
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.fingerprint import node_id
from keys.documents.key_records import KeyRecord, Use
from keys.documents.keyset import EncKey, build_keyset
from keys.documents.succession import build_descriptor, sign_descriptor
from keys.primitives.domains import KEYSET
from keys.primitives.encoding import DAY, b64u, canon, h, sha256
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.seal import EncPrivateKey
from keys.primitives.sign import SignedDocument, sign_document

NOW = 1_800_000_000
NODE = "n1" + "a" * 32
"""A node id of the right form that is nobody's."""


def seed(name: str) -> bytes:
    """32 bytes: SHA-256 of "nrm1 vectors/" and the name. Public, hence worthless."""
    return sha256(b"nrm1 vectors/" + name.encode())


def id_of(name: str) -> str:
    """An id that is the same at each run."""
    return b64u(seed(name)[:16])


def key_of(name: str, *, hybrid: bool = True) -> SigningKey:
    """The signing key of a name: its halves have the seeds NAME/ed25519 and NAME/mldsa65."""
    return SigningKey(seed(f"{name}/ed25519"), seed(f"{name}/mldsa65") if hybrid else None)


def notes_key_of(name: str) -> SigningKey:
    """The key of a log or a witness: its halves have the seeds NAME/ed25519 and NAME/mldsa44."""
    return SigningKey(seed(f"{name}/ed25519"), mldsa44_seed=seed(f"{name}/mldsa44"))


def record(key: SigningKey, use: Use, **changes: Any) -> KeyRecord:
    """A key record that is valid for a year."""
    return KeyRecord(**{"use": use, "from_": NOW - 30 * DAY, "until": NOW + 365 * DAY, "public": key.public, **changes})


@dataclass(kw_only=True)
class Party:
    """One node. `name` makes its keys; `threshold` of `size` roots."""

    name: str
    size: int = 1
    threshold: int = 1

    def __post_init__(self) -> None:
        self.roots = [key_of(f"{self.name}/root-{number}") for number in range(1, self.size + 1)]
        self.sig = key_of(f"{self.name}/sig")
        self.http = key_of(f"{self.name}/http", hybrid=False)
        self.enc = EncPrivateKey(seed(f"{self.name}/enc"))

    def payload(self, **changes: Any) -> bytes:
        """The payload of version 1, with other arguments where `changes` say so."""
        usual: dict[str, Any] = {
            "name": f"NRM {self.name}",
            "issued": NOW - 1_000,
            "expires": NOW - 1_000 + 400 * DAY,
            "roots": [record(root, Use.ROOT) for root in self.roots],
            "threshold": self.threshold,
            "keys": [record(self.sig, Use.SIG), record(self.http, Use.HTTP)],
            "endpoints": [f"https://{self.name}.example:8443"],
            "country": "FR",
            "contact": "duty desk",
            "tls_spki": [seed(f"{self.name}/tls")],
        }
        content = {**usual, **changes}
        node = content.get("node") or node_id(content["roots"], content["threshold"])
        return build_descriptor(**{"log": name_log(node), **content})

    def following(self, held: bytes, **changes: Any) -> bytes:
        """The payload of the version after `held`."""
        before = orjson.loads(held)
        usual = {
            "node": before["node"],
            "version": before["version"] + 1,
            "prev": desc_hash(held),
            "issued": before["issued"] + 10,
        }
        return self.payload(**{**usual, **changes})

    def first(self) -> Descriptor:
        """Version 1, accepted."""
        return accept_descriptor(None, signed(self.payload(), self.roots[: self.threshold]), NOW)

    def enc_key(self, **changes: Any) -> EncKey:
        """The encryption key as the keyset lists it."""
        usual = {"kid": self.enc.kid, "unit": "gateway", "pub": self.enc.public, "from_": NOW, "until": NOW + 3 * DAY}
        return EncKey(**{**usual, **changes})

    def keyset_payload(self, descriptor: Descriptor, **changes: Any) -> bytes:
        """The payload of a keyset that is issued now."""
        usual = {
            "node": descriptor.node,
            "version": 1,
            "desc_version": descriptor.version,
            "desc_hash": descriptor.hash,
            "issued": NOW,
            "expires": NOW + 2 * DAY,
            "enc": [self.enc_key()],
        }
        return build_keyset(**{**usual, **changes})

    def keyset(self, payload: bytes) -> SignedDocument:
        """A keyset document."""
        return sign_document(KEYSET, payload, [self.sig])


def desc_hash(payload: bytes) -> str:
    """H("desc", payload)."""
    return b64u(h("desc", payload))


def signed(payload: bytes, roots: Sequence[SigningKey]) -> SignedDocument:
    """A descriptor document."""
    return sign_descriptor(payload, roots)


def edited(payload: bytes, **members: Any) -> bytes:
    """The payload with other members, canonical again: what an honest builder would refuse to write."""
    return canon({**orjson.loads(payload), **members})


def without(value: Mapping[str, Json], name: str) -> dict[str, Json]:
    """An object without one member."""
    return {key: item for key, item in value.items() if key != name}
