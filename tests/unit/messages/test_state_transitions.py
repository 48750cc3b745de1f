"""A message changes its state together with all that belongs to it, or not at all (nrm1 12.12)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from sqlalchemy import Connection
from support import rows
from support.rows import LIFE, PEER

from gateway.database import journal
from gateway.database.engine import Store
from gateway.errors import Code
from gateway.foundation.state_machine import IllegalStep
from gateway.messages import state_transitions
from gateway.messages.machines import delivery
from gateway.messages.machines.acceptance import Incoming, IncomingEvent
from gateway.messages.machines.delivery import Outgoing, OutgoingEvent, allows
from gateway.messages.state_transitions import Change
from gateway.messages.store import local, messages
from gateway.messages.store.messages import MessageRow, StatementRow

AT = 500
RIGHT = [(state, event) for state in Outgoing for event in OutgoingEvent if allows(state, event)]
TOLD = {
    Outgoing.AWAITING_HANDOVER: "received",
    Outgoing.AWAITING_OPENING: "delivered",
    Outgoing.OPENED: "opened",
    Outgoing.REJECTED: "rejected",
    Outgoing.FAILED: "failed",
    Outgoing.CANCELLED: "cancelled",
}


def stored(connection: Connection, *found: MessageRow) -> None:
    """Messages with what a waiting one has."""
    messages.add(connection, found)
    waiting = [row for row in found if Outgoing(row.state) in delivery.SENDING]
    messages.enqueue(connection, [(row.ref, PEER, LIFE) for row in waiting])
    messages.put_envelopes(connection, [(row.ref, b"sealed") for row in waiting])


def picture(connection: Connection) -> dict[str, Any]:
    """Everything a move can touch."""
    return {
        "messages": {n: (row.state, row.reason) for n, row in messages.get(connection, [1, 2]).items()},
        "outbox": messages.due(connection, PEER, 0, 10),
        "envelopes": messages.envelopes(connection, [1, 2]),
        "notices": [(n.kind, n.origin, n.message, n.code) for n in local.notices(connection, AT, AT, 10)],
        "events": [(e.kind, e.ref, e.state, e.at) for e in journal.events_after(connection, 0, 10)],
        "leaves": [orjson.loads(leaf) for _, leaf in journal.leaves(connection)],
        "alarms": [(a.kind, a.peer, a.ref) for a in journal.open_alarms(connection)],
    }


@pytest.mark.parametrize(("state", "event"), RIGHT, ids=[f"{s}-{e}" for s, e in RIGHT])
async def test_a_step_carries_everything_with_it(store: Store, state: Outgoing, event: OutgoingEvent):
    """State, outbox, envelope, news, event, leaf and alarm all say what the machine says."""
    row = rows.message(1, state=str(state), origin=9)
    new = delivery.step(state, event)

    def move(connection: Connection) -> tuple[dict[str, Any], dict[str, Any]]:
        stored(connection, row)
        before = picture(connection)
        state_transitions.advance(connection, [Change(row=row, event=event, reason=Code.OUT_OF_SCOPE)], at=AT)
        return before, picture(connection)

    before, after = await store.move(move)
    if new is state:
        assert before == after
        return
    assert after["messages"][1][0] == str(new)
    assert after["outbox"] == ([1] if new in delivery.SENDING else [])
    assert (1 in after["envelopes"]) is (new is Outgoing.AWAITING_RECEIPT)
    kept = after["messages"][1][1]
    assert after["notices"] == ([(TOLD[new], 9, "id-1", kept)] if new in TOLD else [])
    assert after["events"] == [("message", 1, str(new), AT)]
    assert [(leaf["ev"], leaf["id"], leaf["state"], leaf["seq"]) for leaf in after["leaves"]] == [
        ("message.state", "id-1", str(new), 1)
    ]
    alarming = new in (Outgoing.REJECTED, Outgoing.FAILED)
    assert after["alarms"] == ([(f"message.{new}", PEER, 1)] if alarming else [])


@pytest.mark.parametrize("event", sorted(delivery.ENDING))
async def test_what_departed_before_is_asked_about(store: Store, event: OutgoingEvent):
    """A message that waits anew, since its peer was restored, keeps the reason and stays on the outbox; one that waits
    for the first time ends.
    """
    departed, new = rows.message(1), rows.message(2)
    sealing = StatementRow(hash="of before", message=1, evidence=9, created=AT)

    def move(connection: Connection) -> dict[str, Any]:
        stored(connection, departed, new)
        messages.add_statements(connection, [sealing])
        changes = [Change(row=row, event=event, reason=Code.GATE_G2) for row in (departed, new)]
        state_transitions.advance(connection, changes, at=AT)
        return picture(connection)

    after = await store.move(move)
    ended = str(delivery.step(Outgoing.QUEUED, event))
    assert after["messages"] == {1: ("voiding", "gate_g2"), 2: (ended, "gate_g2")}
    assert after["outbox"] == [1]


async def test_expiry_of_a_numbered_message_is_told_once_and_at_once(store: Store):
    """The case system hears `failed` when the life is over, not when the void is answered, and not twice."""
    waiting = rows.message(1, state="awaiting_receipt", origin=9)

    def move(connection: Connection) -> list[dict[str, Any]]:
        stored(connection, waiting)
        state_transitions.advance(
            connection, [Change(row=waiting, event=OutgoingEvent.EXPIRE, reason=Code.EXPIRED)], at=AT
        )
        first = picture(connection)
        voiding = messages.get(connection, [1])[1]
        state_transitions.advance(
            connection, [Change(row=voiding, event=OutgoingEvent.VOIDED, reason=Code.VOID)], at=AT
        )
        return [first, picture(connection)]

    first, second = await store.move(move)
    told = [("failed", 9, "id-1", "expired")]
    assert (first["messages"][1], first["notices"]) == (("voiding", "expired"), told)
    assert (second["messages"][1], second["notices"]) == (("failed", "expired"), told)
    assert first["alarms"] == second["alarms"] == [("message.failed", PEER, 1)]


async def test_an_illegal_step_changes_nothing(store: Store):
    """One wrong change takes back the right ones of the same transaction."""
    right, wrong = rows.message(1), rows.message(2, state="opened")
    await store.move(lambda c: stored(c, right, wrong))
    before = await store.read(picture)
    changes = [
        Change(row=right, event=OutgoingEvent.CANCEL, reason=Code.CANCELLED),
        Change(row=wrong, event=OutgoingEvent.CANCEL, reason=Code.CANCELLED),
    ]
    with pytest.raises(IllegalStep):
        await store.move(lambda c: state_transitions.advance(c, changes, at=AT))
    assert before == await store.read(picture)


async def test_a_failure_after_the_step_takes_it_back(store: Store):
    """The leaf and the state stand or fall together, whatever fails behind them."""
    row = rows.message(1)
    await store.move(lambda c: stored(c, row))
    before = await store.read(picture)

    def move(connection: Connection) -> None:
        state_transitions.advance(
            connection, [Change(row=row, event=OutgoingEvent.CANCEL, reason=Code.CANCELLED)], at=AT
        )
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        await store.move(move)
    assert before == await store.read(picture)


async def test_two_receipts_of_one_message_are_two_steps_and_one_end(store: Store):
    """`received` and `delivered` in one batch: the last word is the state, told once."""
    row = rows.message(1, state="awaiting_receipt", origin=9)

    def move(connection: Connection) -> dict[str, Any]:
        stored(connection, row)
        changes = [
            Change(row=row, event=OutgoingEvent.RECEIPT_RECEIVED),
            Change(row=row, event=OutgoingEvent.RECEIPT_DELIVERED),
        ]
        state_transitions.advance(connection, changes, at=AT)
        return picture(connection)

    after = await store.move(move)
    assert after["messages"] == {1: ("awaiting_opening", None)}
    assert len(after["leaves"]) == len(after["events"]) == 1


async def test_the_first_reason_stays(store: Store):
    """A message that was cancelled and then voided failed because it was cancelled."""
    row = rows.message(1, state="voiding", reason="cancelled")

    def move(connection: Connection) -> dict[str, Any]:
        stored(connection, row)
        state_transitions.advance(connection, [Change(row=row, event=OutgoingEvent.VOIDED, reason=Code.VOID)], at=AT)
        return picture(connection)

    assert (await store.move(move))["messages"] == {1: ("failed", "cancelled")}


async def test_what_arrived_after_all_has_no_reason(store: Store):
    """The answer to a void may be that it had arrived: then it did not fail."""
    row = rows.message(1, state="voiding", reason="cancelled")

    def move(connection: Connection) -> dict[str, Any]:
        stored(connection, row)
        state_transitions.advance(connection, [Change(row=row, event=OutgoingEvent.RECEIPT_RECEIVED)], at=AT)
        return picture(connection)

    assert (await store.move(move))["messages"] == {1: ("awaiting_handover", None)}


async def test_an_incoming_step_has_its_leaf_and_event(store: Store):
    """And a repeat has none."""
    row = rows.message(1, direction="in", state=str(Incoming.AWAITING_HANDOVER))

    def move(connection: Connection) -> dict[str, Any]:
        messages.add(connection, [row])
        assert state_transitions.receive_step(connection, row, IncomingEvent.HANDED, at=AT) is Incoming.HANDED_OVER
        again = messages.get(connection, [1])[1]
        assert state_transitions.receive_step(connection, again, IncomingEvent.HANDED, at=AT) is Incoming.HANDED_OVER
        return picture(connection)

    after = await store.move(move)
    assert after["messages"] == {1: ("handed_over", None)}
    assert [leaf["state"] for leaf in after["leaves"]] == ["handed_over"]
    assert after["events"] == [("message", 1, "handed_over", AT)]
