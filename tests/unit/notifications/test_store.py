"""Calls of webhooks: taken over once, in the order of each conversation, and forgotten with their hook."""

from __future__ import annotations

from sqlalchemy import Connection, insert
from support import rows

from gateway.cases import store as cases
from gateway.cases.rules import CaseState, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.conversations.rules.machines import RESTING
from gateway.database import journal
from gateway.database.tables import conversation, hook_call
from gateway.foundation.ids import CaseId
from gateway.messages.store import local
from gateway.messages.store.local import ConsentRow
from gateway.notifications import store


def happen(connection: Connection, count: int) -> None:
    """So many events about nothing in particular."""
    for _ in range(count):
        journal.add_event(connection, at=1, kind="draft", ref=None, state="waiting")


def call(connection: Connection, seq: int, conversation: bytes | None, next_try: int = 0) -> None:
    """A call that waits."""
    row = {"hook": "h", "seq": seq, "conversation": conversation, "since": 1, "attempts": 0, "next_try": next_try}
    connection.execute(insert(hook_call).values(**row))


def test_a_new_hook_begins_now(connection: Connection):
    """What had happened before is not told; what happens then is taken over once, also over a new start."""
    happen(connection, 3)
    store.receivers(connection, ["h"])
    assert store.take_over(connection, "h", 10) == 0
    happen(connection, 5)
    store.receivers(connection, ["h"])
    assert [store.take_over(connection, "h", 3) for _ in range(3)] == [3, 2, 0]
    assert store.standing(connection, "h").waiting == 5


def test_what_failed_holds_up_its_own_conversation_only(connection: Connection):
    """Of each conversation the oldest is due, and none while that one waits for its time."""
    call(connection, 1, b"a", next_try=100)
    call(connection, 2, b"a")
    call(connection, 3, b"b")
    call(connection, 4, b"b")
    call(connection, 5, None)
    assert [row.seq for row in store.due(connection, "h", 50, 150, 10)] == [3, 5]
    assert [row.seq for row in store.due(connection, "h", 100, 200, 10)] == [1, 3, 5]
    assert [row.seq for row in store.due(connection, "h", 20, 90, 10)] == [1, 3, 5]  # the clock was put back
    store.answered(connection, "h", 3)
    assert [row.seq for row in store.due(connection, "h", 50, 150, 10)] == [4, 5]
    store.retry_now(connection, "h")
    assert [row.seq for row in store.due(connection, "h", 50, 150, 10)] == [1, 4, 5]


def test_a_hook_that_is_not_set_any_more_is_forgotten(connection: Connection):
    """With what it was owed; set again, it begins anew."""
    store.receivers(connection, ["h"])
    happen(connection, 2)
    store.take_over(connection, "h", 10)
    store.receivers(connection, ["other"])
    assert store.standing(connection, "h").waiting == 0
    store.receivers(connection, ["h"])
    assert store.take_over(connection, "h", 10) == 0


def test_consents_come_in_parts(connection: Connection):
    """Each once, however many sides recorded it, and from behind the last one on."""
    for ref, (index, holder) in enumerate([(b"b", "own"), (b"a", "own"), (b"b", "n1b"), (b"c", "own")]):
        local.add_consent(connection, ConsentRow(ref=ref, consent=index, holder=holder, state="active", at=1))
    assert store.consents_behind(connection, b"", 2) == [b"a", b"b"]
    assert store.consents_behind(connection, b"b", 2) == [b"c"]
    assert store.consents_behind(connection, b"c", 2) == []


def test_what_is_under_way_is_asked_of_some_cases(connection: Connection):
    """Where one conversation may still go on, or nobody knows how it stands; not of cases that nobody asked about."""
    states = {"open": ["sent", min(RESTING)], "unknown": [None], "over": [min(RESTING)], "other": ["sent"], "empty": []}
    for case, found in states.items():
        cases.open_cases(connection, [CaseRow(id=CaseId(case), state=CaseState.OPEN, at=1, card=None)])
        for place, state in enumerate(found):
            key = f"{case} {place}".encode()
            cases.link(connection, [Link(key=key, kind=LinkKind.CONVERSATION, case_id=CaseId(case))])
            row = {"conversation": key, "peer": rows.PEER, "kind": "referral", "changes": 1, "state": state}
            connection.execute(insert(conversation).values(**row))
    asked = {CaseId(case) for case in states if case != "other"}
    assert store.cases_under_way(connection, asked) == {"open", "unknown"}
