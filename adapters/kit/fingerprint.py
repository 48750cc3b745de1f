"""Notice an edit: a short text that differs when the values do. No secret and no proof."""

from __future__ import annotations

import zlib

import orjson


def fingerprint(*said: object) -> str:
    """Return sixteen characters that differ when the values do; a value that is no JSON counts by its text."""
    text = orjson.dumps(said, option=orjson.OPT_SORT_KEYS, default=str)
    return f"{zlib.crc32(text):08x}{zlib.adler32(text):08x}"
