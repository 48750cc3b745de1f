"""JSON as Python values, and the objects of a list member."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.strict_json import Json as Json


def list_objects(value: Mapping[str, Json], name: str) -> list[dict[str, Json]]:
    """The objects of a list member of an answer."""
    listed = value.get(name)
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
