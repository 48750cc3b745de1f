"""Consents that nobody has confirmed since a restore: which they are, and the alarm that stands while there is one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, delete, select

from gateway.consent import unconfirmed_store
from gateway.database import journal
from gateway.database.tables import alarm, consent
from gateway.messages.store import local
from gateway.messages.store.local import OWN, ConsentRow

ONE, TWO = b"one consent", b"another consent"


@pytest.fixture
def connection(connection: Connection) -> Iterator[Connection]:
    """A database with two consents, of one of which a peer has told as well."""
    for ref, (index, holder) in enumerate([(ONE, OWN), (ONE, "n1peer"), (TWO, OWN)], start=1):
        local.add_consent(connection, ConsentRow(ref=ref, consent=index, holder=holder, state="active", at=1))
    yield connection


def alarms(connection: Connection) -> list[tuple[int, str]]:
    """What a person has to look at, and since when."""
    return [(alarm.at, alarm.kind) for alarm in journal.open_alarms(connection)]


def test_every_consent_is_doubted(connection: Connection):
    """Each once, whoever holds a record of it; a person is told of all together."""
    assert unconfirmed_store.unconfirmed(connection) == frozenset()
    assert unconfirmed_store.doubt_all(connection, at=5) == 2
    assert unconfirmed_store.unconfirmed(connection) == {ONE, TWO}
    assert alarms(connection) == [(5, "consent.unconfirmed")]


def test_a_second_restore_doubts_what_came_since(connection: Connection):
    """What is in doubt already stays so and is counted; where nothing is new nobody is told again."""
    unconfirmed_store.doubt_all(connection, at=5)
    local.add_consent(connection, ConsentRow(ref=9, consent=b"third", holder=OWN, state="active", at=6))
    assert unconfirmed_store.doubt_all(connection, at=7) == 3
    journal.close_alarms(connection, "consent.unconfirmed", at=8)
    assert unconfirmed_store.doubt_all(connection, at=9) == 3
    assert alarms(connection) == []


def test_the_last_one_that_is_confirmed_ends_the_alarm(connection: Connection):
    """What was not in doubt does not count."""
    assert unconfirmed_store.end_doubt(connection, [ONE], at=4) == 0
    unconfirmed_store.doubt_all(connection, at=5)
    assert unconfirmed_store.end_doubt(connection, [ONE, b"unknown"], at=6) == 1
    assert (unconfirmed_store.unconfirmed(connection), len(alarms(connection))) == ({TWO}, 1)
    assert unconfirmed_store.end_doubt(connection, [ONE, TWO], at=7) == 1
    assert (unconfirmed_store.unconfirmed(connection), alarms(connection)) == (frozenset(), [])
    assert connection.scalars(select(alarm.c.dismissed)).all() == [7]


def test_where_no_consent_is_held_nobody_is_told(connection: Connection):
    """There is nothing to confirm."""
    connection.execute(delete(consent))
    assert unconfirmed_store.doubt_all(connection, at=5) == 0
    assert alarms(connection) == []


def test_what_was_taken_back_whole_is_not_doubted(connection: Connection):
    """Nothing goes on it in any case, so nobody has to look at it; a consent is in force while one record of it is."""
    local.set_consent(connection, 1, state=local.WITHDRAWN)
    local.set_consent(connection, 3, state=local.WITHDRAWN)
    assert unconfirmed_store.doubt_all(connection, at=5) == 1
    assert unconfirmed_store.unconfirmed(connection) == unconfirmed_store.waiting(connection) == {ONE}


def test_what_is_taken_back_or_erased_waits_no_more(connection: Connection):
    """Of neither anything is left that a worker could confirm: with the last one the alarm ends. Should a record come
    again of one that was erased, it is in doubt as it was.
    """
    unconfirmed_store.doubt_all(connection, at=5)
    connection.execute(delete(consent).where(consent.c.consent == ONE))
    unconfirmed_store.end_doubt(connection, at=6)
    assert (unconfirmed_store.waiting(connection), len(alarms(connection))) == ({TWO}, 1)
    local.set_consent(connection, 3, state=local.WITHDRAWN)
    assert unconfirmed_store.end_doubt(connection, at=7) == 0
    assert (unconfirmed_store.waiting(connection), alarms(connection)) == (frozenset(), [])
    assert unconfirmed_store.unconfirmed(connection) == {ONE, TWO}
