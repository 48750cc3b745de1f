"""Requests in which one place has a value of another kind."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from gateway.ports import Json

WRONG: Sequence[Json] = [None, 7, "x", [["x"]], [{}], {"x": []}]
"""One value of each kind of JSON, and some within others."""


def places(value: Json, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a request, and of a list its first item."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, member in value.items():
            yield from places(member, (*path, name))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def spoilt(request: dict[str, Any], path: tuple[str | int, ...], wrong: Json) -> dict[str, Any]:
    """The request with another value at a place."""
    made = copy.deepcopy(request)
    holder: Any = made
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = wrong
    return made
