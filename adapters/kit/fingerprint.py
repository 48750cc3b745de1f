"""Seeing an edit: a short text that differs when what is said does. No secret and no proof."""

from __future__ import annotations

import zlib

import orjson


def fingerprint(*said: object) -> str:
    """Sixteen characters for any JSON; what is none counts by its text."""
    text = orjson.dumps(said, option=orjson.OPT_SORT_KEYS, default=str)
    return f"{zlib.crc32(text):08x}{zlib.adler32(text):08x}"
