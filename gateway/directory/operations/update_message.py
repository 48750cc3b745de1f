"""The `directory.update` of this node: what it begins with, its header, and the message that each peer gets of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from gateway.directory.entries import LIFE
from gateway.foundation.ids import ConversationId, UnitId
from gateway.peers.registry import Peer
from gateway.ports import Json
from keys.documents.descriptor import Descriptor
from schemas.codelists import ENGLISH

TYPE = "directory.update/1"
SPEAKER = "nrm_coordinator"
"""In which role a country speaks of its offices (domain 6.5)."""

_READERS = ("national_focal_point", SPEAKER, "node_operator")
"""Who gets it, by preference (`schemas/source/directory.update.1.json`)."""


def begin_content(descriptor: Descriptor) -> dict[str, Json]:
    """Begin the content of a first entry: the units of the descriptor, to be told in full by a person."""
    units: list[Json] = [
        {
            "unit_id": unit.id,
            "name": [{"language": ENGLISH, "text": unit.name}],
            "country": descriptor.country,
            "roles": [*unit.roles],
        }
        for unit in descriptor.units
    ]
    return {"units": units, "focal_points": []}


def make_header(unit: UnitId, shown_in: str, author: str, now: int) -> dict[str, Json]:
    """Make the header of an update that `unit` sends to itself; it is kept until the entry is over (`LIFE`)."""
    until = datetime.fromtimestamp(now + LIFE, tz=UTC).date()
    return {
        "sender_unit": unit,
        "sender_role": SPEAKER,
        "recipient_unit": unit,
        "recipient_role": SPEAKER,
        "author_ref": author,
        "priority": "normal",
        "language": shown_in,
        "handling": {"onward_sharing": "none", "retain_until": until.isoformat(), "export_to_local": "full"},
    }


def make_request(
    peer: Peer, header: Mapping[str, Json], said: Mapping[str, Json], conversation: ConversationId
) -> dict[str, Json]:
    """Make the message for one peer; all of them are one conversation, so that each confirms the one before."""
    units = peer.descriptor.units
    reader, role = next(
        ((unit.id, role) for role in _READERS for unit in units if role in unit.roles), (units[0].id, _READERS[0])
    )
    return {
        "type": TYPE,
        "to": peer.node,
        "conversation": conversation,
        "header": {**header, "recipient_unit": reader, "recipient_role": role},
        "content": dict(said),
    }
