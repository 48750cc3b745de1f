"""A mapping file with two ways, and messages for it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from gateway.mapping.to_message import MappedMessage, map_message, parse

REVIEWED = {"lossy": True, "note": "the office does not tell them apart", "reviewed": "A. B., 2026-11-27"}
FILE: dict[str, Any] = {
    "format": "trm-mapping/1",
    "name": "office",
    "body_type": "risk.request/1",
    "direction": "both",
    "constants": {"header.language": "fr"},
    "fields": {"header.priority": {"from": "Priority", "type": "code", "list": "priority", "codes": {"N": "normal"}}},
    "left_out": ["content"],
}
PERSON: dict[str, Any] = {
    "content.person.birth_date": {
        "from": "Born",
        "type": "date",
        "year_to": "content.person.birth_year",
        "unknown_values": {"N/K": "unknown", "Not known": "unknown", "Declined": "refused"},
        "unknown_lossy": "the office has no word for later",
    },
    "content.person.gender": {
        "from": "Sex",
        "type": "code",
        "list": "gender",
        "codes": {"F": "Feminine", "M": "Masculine"},
        "back": {"NonSpecifiedUnknown": {"value": "F", **REVIEWED}, "Other": {"hold": True, "note": "call first"}},
        "unknown_values": {"Declined": "refused"},
    },
    "content.person.nationalities[]": {"from": "Citizen of", "type": "country", "split": ";"},
    "content.person.languages[].language": {
        "from": ["First", "Second"],
        "type": "language",
        "codes": {"A": "sq", "F": "fr"},
    },
    "content.person.languages[].level": {
        "from": "Level",
        "type": "code",
        "list": "language_level",
        "codes": {"1": "first", "2": "good"},
    },
    "content.exploitation[]": {"from": "Kinds", "type": "code", "list": "exploitation", "codes": {"L": "ForcedLabour"}},
    "content.summary": {"from": "Note", "type": "text", "unknown_values": {"nothing": "refused"}},
    "content.children": {"from": "Children", "type": "integer"},
    "content.told": {"from": "Told", "type": "boolean", "codes": {"Yes": True, "No": False}},
}


def mapping_file(**changed: Any) -> dict[str, Any]:
    """The file with these rules of a person, and other top-level keys replaced."""
    return deepcopy(FILE) | {"fields": deepcopy(FILE["fields"] | PERSON), "left_out": ["content.kept"]} | changed


def mapped_message(**content: Any) -> dict[str, Any]:
    """A message with this content; its header says things about its sender."""
    return {"type": "risk.request/1", "header": {"priority": "normal", "language": "uk"}, "content": content}


def back(**content: Any) -> dict[str, Any]:
    """The record that this content becomes."""
    found = map_message(parse(mapping_file()), mapped_message(**content))
    assert isinstance(found, MappedMessage), found
    return dict(found.fields)
