"""Rows of this room as the values of a statement."""

from __future__ import annotations

from typing import Any


def values_of(row: Any) -> dict[str, Any]:
    """The members of a slotted row by name; they are plain values, so nothing is copied."""
    return {name: getattr(row, name) for name in type(row).__slots__}


def as_bytes(value: object) -> bytes:
    """What a column of bytes holds. A row that was edited by hand may hold text or a number: it is to be judged by
    whoever reads it, not to end the node.
    """
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")
