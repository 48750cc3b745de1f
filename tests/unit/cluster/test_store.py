"""The queries of workers and leases, on each kind of database."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import Connection, select, update

from gateway.cluster import store
from gateway.cluster.rules import LIFE, PLACES
from gateway.database.tables import lease, worker
from gateway.database.writing.leading import Lease


def now() -> int:
    """The clock of this machine, Unix milliseconds."""
    return time.time_ns() // 1_000_000


def join(connection: Connection, id: str, *, ahead: int = 0) -> int | None:
    """A worker comes whose clock is so many milliseconds ahead."""
    return store.join(connection, id=id, host="one.example", version="1", now=now() + ahead)


def run_out(connection: Connection, *, ago: int = 1) -> None:
    """Every lease has ended so many milliseconds ago."""
    connection.execute(update(lease).values(until=now() - ago))


def test_workers_are_listed_with_what_they_lead(connection: Connection):
    """Each at its place; one that leaves takes what it led away from the list."""
    assert [join(connection, "a"), join(connection, "b", ahead=90_000)] == [1, 2]
    assert store.claim(connection, "handover", "a") == Lease("handover", 1)
    here, there = store.workers(connection)
    assert (here.id, here.place, here.leads, there.leads) == ("a", 1, ("handover",), ())
    assert abs(here.off) < 5_000 and abs(there.off - 90_000) < 5_000
    store.leave(connection, "a")
    assert [one.id for one in store.workers(connection)] == ["b"]
    assert store.claim(connection, "handover", "b") == Lease("handover", 2)


def test_a_lease_has_one_holder(connection: Connection):
    """Nobody takes what another holds, nor its holder again; each taking is told apart by its fence."""
    assert store.claim(connection, "send n1", "a") == Lease("send n1", 1)
    assert store.claim(connection, "send n1", "b") is None
    assert store.claim(connection, "send n1", "a") is None
    run_out(connection)
    assert store.claim(connection, "send n1", "b") == Lease("send n1", 2)


def test_a_sign_keeps_leases_that_have_not_run_out(connection: Connection):
    """One that ran out is not kept: another may have seen it free."""
    join(connection, "a")
    for what in ("one", "two"):
        store.claim(connection, what, "a")
    off, kept = store.beat(connection, "a", now(), ["one", "two"])
    assert (kept, abs(off) < 5_000) == ({"one": 1, "two": 1}, True)
    connection.execute(update(lease).where(lease.c.what == "one").values(until=now() - 1))
    assert store.beat(connection, "a", now(), ["one", "two"])[1] == {"two": 1}


def test_a_sign_keeps_nothing_that_is_led_no_more(connection: Connection):
    """A duty that was left while the server was away is free when its lease has run out."""
    join(connection, "a")
    for what in ("one", "two"):
        store.claim(connection, what, "a")
    connection.execute(update(lease).values(until=now() + LIFE // 2))
    assert store.beat(connection, "a", now(), ["two"])[1] == {"two": 1}
    until = {row.what: row.until for row in connection.execute(select(lease.c.what, lease.c.until))}
    assert until["one"] + LIFE // 4 < until["two"]


def test_what_is_given_up_is_free_at_once(connection: Connection):
    """Only its holder gives it up, and only under its fence."""
    held = store.claim(connection, "one", "a")
    assert held is not None
    store.give_up(connection, held, "b")
    store.give_up(connection, Lease("one", 9), "a")
    assert store.claim(connection, "one", "b") is None
    store.give_up(connection, held, "a")
    assert store.claim(connection, "one", "b") == Lease("one", 2)


def test_who_has_its_share_takes_only_what_was_left_for_long(connection: Connection):
    """A worker that leads enough leaves the others time to come."""
    store.claim(connection, "one", "a")
    run_out(connection)
    assert store.claim(connection, "one", "b", patient=True) is None
    run_out(connection, ago=LIFE + 1_000)
    assert store.claim(connection, "one", "b", patient=True) == Lease("one", 2)


def test_every_place_is_taken(connection: Connection):
    """One more is told that there is none; one that was not seen for a day leaves its place."""
    assert [join(connection, str(n)) for n in range(PLACES + 1)] == [*range(1, PLACES + 1), None]
    connection.execute(update(worker).where(worker.c.id == "4").values(seen=now() - 2 * store.GONE))
    assert join(connection, "late") == 5


def test_a_worker_counts_as_alive_while_its_leases_would(connection: Connection):
    """One that was not seen for the life of a lease does not take part in the shares."""
    join(connection, "a")
    join(connection, "b")
    assert len(store.find_alive(connection)) == 2
    connection.execute(update(worker).where(worker.c.id == "b").values(seen=now() - LIFE - 1_000))
    assert len(store.find_alive(connection)) == 1


@pytest.mark.parametrize("together", [True, False])
def test_a_signed_request_is_admitted_once(connection: Connection, together: bool):
    """Whichever worker it comes to, and also twice in one group."""
    if together:
        assert store.admit(connection, [("k:1", 100), ("k:1", 100), ("k:2", 100)]) == [True, False, True]
    else:
        assert store.admit(connection, [("k:1", 100)]) == [True]
        assert store.admit(connection, [("k:1", 100)]) == [False]
    store.forget_nonces(connection, 100)
    assert store.admit(connection, [("k:1", 100)]) == [False]
    store.forget_nonces(connection, 101)
    assert store.admit(connection, [("k:1", 300)]) == [True]
