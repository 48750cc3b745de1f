"""What a draft begins with besides units and roles: what is set for the country, and what it answers.

No value is a choice that somebody has to make: a basis and a retention are those that the node is set to for the
country, or those of its last message in the same conversation; of an answer only that stands there already which names
what it answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from gateway.foundation.config import CorridorSection
from gateway.ports import Json
from schemas.catalogue import load_catalogue

CARRIED = ("legal_basis", "transfer_basis", "transfer_instrument", "handling", "language")
"""What the next message of a node in a conversation takes over from its last one."""
INFO_REPLY, INFO_REQUEST = "info.reply/1", "info.request/1"
VERSIONED = frozenset({"return.response/1"})
"""Answers that name the version of what they answer."""


def begins_with_answered(body_type: str) -> bool:
    """Whether something of what an answer of this type answers stands in its content."""
    return body_type in VERSIONED or body_type == INFO_REPLY


AUTHORITY_BASIS = ("6_1_e", "9_2_g")
"""What a public authority acts on where its settings name nothing else: its task by national law (domain 7.21)."""


def begin_basis(body_type: str, *, authority: bool) -> dict[str, Json]:
    """Return the legal basis with which a message begins at a unit that is a public authority; only one about a person
    names any, and none that nothing blocks.
    """
    entry = load_catalogue().get(body_type)
    return {"legal_basis": [*AUTHORITY_BASIS]} if authority and entry.personal and not entry.never_blocked else {}


def header_of(section: CorridorSection, now: int, *, personal: bool) -> dict[str, Json]:
    """Return the part of a header that a corridor sets at ``now``; the legal part only for messages about a person."""
    legal: Mapping[str, Json] = {
        "legal_basis": [*section.legal_basis] or None,
        "transfer_basis": section.transfer_basis,
        "transfer_instrument": section.transfer_instrument,
    }
    until = None if section.retain_days is None else datetime.fromtimestamp(now, UTC) + timedelta(section.retain_days)
    handling: Mapping[str, Json] = {
        "onward_sharing": section.onward_sharing,
        "retain_until": None if until is None else until.date().isoformat(),
        "export_to_local": section.export_to_local,
    }
    said: dict[str, Json] = {name: value for name, value in handling.items() if value is not None}
    found = {name: value for name, value in legal.items() if personal and value is not None}
    return {**found, **({"handling": said} if said else {})}


def carry_terms(header: Mapping[str, Json], *, personal: bool) -> dict[str, Json]:
    """Return what a message takes over from the one before; the legal part only if it is about a person."""
    legal = ("legal_basis", "transfer_basis", "transfer_instrument")
    return {name: header[name] for name in CARRIED if name in header and (personal or name not in legal)}


def number_items(body_type: str, content: Json) -> Json:
    """Return the content with a number for each question that has none yet: nobody has to think of an id."""
    items = content.get("items") if isinstance(content, dict) else None
    if body_type != INFO_REQUEST or not isinstance(content, dict) or not isinstance(items, list):
        return content
    taken = {one["item_id"] for one in items if isinstance(one, dict) and "item_id" in one}
    free = (name for n in count(1) if (name := f"q{n}") not in taken)
    numbered: list[Json] = [
        {"item_id": next(free), **one} if isinstance(one, dict) and "item_id" not in one else one for one in items
    ]
    return {**content, "items": numbered}


def begin_answer(body_type: str, answered: Mapping[str, Any]) -> dict[str, Json]:
    """Return the content with which an answer begins, from the content of what it answers."""
    if body_type in VERSIONED and isinstance(answered.get("version"), int):
        return {"version": answered["version"]}
    if body_type == INFO_REPLY:
        items = answered.get("items")
        rows = [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []
        return {"answers": [{name: one[name] for name in ("item_id", "data_category") if name in one} for one in rows]}
    return {}
