"""Delivery by day and what waits, counted over rows of a database in memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, insert

from gateway.administration.delivery_store import DAY, SHOWN, DeliveredDay, Queue, count_by_day, read_queues
from gateway.database.tables import alarm, draft, inbox, message, metadata, outbox, receipt
from gateway.foundation.chores import HOUR
from gateway.foundation.ids import NodeId

AL, MA = NodeId("n1al"), NodeId("n1ma")
MONDAY = 20_000 * DAY
_refs = count(1)


@pytest.fixture
def rows() -> Iterator[Connection]:
    """Empty tables."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        metadata.create_all(connection)
        yield connection
    engine.dispose()


def send(rows: Connection, at: int, *, took: int | None = None, told: str = "received", **other: Any) -> int:
    """One message of ours to Albania, with the receipt that came `took` seconds later."""
    ref = next(_refs)
    row = {"ref": ref, "direction": "out", "peer": AL, "id": f"m{ref}", "conversation": b"c", "kind": "message"}
    row |= {"state": "awaiting_receipt", "size": 1, "at": at, "expires": at + DAY, "out_of_order": False} | other
    rows.execute(insert(message).values(row))
    if took is not None:
        said = {"of": f"h{ref}", "status": told, "peer": row["peer"], "direction": "received", "id": row["id"]}
        rows.execute(insert(receipt).values(said | {"at": at + took, "object": b""}))
    return ref


def test_each_message_counts_on_the_day_of_its_release(rows: Connection):
    """Within an hour, later, not yet; by peer; an hour to the second is within it, and midnight begins a day."""
    send(rows, MONDAY, took=HOUR)
    send(rows, MONDAY, took=HOUR + 1)
    send(rows, MONDAY + DAY - 1, took=5 * DAY)
    send(rows, MONDAY + DAY)
    send(rows, MONDAY + DAY, peer=MA, state="queued")
    assert count_by_day(rows, MONDAY) == [
        DeliveredDay(day=MONDAY, peer=AL, within_hour=1, later=2, not_yet=0),
        DeliveredDay(day=MONDAY + DAY, peer=AL, within_hour=0, later=0, not_yet=1),
        DeliveredDay(day=MONDAY + DAY, peer=MA, within_hour=0, later=0, not_yet=1),
    ]


def test_the_first_receipt_says_when_it_arrived(rows: Connection):
    """Whatever it says, since a later status includes the earlier ones; a message with two receipts counts once."""
    ref = send(rows, MONDAY, took=HOUR, told="delivered")
    late = {"of": "another", "status": "opened", "peer": AL, "direction": "received", "id": f"m{ref}"}
    rows.execute(insert(receipt).values(late | {"at": MONDAY + DAY, "object": b""}))
    send(rows, MONDAY, took=5, told="rejected", state="rejected")
    assert count_by_day(rows, MONDAY) == [DeliveredDay(day=MONDAY, peer=AL, within_hour=1, later=0, not_yet=0)]


def test_what_is_on_its_way_no_more_is_not_awaited(rows: Connection):
    """Cancelled, failed, refused; nor are messages of the peer, test messages, or older days counted at all."""
    for state in ("cancelled", "failed", "rejected"):
        send(rows, MONDAY, state=state)
    send(rows, MONDAY, direction="in")
    send(rows, MONDAY, kind="probe")
    send(rows, MONDAY - 1)
    assert count_by_day(rows, MONDAY) == [DeliveredDay(day=MONDAY, peer=AL, within_hour=0, later=0, not_yet=0)]


def test_receipts_are_found_by_their_index(rows: Connection):
    """One pass over the messages, and for each a look into an index: a month of a busy node does not multiply."""
    asked: list[tuple[str, Any]] = []
    event.listen(rows.engine, "before_cursor_execute", lambda *seen: asked.append((seen[2], seen[3])))
    count_by_day(rows, MONDAY)
    statement, given = asked[0]
    plan = rows.exec_driver_sql(f"explain query plan {statement}", given)
    assert any("USING INDEX receipt_message (direction=? AND peer=? AND id=?)" in step[3] for step in plan)


def test_a_queue_has_its_oldest(rows: Connection):
    """How many wait in each place, and since when the oldest forty do."""
    for n in range(SHOWN + 5):
        ref = send(rows, MONDAY + n, state="queued")
        rows.execute(insert(outbox).values(ref=ref, peer=AL, files=False, expires=0))
    send(rows, MONDAY, state="awaiting_handover")
    ref = send(rows, MONDAY + 7, direction="in")
    rows.execute(insert(inbox).values(ref=ref, peer=AL, n=1, urgent=False, attempts=0, next_try=0))
    rows.execute(insert(draft).values(ref=1, id="d1", state="waiting", at=MONDAY + 8))
    rows.execute(insert(draft).values(ref=2, id="d2", state="open", at=MONDAY))
    for kind, dismissed in (("message.failed", None), ("message.failed", 1), ("peer.review", None)):
        rows.execute(insert(alarm).values(at=MONDAY + 9, kind=kind, dismissed=dismissed))
    found = read_queues(rows, second="waiting", failed=("message.failed",))
    assert found == {
        "to_send": Queue(count=SHOWN + 5, times=tuple(range(MONDAY, MONDAY + SHOWN))),
        "not_taken_there": Queue(count=1, times=(MONDAY,)),
        "not_taken_here": Queue(count=1, times=(MONDAY + 7,)),
        "second_person": Queue(count=1, times=(MONDAY + 8,)),
        "failed": Queue(count=1, times=(MONDAY + 9,)),
    }
