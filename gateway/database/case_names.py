"""The name under which one case is known to one peer: a keyed hash of both, written in letters people can read out."""

from __future__ import annotations

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


_REFERENCE_BYTES = 16


_CONTEXT = b"trm/case-reference/1"


def case_name(*, peer: str, case: str) -> bytes:
    """What `case_reference` hashes."""
    return _CONTEXT + _framed(peer) + _framed(case)


def reference_of(digest: bytes) -> str:
    """The reference that such a hash gives."""
    if len(digest) < _REFERENCE_BYTES:
        raise RuntimeError("a case reference needs a hash of 16 bytes")
    number = int.from_bytes(digest[:_REFERENCE_BYTES], "big")
    return "".join(_LETTERS[(number >> shift) & 31] for shift in range(125, -1, -5))


def _framed(text: str) -> bytes:
    """Its length first, so that no two pairs of peer and case have one spelling."""
    data = text.encode()
    return len(data).to_bytes(4, "big") + data
