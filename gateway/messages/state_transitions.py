"""Changes of message states as they belong in one transaction: the state, the mark on its conversation, the outbox,
news for the case system, the leaf, the event.

A message never changes state anywhere else, and never from another state than the one that was read: what somebody
else moved in between makes the whole move fail with `changed_meanwhile`, and its caller starts over (nrm1 12.18).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.audit_entries import Leaf, leaf
from gateway.errors import Code
from gateway.ledger import store as ledger
from gateway.messages.machines import acceptance, delivery
from gateway.messages.machines.acceptance import Incoming, IncomingEvent
from gateway.messages.machines.delivery import Outgoing, OutgoingEvent
from gateway.messages.store import conversations, local, messages
from gateway.messages.store.messages import MessageRow
from gateway.ports import NoticeKind
from schemas.types import type_name

_NOTICES = {
    Outgoing.AWAITING_HANDOVER: NoticeKind.RECEIVED,
    Outgoing.AWAITING_OPENING: NoticeKind.DELIVERED,
    Outgoing.OPENED: NoticeKind.OPENED,
    Outgoing.REJECTED: NoticeKind.REJECTED,
    Outgoing.FAILED: NoticeKind.FAILED,
    Outgoing.CANCELLED: NoticeKind.CANCELLED,
}

ALERT = "safety.alert"

_ALARMING = (Outgoing.REJECTED, Outgoing.FAILED)
"""What a person must look at: a refusal of the peer, or a message that never arrived (nrm1 12.8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One event for one message; `reason` is the code that is kept beside the state."""

    row: MessageRow
    event: OutgoingEvent
    reason: Code | None = None


def begin(connection: Connection, new: Sequence[tuple[MessageRow, str]]) -> None:
    """Mark the conversations of messages that come into being here, each with the type of its body. Part of the
    transaction that writes them; a safety alert among them is folded before all else.
    """
    conversations.changed(connection, [conversation_of(row) for row, _ in new])
    conversations.alarm(
        connection, [(row.conversation, row.peer) for row, body_type in new if type_name(body_type) == ALERT]
    )


def advance(connection: Connection, changes: Sequence[Change], *, at: int, told: Sequence[Leaf] = ()) -> frozenset[int]:
    """Move outgoing messages along their machine, and return which have moved; one message may occur several times. One
    that waits anew since the peer was restored does not end here: the peer is asked about it (nrm1 5.11). The log says
    what was `told` before what it moved.

    Raises:
        TransientError: changed_meanwhile; a row is not current.
    """
    now = {change.row.ref: Outgoing(change.row.state) for change in changes}
    reasons: dict[int, str | None] = {change.row.ref: change.row.reason for change in changes}
    rows = {change.row.ref: change.row for change in changes}
    moved: dict[int, Outgoing] = {}
    departed = _departed(connection, changes)
    for change in changes:
        ref = change.row.ref
        event = delivery.take_departed(now[ref], change.event) if ref in departed else change.event
        state = delivery.step(now[ref], event)
        if change.reason is not None and reasons[ref] is None:
            reasons[ref] = str(change.reason)
        if state is not now[ref]:
            now[ref] = moved[ref] = state
    if not moved:
        journal.append_leaves(connection, told)
        return frozenset()
    conversations.changed(connection, [conversation_of(rows[ref]) for ref in moved])
    messages.set_states(
        connection, [(ref, rows[ref].state, str(state), _kept(state, reasons[ref])) for ref, state in moved.items()]
    )
    messages.dequeue(connection, [ref for ref, state in moved.items() if state not in delivery.SENDING])
    sending = delivery.SENDING
    back = [ref for ref, state in moved.items() if state in sending and rows[ref].state not in sending]
    messages.enqueue(connection, [(ref, rows[ref].peer, rows[ref].expires) for ref in back])
    unsealed = (Outgoing.QUEUED, Outgoing.VOIDING)  # in which the bytes of an earlier sealing are given up
    messages.drop_envelopes(connection, [ref for ref, state in moved.items() if state in unsealed])
    journal.add_events(connection, [(at, "message", ref, str(state)) for ref, state in moved.items()])
    journal.append_leaves(
        connection,
        [
            *told,
            *(
                leaf(at, "message.state", id=rows[ref].id, peer=rows[ref].peer, state=str(state), code=reasons[ref])
                for ref, state in moved.items()
            ),
        ],
    )
    voided = {change.row.ref for change in changes if change.event is OutgoingEvent.VOIDED}
    ledger.add_voided(connection, [ref for ref in moved if ref in voided and moved[ref] is Outgoing.FAILED], at=at)
    for ref, state in moved.items():
        _tell(connection, rows[ref], state, _kept(state, reasons[ref]), at)
    return frozenset(moved)


def _departed(connection: Connection, changes: Sequence[Change]) -> frozenset[int]:
    """Those of the messages that this node would end which were sealed before, so that the peer may have them."""
    ending = {change.row.ref for change in changes if change.event in delivery.ENDING}
    return frozenset(sealing.message for sealing in messages.sealings(connection, sorted(ending)))


def conversation_of(row: MessageRow) -> tuple[bytes, str, str]:
    """Index, peer and kind of the conversation of a message: it has to be folded again when the message moved."""
    return row.conversation, row.peer, row.kind


def _kept(state: Outgoing, reason: str | None) -> str | None:
    """A message that arrived after all has no reason to have failed."""
    return reason if state in (Outgoing.VOIDING, Outgoing.REJECTED, Outgoing.FAILED, Outgoing.CANCELLED) else None


def _tell(connection: Connection, row: MessageRow, state: Outgoing, reason: str | None, at: int) -> None:
    """News for the case system and, where a person has to look, an alarm.

    A numbered message that expires is told as failed at once, for the answer to its void may never come (nrm1 12.8);
    if the void finds that it had arrived, that is news too.
    """
    expires = reason == Code.EXPIRED and state is Outgoing.VOIDING
    told_before = reason == Code.EXPIRED and state is Outgoing.FAILED and row.state == Outgoing.VOIDING
    kind = NoticeKind.FAILED if expires else None if told_before else _NOTICES.get(state)
    if kind is not None and row.origin is not None:
        local.add_notice(connection, kind=str(kind), origin=row.origin, at=at, message=row.id, code=reason)
    if state in _ALARMING or expires:
        named = Outgoing.FAILED if expires else state
        journal.raise_alarm(connection, at=at, kind=f"message.{named}", peer=row.peer, ref=row.ref)


def receive_steps(
    connection: Connection, rows: Sequence[MessageRow], event: IncomingEvent, *, at: int, tells: Sequence[Leaf] = ()
) -> dict[int, Incoming]:
    """Move several incoming messages by the same event; returns the new states by ref. The log says behind it what this
    node `tells` about it.

    Raises:
        TransientError: changed_meanwhile; a row is not current.
    """
    states = {row.ref: acceptance.step(Incoming(row.state), event) for row in rows}
    moved = [row for row in rows if str(states[row.ref]) != row.state]
    conversations.changed(connection, map(conversation_of, moved))
    messages.set_states(connection, [(row.ref, row.state, str(states[row.ref]), None) for row in moved])
    journal.add_events(connection, [(at, "message", row.ref, str(states[row.ref])) for row in moved])
    journal.append_leaves(
        connection,
        [
            *(leaf(at, "message.state", id=row.id, peer=row.peer, state=str(states[row.ref])) for row in moved),
            *tells,
        ],
    )
    return states


def receive_step(
    connection: Connection, row: MessageRow, event: IncomingEvent, *, at: int, reason: Code | None = None
) -> Incoming:
    """Move one incoming message along its machine; returns the new state. Raises TransientError like
    `receive_steps`.
    """
    state = acceptance.step(Incoming(row.state), event)
    if str(state) != row.state:
        conversations.changed(connection, [conversation_of(row)])
        messages.set_states(connection, [(row.ref, row.state, str(state), None if reason is None else str(reason))])
        journal.add_event(connection, at=at, kind="message", ref=row.ref, state=str(state))
        journal.append_leaf(connection, leaf(at, "message.state", id=row.id, peer=row.peer, state=str(state)))
    return state
