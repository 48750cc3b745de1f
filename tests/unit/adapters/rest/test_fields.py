"""Items as fields and back: paths with dots, joined lists, and numbers that no message has."""

from __future__ import annotations

import pytest

from adapters.rest.fields import flatten_item, nest_fields
from gateway.errors import Finding, RefusedError
from gateway.ports import Json


def flattened(item: Json) -> tuple[dict[str, Json], list[tuple[str, str]]]:
    """The fields of an item, and its faults by place and rule."""
    fields: dict[str, Json] = {}
    faults: list[Finding] = []
    flatten_item(item, "", "item 1", fields, faults)
    return fields, [(fault.place, fault.rule) for fault in faults]


def test_an_item_is_named_by_paths_and_comes_back() -> None:
    """Objects in objects; lists of texts and numbers are one text, lists of objects no field."""
    fields, faults = flattened({"id": 1, "person": {"gender": "f", "tongues": ["sq", 7]}, "files": [{"size": 1}]})
    assert (fields, faults) == ({"id": 1, "person.gender": "f", "person.tongues": "sq;7"}, [])
    assert nest_fields(fields) == {"id": 1, "person": {"gender": "f", "tongues": "sq;7"}}


def test_numbers_that_no_message_has() -> None:
    """A fraction and one that is too large are faults at their member; a whole one may be written as a fraction."""
    fields, faults = flattened({"a": 1.5, "b": {"c": 2**53}, "d": 2.0, "e": True})
    assert fields == {"d": 2, "e": True}
    assert faults == [("item 1, member a", "number_not_whole"), ("item 1, member b.c", "number_too_large")]


def test_a_label_is_a_value_or_an_object() -> None:
    """Not both."""
    with pytest.raises(RefusedError, match="a value and an object"):
        nest_fields({"person": "x", "person.gender": "f"})
