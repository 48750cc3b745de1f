"""Asylum holds in the database: over what one lies, who wants it lifted, and what is left of what it is about."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, insert
from support import rows

from gateway.cases import store as cases
from gateway.cases.rules import CaseState, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.database import content
from gateway.database.tables import erasure
from gateway.foundation.ids import CaseId
from gateway.messages.store import messages
from gateway.policy import store
from gateway.policy.store import AsylumHold

FIRST, SECOND = AsylumHold(ref=1, at=100, lift=None), AsylumHold(ref=2, at=200, lift=None)
CASE, ANOTHER = CaseId("A" * 22), CaseId("B" * 22)


def placed(connection: Connection) -> None:
    """The first hold lies over a conversation and a consent, the second over another conversation."""
    content.put(connection, [rows.sealed(1), rows.sealed(2)])
    store.place(connection, SECOND, [b"other"])
    store.place(connection, FIRST, [b"conversation", b"consent", b"consent"])


def test_nothing_is_held_where_no_hold_was_placed(connection: Connection):
    """An empty database holds nothing."""
    assert (store.labels(connection), store.listed(connection)) == (frozenset(), [])
    assert store.get(connection, b"conversation") is None
    assert store.over(connection, [b"conversation"]) == []


def test_over_what_a_hold_lies(connection: Connection):
    """Each hold is named once, whatever number of its labels is asked about."""
    placed(connection)
    assert store.labels(connection) == {b"conversation", b"consent", b"other"}
    assert store.listed(connection) == [FIRST, SECOND]
    assert [store.get(connection, label) for label in (b"consent", b"other", b"third")] == [FIRST, SECOND, None]
    assert store.over(connection, [b"conversation", b"consent"]) == [1]
    assert sorted(store.over(connection, [b"consent", b"other"])) == [1, 2]


def test_a_hold_that_is_placed_again_is_not_to_be_lifted(connection: Connection):
    """It lies over more from then on, and the wish of a first person to lift it counts no longer."""
    placed(connection)
    store.want_lift(connection, 1, b"eva")
    store.want_lift(connection, 2, b"tom")
    assert store.listed(connection) == [replace(FIRST, lift=b"eva"), replace(SECOND, lift=b"tom")]
    store.place(connection, FIRST, [b"consent", b"more"])
    assert store.listed(connection) == [FIRST, replace(SECOND, lift=b"tom")]
    assert store.over(connection, [b"more"]) == [1]


def test_what_one_person_wished_is_forgotten(connection: Connection):
    """Who wants other holds lifted still does, and every hold lies as before."""
    placed(connection)
    store.want_lift(connection, 1, b"eva")
    store.want_lift(connection, 2, b"tom")
    store.forget_lifts(connection, b"eva")
    assert store.listed(connection) == [FIRST, replace(SECOND, lift=b"tom")]


def test_another_row_says_what_a_hold_lies_over(connection: Connection):
    """The old row is destroyed; nothing else changes."""
    placed(connection)
    content.put(connection, [rows.sealed(9)])
    store.replace(connection, 1, 9)
    assert store.listed(connection) == [SECOND, replace(FIRST, ref=9)]
    assert list(content.get(connection, [1, 2, 9])) == [2, 9]


def case_of(connection: Connection, *labels: bytes) -> dict[bytes, CaseId]:
    """Which of these labels are of a case."""
    return cases.cases_of(connection, labels)


def test_a_hold_is_of_the_case_of_its_conversation(connection: Connection):
    """Where that has one."""
    placed(connection)
    cases.open_cases(connection, [CaseRow(id=CASE, state=CaseState.OPEN, at=1, card=None)])
    cases.link(connection, [Link(key=b"talk", kind=LinkKind.CONVERSATION, case_id=CASE)])
    store.lay_on_case(connection, b"conversation", b"talk")
    store.lay_on_case(connection, b"other", b"talk without a case")
    assert case_of(connection, b"conversation", b"other") == {b"conversation": CASE}
    assert cases.links(connection, CASE, LinkKind.HOLD) == [Link(key=b"conversation", kind="hold", case_id=CASE)]


TALKS = {
    b"held": [b"conversation"],
    b"relying on a held consent": [b"label", b"consent"],
    b"of a held case": [b"label"],
    b"of another case": [b"label"],
    b"of no case": [b"label"],
    b"with no label": [],
}


def test_which_conversations_are_held(connection: Connection):
    """By a hold over them, over a consent that they rely on, or over their case; none where no hold was placed."""
    assert store.held_among(connection, TALKS) == frozenset()
    placed(connection)
    of = {
        b"other": (LinkKind.HOLD, CASE),
        b"of a held case": (LinkKind.CONVERSATION, CASE),
        b"of another case": (LinkKind.CONVERSATION, ANOTHER),
    }
    cases.open_cases(connection, [CaseRow(id=id, state=CaseState.OPEN, at=1, card=None) for id in (CASE, ANOTHER)])
    cases.link(connection, [Link(key=key, kind=kind, case_id=case) for key, (kind, case) in of.items()])
    assert store.held_among(connection, TALKS) == {b"held", b"relying on a held consent", b"of a held case"}
    assert store.held_among(connection, {}) == frozenset()


def test_a_lifted_hold_lies_over_nothing(connection: Connection):
    """Nor over its case; its row is destroyed, and the other hold stays."""
    placed(connection)
    cases.open_cases(connection, [CaseRow(id=CASE, state=CaseState.OPEN, at=1, card=None)])
    labels = (b"conversation", b"other")
    cases.link(connection, [Link(key=label, kind=LinkKind.HOLD, case_id=CASE) for label in labels])
    store.lift(connection, 1)
    assert (store.listed(connection), store.labels(connection)) == ([SECOND], {b"other"})
    assert case_of(connection, *labels) == {b"other": CASE}
    assert list(content.get(connection, [1, 2])) == [2]


def test_what_a_hold_still_concerns(connection: Connection):
    """A message of its conversation, or of one in which its consent was relied on; what was erased is not left."""
    messages.add(
        connection,
        [
            rows.message(1, conversation=b"held"),
            rows.message(2, conversation=b"relying", consent=b"consent"),
            rows.message(3, conversation=b"relying"),
            rows.message(4, conversation=b"neither", consent=b"another"),
        ],
    )
    assert store.concerned(connection, b"held", []) == [1]
    assert store.concerned(connection, b"none", []) == []
    assert sorted(store.concerned(connection, b"none", [b"consent"])) == [2, 3]
    for ref in (1, 2, 3):
        assert store.concerned(connection, b"held", [b"consent"])
        row = {"ref": 10 + ref, "message": ref, "at": 1, "reason": "expired", "epoch": 1, "place": "due"}
        connection.execute(insert(erasure).values(row))
    assert not store.concerned(connection, b"held", [b"consent"])
