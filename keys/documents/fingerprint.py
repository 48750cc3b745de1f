"""The name of a node and the digits that two people compare (nrm1 2.8, 2.9)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from gateway.foundation.ids import NodeId
from keys.documents.key_records import KeyRecord, roots_json
from keys.primitives.encoding import canon, h

_ITERATIONS: Final = 5200  # of SHA-512, as in Signal's safety numbers (nrm1 2.9)
_GROUPS: Final = 6
_GROUP_BYTES: Final = 5


def node_id(roots: Sequence[KeyRecord], threshold: int) -> NodeId:
    """Of the roots of version 1: never changes, certifies itself.

    "n1" || base32lower(H("node", canon({roots,threshold}))[:20]), 160 bits.
    """
    digest = h("node", canon(roots_json(roots, threshold)))[:20]
    return NodeId("n1" + base64.b32encode(digest).decode("ascii").lower())


def fingerprint_hash(node: NodeId, roots: Sequence[KeyRecord], threshold: int) -> bytes:
    """x = H("fp", node || canon({roots,threshold})), 32 bytes, of the newest accepted version; a QR code carries it."""
    return h("fp", node.encode() + canon(roots_json(roots, threshold)))


def compute_fingerprint(node: NodeId, roots: Sequence[KeyRecord], threshold: int) -> str:
    """Compute the fingerprint: six groups of five digits, joined by single spaces."""
    return digits_of(fingerprint_hash(node, roots, threshold))


@lru_cache(maxsize=1024)
def digits_of(x: bytes) -> str:
    """Compute the digits of a fingerprint hash.

    Slow by design and called for the same peers repeatedly, hence cached.
    """
    digest = x
    for _ in range(_ITERATIONS):
        digest = hashlib.sha512(digest + x).digest()
    groups = (digest[i * _GROUP_BYTES : (i + 1) * _GROUP_BYTES] for i in range(_GROUPS))
    return " ".join(f"{int.from_bytes(group, 'big') % 100_000:05d}" for group in groups)


def pair_code(a: str, b: str) -> str:
    """Join both fingerprints to twelve groups, alike on both sides: ordered as digit strings (nrm1 2.9)."""
    return " ".join(sorted((a, b)))
