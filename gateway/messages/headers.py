"""Headers of what this node writes by itself on the way of another message: same units, roles and language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from gateway.database.audit_entries import Actor
from gateway.ports import Json

NODE = "gateway"
"""Who writes what no person has written."""


def along(known: Mapping[str, Json], author: str, *, incoming: bool) -> dict[str, Json]:
    """The header of a message of this node to the peer of the message with the header `known`."""
    return {
        **between(known, incoming=incoming),
        "author_ref": author,
        "priority": "urgent",
        "handling": {"onward_sharing": "none", "retain_until": _retain(known), "export_to_local": "full"},
        "language": known["language"],
    }


def between(known: Mapping[str, Json], *, incoming: bool) -> dict[str, Json]:
    """Units and roles of a message of this node to the peer of the message with the header `known`."""
    sides = ("recipient", "sender") if incoming else ("sender", "recipient")
    return {
        "sender_unit": known[f"{sides[0]}_unit"],
        "sender_role": known[f"{sides[0]}_role"],
        "recipient_unit": known[f"{sides[1]}_unit"],
        "recipient_role": known[f"{sides[1]}_role"],
    }


def node_author(actor: Actor) -> str:
    """The reference of this node as an author."""
    return actor(NODE.encode()).hex()


def _retain(known: Mapping[str, Json]) -> Json:
    handling = known["handling"]
    return handling["retain_until"] if isinstance(handling, dict) else date.max.isoformat()
