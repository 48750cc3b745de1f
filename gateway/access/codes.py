"""Codes that people read, read out and type: letters and digits in groups of four, of which only the hash is kept."""

from __future__ import annotations

import base64
from collections.abc import Callable

from keys.primitives.encoding import sha256_hex

INVITATION = 16
"""Bytes of the code of an invitation."""


def new_code(rand: Callable[[int], bytes], size: int = INVITATION) -> str:
    """A new code of `size` random bytes."""
    text = base64.b32encode(rand(size)).decode().rstrip("=").lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def code_hash(code: str) -> str:
    """Under what a code is kept, however it was typed."""
    return sha256_hex("".join(code[:100].split()).replace("-", "").lower().encode(errors="replace"))
