"""What a QR code of a pairing says: the fingerprint hashes themselves, so that a scan compares all 256 bits of each
side instead of 30 digits (nrm1 2.10).

    NRM1:NODE:<x>:<endpoint>    who a node is and where; the other node fetches its chain there and compares
    NRM1:PAIR:<x>:<x>           both sides, as two people compare them; in the order of their digits, the same on both

x is 64 upper-case hexadecimal digits. Nothing of it is secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.errors import Code, RefusedError
from keys.documents.fingerprint import digits_of, pair_code

LONGEST = 512
_X = "([0-9A-F]{64})"
_NODE = re.compile(rf"NRM1:NODE:{_X}:(https://[!-~]{{1,256}})")
_PAIR = re.compile(rf"NRM1:PAIR:{_X}:{_X}")


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
    match = _NODE.fullmatch(text.strip()) if len(text) <= LONGEST else None
    if match is None:
        raise _other("NRM1:NODE:", "trm node pairing --qr")
    return ScannedNode(endpoint=match[2], fingerprint=digits_of(bytes.fromhex(match[1])))


def read_pair(text: str) -> str:
    """Read a ``pair_text`` and return its 60 digits. Raises RefusedError(invalid) for anything else."""
    match = _PAIR.fullmatch(text.strip()) if len(text) <= LONGEST else None
    if match is None:
        raise _other("NRM1:PAIR:", "trm peer code --qr")
    return pair_code(*(digits_of(bytes.fromhex(x)) for x in match.groups()))


def _other(beginning: str, verb: str) -> RefusedError:
    return RefusedError(
        Code.INVALID,
        f"this is not the text of such a QR code; one begins with {beginning}",
        hint=f"scan what {verb} shows at the other node",
    )
