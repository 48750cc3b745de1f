"""Content made smaller before it is sealed at rest, and back: deflate, filled up with zeros so that the length of a row
tells less of what is in it than that of its bytes would (`docs/adr/0032-less-on-the-disk.md`).
"""

from __future__ import annotations

import zlib
from typing import Final

SMALLEST: Final = 1_024
"""Bytes from which on it is tried: for less it would cost more time than it saves room."""
LARGEST: Final = 8 << 20
"""Bytes up to which it is tried, and more than which nothing becomes when it is read."""
STEP: Final = 64
"""Bytes of which a length is a multiple, so that neighbouring contents are of one length."""
LEVEL: Final = 1
"""The fastest one: the next ones take two to four times as long for a few bytes in a hundred."""
WINDOW: Final = 12
MEMORY: Final = 5
"""A window of 4 KiB and small tables, which a message fits into: the usual ones are 256 KiB, made anew for each row."""


def deflate(content: bytes) -> bytes | None:
    """Make content smaller; None where it is not worth it."""
    if not SMALLEST <= len(content) <= LARGEST:
        return None
    stream = zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW, MEMORY)
    packed = stream.compress(content) + stream.flush()
    filled = packed.ljust(-(-len(packed) // STEP) * STEP, b"\0")
    return filled if len(filled) < len(content) else None


def inflate(packed: bytes) -> bytes:
    """Return what `deflate` was given.

    Raises:
        ValueError: it made nothing like this, or something larger than it takes.
    """
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(packed, LARGEST + 1)
    except zlib.error as exc:
        raise ValueError("not deflated") from exc
    filling = stream.unused_data
    if not stream.eof or len(content) > LARGEST or len(filling) >= STEP or filling.strip(b"\0"):
        raise ValueError("not deflated, or too large")
    return content
