"""The name of a node, the digits that two people compare, and the QR codes that a phone compares (nrm1 2.8 to 2.10).

A QR code has the fingerprint hashes themselves, so that a scan compares all 256 bits of each side instead of 30 digits:

    NRM1:NODE:<x>:<endpoint>    who a node is and where; the other node fetches its chain there and compares
    NRM1:PAIR:<x>:<x>           both sides, as two people compare them; in the order of their digits, the same on both

x is 64 upper-case hexadecimal digits. Nothing of it is secret.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from gateway.errors import Code, RefusedError
from gateway.foundation.ids import NodeId
from keys.documents.key_records import KeyRecord, roots_json
from keys.primitives.encoding import canon, h

_ITERATIONS: Final = 5200  # of SHA-512, as in Signal's safety numbers (nrm1 2.9)
_GROUPS: Final = 6
_GROUP_BYTES: Final = 5
_LONGEST: Final = 512  # characters of the text of a QR code
_X = "([0-9A-F]{64})"
_NODE = re.compile(rf"NRM1:NODE:{_X}:(https://[!-~]{{1,256}})")
_PAIR = re.compile(rf"NRM1:PAIR:{_X}:{_X}")


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


# --- QR codes ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedNode:
    """Where a node is, and the fingerprint that its chain must have."""

    endpoint: str
    fingerprint: str


def node_text(x: bytes, endpoint: str) -> str:
    """Build the text of the QR code of one node."""
    return f"NRM1:NODE:{x.hex().upper()}:{endpoint}"


def pair_text(a: bytes, b: bytes) -> str:
    """Build the text of the QR code of a pair, the same on both sides."""
    first, second = sorted((a, b), key=digits_of)
    return f"NRM1:PAIR:{first.hex().upper()}:{second.hex().upper()}"


def read_node(text: str) -> ScannedNode:
    """Read a ``node_text``. Raises RefusedError(invalid) for anything else."""
    match = _NODE.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if match is None:
        raise _wrong_code("NRM1:NODE:", "trm node pairing --qr")
    return ScannedNode(endpoint=match[2], fingerprint=digits_of(bytes.fromhex(match[1])))


def read_pair(text: str) -> str:
    """Read a ``pair_text`` and return its 60 digits. Raises RefusedError(invalid) for anything else."""
    match = _PAIR.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if match is None:
        raise _wrong_code("NRM1:PAIR:", "trm peer code --qr")
    return pair_code(*(digits_of(bytes.fromhex(x)) for x in match.groups()))


def _wrong_code(beginning: str, verb: str) -> RefusedError:
    return RefusedError(
        Code.INVALID,
        f"this is not the text of such a QR code; one begins with {beginning}",
        hint=f"scan what {verb} shows at the other node",
    )
