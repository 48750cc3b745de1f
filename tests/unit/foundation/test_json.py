"""Objects of a list member: what is none is left out."""

from __future__ import annotations

from gateway.foundation.json import list_objects


def test_only_objects_are_listed() -> None:
    """In their order; a member that is no list, or not there, has none."""
    assert list_objects({"items": [{"a": 1}, None, "b", {"c": 2}]}, "items") == [{"a": 1}, {"c": 2}]
    assert list_objects({"items": {"a": 1}}, "items") == []
    assert list_objects({}, "items") == []
