"""The test message that goes the whole way between two nodes and ends at the other node: no person, no case system.

It is a message of the catalogue like any other and needs the scope of both sides, so that what stops messages stops it.
Hand-over answers it, before and without the case system, also while that one is busy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from gateway.foundation.ids import UnitId
from gateway.foundation.json import Json
from gateway.messages.machines.delivery import Outgoing
from gateway.messages.types import MESSAGE_LIFE

TYPE = "link.probe/1"
KIND = "probe"
"""The kind of its conversation, which the database holds in the clear: by it the lists leave it out."""
AUTHOR = "trm-probe"


class Leg(StrEnum):
    """The parts of the way, in order."""

    SUBMISSION = "submission"
    SEALING = "sealing"
    SENDING = "sending"
    ACCEPTANCE = "acceptance"
    HAND_OVER = "hand-over"
    RECEIPT = "delivered receipt"


_BEHIND: Mapping[Outgoing, int] = {
    Outgoing.QUEUED: 1,
    Outgoing.AWAITING_RECEIPT: 2,
    Outgoing.VOIDING: 2,
    Outgoing.REJECTED: 3,
    Outgoing.AWAITING_HANDOVER: 4,
    Outgoing.AWAITING_OPENING: 6,
    Outgoing.OPENED: 6,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One end of the way: a unit and its role."""

    unit: UnitId
    role: str


def header(sender: End, recipient: End, *, now: int) -> dict[str, Json]:
    """The header of a probe between two units; nothing of it may be kept longer than a message lives."""
    until = datetime.fromtimestamp(now, UTC).date() + timedelta(seconds=MESSAGE_LIFE)
    return {
        "sender_unit": sender.unit,
        "sender_role": sender.role,
        "recipient_unit": recipient.unit,
        "recipient_role": recipient.role,
        "author_ref": AUTHOR,
        "priority": "normal",
        "handling": {"onward_sharing": "none", "retain_until": until.isoformat(), "export_to_local": "none"},
        "language": "en",
    }


def done(state: Outgoing) -> tuple[Leg, ...]:
    """The legs that a probe in this state has behind it; of one that failed only what is certain."""
    return tuple(Leg)[: _BEHIND.get(state, 1)]


def over(state: Outgoing) -> bool:
    """Whether nothing more is to come: it is delivered, or it failed."""
    return state in (Outgoing.REJECTED, Outgoing.FAILED, Outgoing.CANCELLED) or len(done(state)) == len(Leg)
