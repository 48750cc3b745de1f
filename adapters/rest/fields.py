"""Items of a JSON API as fields, named by their path with dots, and fields as such an item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.errors import Code, Finding, RefusedError
from gateway.ports import Json

_LARGEST = 2**53
_DEPTH = 8


def flatten_item(value: Any, label: str, place: str, fields: dict[str, Json], faults: list[Finding]) -> None:
    """Flatten an item to fields named by their path with dots, as mapping files name columns. Lists of texts and whole
    numbers are joined.
    """
    match value:
        case dict() if label.count(".") < _DEPTH:
            for name, member in value.items():
                flatten_item(member, f"{label}.{name}" if label else str(name), place, fields, faults)
        # No message has fractions: rounding one would change a fact about a person without anybody's decision.
        case float() if not value.is_integer():
            faults.append(Finding(place=f"{place}, member {label}", rule="number_not_whole"))
        case int() | float() if not isinstance(value, bool) and abs(value) >= _LARGEST:
            faults.append(Finding(place=f"{place}, member {label}", rule="number_too_large"))
        case float():
            fields[label] = int(value)
        case None | bool() | int() | str():
            fields[label] = value
        case list() if all(isinstance(each, str | int) and not isinstance(each, bool) for each in value):
            fields[label] = ";".join(map(str, value))
        case _:
            pass  # a list of objects is no column


def nest_fields(fields: Mapping[str, Json]) -> dict[str, Json]:
    """Undo `flatten_item`: labels with dots become objects in objects."""
    made: dict[str, Json] = {}
    for label, value in fields.items():
        *path, last = label.split(".")
        inner = made
        for part in path:
            step = inner.setdefault(part, {})
            if not isinstance(step, dict):
                raise RefusedError(Code.MAPPING_FAILED, "a label of the mapping is a value and an object")
            inner = step
        inner[last] = value
    return made
