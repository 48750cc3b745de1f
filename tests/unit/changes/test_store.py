"""Changes and approvals in the database: in which order they come back, and what moves one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from gateway.changes import store
from gateway.changes.store import DONE, EXPIRED, PENDING, WAITING, ApprovalRow, ChangeRow


def kept(connection: Connection, n: int, **changed: Any) -> ChangeRow:
    """A change about AL that waits for people, but for what `changed` says, and is in the database."""
    usual = ChangeRow(
        hash=f"hash {n}", subject="AL", seq=None, payload=b"change %d" % n, state=PENDING, at=100 + n, effective=None
    )
    row = replace(usual, **changed)
    store.add_change(connection, row)
    return row


def test_a_change_comes_back_as_it_was(connection: Connection):
    """Whether it waits for people or has its place; one that is not there is None."""
    rows = [kept(connection, 1), kept(connection, 2, seq=1, state=DONE, effective=500)]
    assert [store.find_change(connection, row.hash) for row in rows] == rows
    assert store.find_change(connection, "hash 3") is None


def test_what_was_completed_comes_by_its_place(connection: Connection):
    """The place says what follows what, not the time; what waits for people has none."""
    later = kept(connection, 1, seq=2, state=WAITING, at=100, effective=900)
    first = kept(connection, 2, seq=1, state=DONE, at=200, effective=200)
    kept(connection, 3)
    other = kept(connection, 4, subject="FR", seq=1, state=DONE, effective=1)
    assert store.changes_of(connection, "AL") == [first, later]
    assert store.changes_of(connection, "FR") == [other]


def test_every_change_newest_first(connection: Connection):
    """So many of them; those of one second by their hash, so that a page is the same twice."""
    old = kept(connection, 1, at=100)
    twins = [kept(connection, n, at=200) for n in (3, 2)]
    assert store.all_changes(connection, 9) == [twins[1], twins[0], old]
    assert store.all_changes(connection, 2) == [twins[1], twins[0]]


def test_the_newest_changes_of_a_subject_or_in_a_state(connection: Connection):
    """What is not asked for takes no place of the page."""
    old = kept(connection, 1, state=DONE, seq=1)
    new = kept(connection, 2)
    other = kept(connection, 3, subject="FR", state=DONE, seq=1)
    assert store.all_changes(connection, 1, subject="FR") == [other]
    assert store.all_changes(connection, 1, subject="AL") == [new]
    assert store.all_changes(connection, 9, state=DONE) == [other, old]
    assert store.all_changes(connection, 1, subject="AL", state=DONE) == [old]


def test_changes_in_one_state(connection: Connection):
    """Oldest first, those of one second by their hash; of one subject or of all."""
    third, second, first = kept(connection, 4, at=103), kept(connection, 3), kept(connection, 1)
    other = kept(connection, 2, subject="FR", at=500)
    kept(connection, 5, state=EXPIRED)
    assert store.in_state(connection, PENDING, "AL") == [first, second, third]
    assert store.in_state(connection, PENDING) == [first, second, third, other]


def test_approvals_come_in_their_order(connection: Connection):
    """By their time, within a second as they were written; those of another change are not among them."""
    kept(connection, 1), kept(connection, 2)
    given = [("hash 1", "zoe", 300), ("hash 1", "ana", 300), ("hash 1", "ben", 200), ("hash 2", "ana", 100)]
    rows = [ApprovalRow(change=of, admin=admin, document=admin.encode(), at=at) for of, admin, at in given]
    for row in rows:
        store.add_approval(connection, row)
    assert store.approvals_of(connection, "hash 1") == [rows[2], rows[0], rows[1]]
    assert store.approvals_of(connection, "hash 2") == [rows[3]]


def test_a_change_takes_its_place_and_its_state(connection: Connection):
    """The one that is named, and no other; its bytes stay what people signed."""
    one, other = kept(connection, 1), kept(connection, 2)
    store.complete(connection, one.hash, seq=7, state=WAITING, effective=900)
    assert store.find_change(connection, one.hash) == replace(one, seq=7, state=WAITING, effective=900)
    store.set_state(connection, one.hash, DONE)
    assert store.find_change(connection, one.hash) == replace(one, seq=7, state=DONE, effective=900)
    assert store.find_change(connection, other.hash) == other
