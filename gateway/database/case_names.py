"""The name under which one case is known to one peer: a keyed hash of both, written in letters people can read out.

References are short, for the telephone: three groups of four. Those given before they were have 26 letters and stay.
"""

from __future__ import annotations

from gateway.foundation.ids import NodeId

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


_REFERENCE_BYTES = 16
GROUPS, GROUP = 3, 4


_CONTEXT = b"trm/case-reference/1"


def case_name(*, peer: NodeId, case: str) -> bytes:
    """What `case_reference` hashes."""
    return _CONTEXT + _framed(peer) + _framed(case)


def short_reference(digest: bytes) -> str:
    """The reference that such a hash gives: 60 bits, so that among 100 000 cases known to one peer two are called the
    same once in 200 million times.
    """
    letters = long_reference(digest)[-GROUPS * GROUP :].upper()
    return "-".join(letters[start : start + GROUP] for start in range(0, len(letters), GROUP))


def long_reference(digest: bytes) -> str:
    """The reference that such a hash gave before references were short."""
    if len(digest) < _REFERENCE_BYTES:
        raise RuntimeError("a case reference needs a hash of 16 bytes")
    number = int.from_bytes(digest[:_REFERENCE_BYTES], "big")
    return "".join(_LETTERS[(number >> shift) & 31] for shift in range(125, -1, -5))


def _framed(text: str) -> bytes:
    """Its length first, so that no two pairs of peer and case have one spelling."""
    data = text.encode()
    return len(data).to_bytes(4, "big") + data
