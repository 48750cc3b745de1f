"""Places: JSON pointers, escaped."""

from __future__ import annotations

from schemas.places import format_pointer


def test_pointer_escapes() -> None:
    """RFC 6901: `~` and `/` in a name are written as ~0 and ~1."""
    assert format_pointer(["a/b", 0, "c~d"]) == "/a~1b/0/c~0d"
