"""Rows of this room as the values of a statement."""

from __future__ import annotations

from typing import Any


def values_of(row: Any) -> dict[str, Any]:
    """The members of a slotted row by name; they are plain values, so nothing is copied."""
    return {name: getattr(row, name) for name in type(row).__slots__}
