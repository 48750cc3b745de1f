"""What a message quotes: a caller bound to a unit has to look after all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import schemas
from gateway.node.units import IN_CONTENT
from schemas.types import type_name

ID = "#/$defs/id"


def members(content: Mapping[str, Any]) -> Iterator[str]:
    """The members of a content that hold an id, or a list of them."""
    for name, part in content["properties"].items():
        if ID in (part.get("$ref"), part.get("items", {}).get("$ref")):
            yield name


def test_every_id_in_a_content_is_looked_at():
    """A type that begins to quote something fails here until it is said what that is."""
    found = {}
    for kind in schemas.load_catalogue().types:
        if type_name(kind.body_type) == "directory.update":  # the ids of keys, and of no case
            continue
        content = kind.document["properties"]["content"]
        assert ID not in str(content) or [*members(content)], f"{kind.body_type} quotes something deeper"
        found[type_name(kind.body_type)] = {*members(content)}
    assert {name: ids for name, ids in found.items() if ids} == {name: {*of} for name, of in IN_CONTENT.items()}
