"""The name of a node, the digits that two people compare, and the QR codes that a phone compares (nrm1 2.8 to 2.10).

A QR code has the fingerprint hashes themselves, so that a scan compares all 256 bits of each side instead of 30 digits:

    NRM1:NODE:<x>:<v>:<endpoint>    who a node is and where; the other node fetches its chain there and compares
    NRM1:PAIR:<x>:<v>:<x>:<v>       both sides, as two people compare them; in the order of their digits

x is 64 upper-case hexadecimal digits, v the version of the newest descriptor. Nothing of it is secret. The digits are
of the roots alone, which rarely change: only the version tells that a chain was not cut before a revocation.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from gateway.errors import Code, RefusedError
from gateway.foundation.ids import NodeId
from keys.documents.key_records import KeyRecord, roots_json
from keys.primitives.encoding import canon, h

_ITERATIONS: Final = 5200  # of SHA-512, as in Signal's safety numbers (nrm1 2.9)
_GROUPS: Final = 6
_GROUP_BYTES: Final = 5
_LONGEST: Final = 512  # characters of the text of a QR code
_X = "([0-9A-F]{64})"
_V = "([1-9][0-9]{0,8})"
_NODE = re.compile(rf"NRM1:NODE:{_X}:{_V}:(https://[!-~]{{1,256}})")
_PAIR = re.compile(rf"NRM1:PAIR:{_X}:{_V}:{_X}:{_V}")
_CODE = re.compile(rf"((?:[^0-9]*[0-9]){{60}})[^0-9]+{_V}[^0-9]+{_V}[^0-9]*")


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
    return groups_of(digest)


def groups_of(digest: bytes) -> str:
    """Write the first 30 bytes of a hash as six groups of five digits, joined by single spaces."""
    groups = (digest[i * _GROUP_BYTES : (i + 1) * _GROUP_BYTES] for i in range(_GROUPS))
    return " ".join(f"{int.from_bytes(group, 'big') % 100_000:05d}" for group in groups)


class Party(NamedTuple):
    """One side of a pair: its fingerprint, and the version of its newest descriptor."""

    fingerprint: str
    version: int


def pair_code(a: Party, b: Party) -> str:
    """Join both fingerprints to twelve groups, the smaller digit string first, and the versions behind them in the same
    order (nrm1 2.9): alike on both sides, where each holds the newest descriptor of the other.
    """
    first, second = sorted((a, b))
    return f"{first.fingerprint} {second.fingerprint} {first.version}-{second.version}"


def read_code(text: str) -> tuple[Party, Party]:
    """Read what somebody heard and typed: 60 digits and two versions, whatever stands between them.

    Raises:
        RefusedError: invalid, for anything else.
    """
    match = _CODE.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise RefusedError(
            Code.INVALID,
            "these are not 60 digits and the two versions behind them; nothing was changed",
            hint="let them read all that trm peer code shows, the last two numbers too",
        )
    digits = "".join(re.findall("[0-9]", match[1]))
    groups = [digits[at : at + 5] for at in range(0, len(digits), 5)]
    return (
        Party(" ".join(groups[:_GROUPS]), int(match[2])),
        Party(" ".join(groups[_GROUPS:]), int(match[3])),
    )


# --- QR codes ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedNode:
    """Where a node is, the fingerprint that its chain must have, and the version that it must reach."""

    endpoint: str
    fingerprint: str
    version: int


def node_text(x: bytes, version: int, endpoint: str) -> str:
    """Build the text of the QR code of one node."""
    return f"NRM1:NODE:{x.hex().upper()}:{version}:{endpoint}"


def pair_text(a: tuple[bytes, int], b: tuple[bytes, int]) -> str:
    """Build the text of the QR code of a pair, each a fingerprint hash and a version."""
    first, second = sorted((a, b), key=lambda side: (digits_of(side[0]), side[1]))
    return ":".join(["NRM1:PAIR", *(f"{x.hex().upper()}:{version}" for x, version in (first, second))])


def read_node(text: str) -> ScannedNode:
    """Read a ``node_text``. Raises RefusedError(invalid) for anything else."""
    match = _NODE.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if match is None:
        raise _wrong_code("NRM1:NODE:", "trm node pairing --qr")
    return ScannedNode(endpoint=match[3], fingerprint=digits_of(bytes.fromhex(match[1])), version=int(match[2]))


def read_pair(text: str) -> str:
    """Read a ``pair_text`` and return the pair code. Raises RefusedError(invalid) for anything else."""
    match = _PAIR.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if match is None:
        raise _wrong_code("NRM1:PAIR:", "trm peer code --qr")
    first, second = [Party(digits_of(bytes.fromhex(x)), int(v)) for x, v in (match.group(1, 2), match.group(3, 4))]
    return pair_code(first, second)


def _wrong_code(beginning: str, verb: str) -> RefusedError:
    return RefusedError(
        Code.INVALID,
        f"this is not the text of such a QR code; one begins with {beginning}",
        hint=f"scan what {verb} shows at the other node",
    )
