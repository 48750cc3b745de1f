"""The life of one incoming message, from the accepting transaction to a human who opened it.

A message enters in the transaction that stores it, consumes its number and writes its receipt (nrm1 4.19).
It is refused there for good (scope, schema, a gate), or it is taken over and owed to the local system. Behind a gap of
the numbering it is already accepted and receipted, but its hand-over follows `n`: AWAITING_ORDER ends when the gap
fills or when ten minutes have passed since the gap was first seen on the link; then it goes on and the caller flags it
`out_of_order` (nrm1 12.4). Two types never wait there: a withdrawal of consent and a safety alert.

HANDED_OVER is only reached by an acknowledgement, of the adapter or of a person at the desk, because it is what the
signed `delivered` receipt says (nrm1 12.12, 12.6). An adapter that is busy is no event: the hand-over is tried again.
An adapter that refuses for good leads to HELD, where a person must look: try again, take it at the desk, or send it
back with a signed `rejected`. What its sender wants in no case system is not shown to an adapter at all and is HELD for
the desk (domain 2.4). A hand-over is repeated after a crash with the same idempotency key, so a second
acknowledgement is expected. A person may answer a message whose hand-over is still owed (the adapter is down, or its
acknowledgement was lost in a crash): that is no move, because the hand-over stays owed; the caller asks ``allows`` and
reports OPENED after HANDED. Deciding about a message (accept, decline) is no event either: the conversation's fold
does that.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from gateway.foundation.json import Json
from gateway.foundation.state_machine import Entry, Machine, Transition, moves


class Incoming(StrEnum):
    """What is known about an incoming message, or what this node still owes."""

    AWAITING_ORDER = "awaiting_order"
    AWAITING_HANDOVER = "awaiting_handover"
    HANDED_OVER = "handed_over"
    OPENED = "opened"
    HELD = "held"
    REFUSED = "refused"


class IncomingEvent(StrEnum):
    """What can happen to an incoming message."""

    GAP_FILLED = "gap_filled"
    GAP_TIMEOUT = "gap_timeout"
    HANDED = "handed"
    ADAPTER_REFUSED = "adapter_refused"
    RETRY = "retry"
    REJECT = "reject"
    OPENED = "opened"


_AGAIN = "an acknowledgement repeated after a crash; the adapter has an idempotency key (nrm1 12.12)"

_s, _e = Incoming, IncomingEvent
_TABLE: tuple[Transition[Incoming, IncomingEvent], ...] = (
    *moves(
        _s.AWAITING_ORDER,
        (_e.GAP_FILLED, _s.AWAITING_HANDOVER, "every lower number is known: hand-over follows n (nrm1 12.4)"),
        (_e.GAP_TIMEOUT, _s.AWAITING_HANDOVER, "10 minutes after the gap was seen; flagged out_of_order (nrm1 12.4)"),
    ),
    *moves(
        _s.AWAITING_HANDOVER,
        (_e.HANDED, _s.HANDED_OVER, "the adapter or the desk acknowledged: sign `delivered` (nrm1 12.6)"),
        (_e.ADAPTER_REFUSED, _s.HELD, "refused for good, e.g. an unmapped code: a person must look (domain 3.11)"),
    ),
    *moves(
        _s.HELD,
        (_e.RETRY, _s.AWAITING_HANDOVER, "a person mended the mapping or the system (nrm1 12.4)"),
        (_e.HANDED, _s.HANDED_OVER, "a person took it over at the desk (nrm1 12.6)"),
        (_e.REJECT, _s.REFUSED, "a person sends it back: sign `rejected(mapping_failed)` (nrm1 12.6)"),
    ),
    *moves(
        _s.HANDED_OVER,
        (_e.OPENED, _s.OPENED, "a named role opened it or answered it: sign `opened` (nrm1 12.6)"),
        (_e.HANDED, _s.HANDED_OVER, _AGAIN),
    ),
    *moves(
        _s.OPENED,
        (_e.HANDED, _s.OPENED, _AGAIN),
        (_e.OPENED, _s.OPENED, "a second reader, or the answer after the opening (nrm1 12.6)"),
    ),
)


#: No event leaves these.
FINAL: frozenset[Incoming] = frozenset({Incoming.OPENED, Incoming.REFUSED})

#: The hand-over is still owed: by the order of numbers, by the adapter, or by a person.
WAITING: frozenset[Incoming] = frozenset({Incoming.AWAITING_ORDER, Incoming.AWAITING_HANDOVER, Incoming.HELD})

ACCEPTANCE: Machine[Incoming, IncomingEvent] = Machine(
    name="acceptance",
    about="An incoming message, as the receiving node sees it.",
    states=tuple(Incoming),
    entries=(
        Entry(Incoming.AWAITING_ORDER, "accepted, but a lower number is missing (nrm1 12.4)"),
        Entry(Incoming.AWAITING_HANDOVER, "accepted in order, or of a type that never waits (nrm1 12.4)"),
        Entry(Incoming.REFUSED, "authentic and numbered, but rejected (nrm1 4.13 to 4.18)"),
    ),
    final=FINAL,
    table=_TABLE,
)


def step(state: Incoming, event: IncomingEvent) -> Incoming:
    """The state after ``event``.

    Raises:
        IllegalStep: the pair has no row; nothing was changed.
    """
    return ACCEPTANCE.step(state, event)


def allows(state: Incoming, event: IncomingEvent) -> bool:
    """Whether ``event`` has a row in ``state``: a person may come too late."""
    return ACCEPTANCE.allows(state, event)


def exportable(header: Mapping[str, Json]) -> bool:
    """Whether its sender lets the case system have a message (`handling.export_to_local`, domain 2.4): as a whole or
    not at all, because what a summary of it would be is for a person to say.
    """
    handling = header.get("handling")
    return isinstance(handling, Mapping) and handling.get("export_to_local") == "full"
