"""Who may do what, and what of an answer is content."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.tables import table

from gateway.api.routes import ROUTES
from gateway.errors import Code, RefusedError
from gateway.node.rows import ROWS
from gateway.operations.registry import Units, check_person, may, visible
from gateway.operations.roles import CASES, CONTENT_MEMBERS, OWNER, Caller, Role

ATTESTED = (
    *("message.submit", "message.submit_many", "message.open", "message.cancel"),
    *("asylum.hold", "case.open", "consent.record", "consent.withdraw", "consent.withdraw_all"),
)
BY_PERSON = (
    *("draft.release", "draft.discard", "message.erase", "conversation.erase", "erasure.follow", "erasure.refuse"),
    *("retention.hold", "retention.release", "alert.acknowledge", "asylum.lift", "asylum.apart", "review.settle"),
    *("case.label", "case.hand_over", "case.relate", "case.join", "case.merge", "case.split", "case.move"),
    *("case.confirm", "case.undo", "case.note_status", "case.note_role", "case.block", "case.unblock"),
    "case.copy",
    *(
        "case.assign",
        "case.flag",
        "case.unflag",
        "case.hold",
        "case.release",
        "case.erase",
        "consent.confirm",
        "content.ask",
        "alert.review",
    ),
    *("statistics.make", "directory.publish"),
)
OPERATOR = Caller(roles=frozenset({Role.OPERATOR}))
WORKER = Caller(roles=frozenset({Role.CASE_WORKER}))
MESSAGE = {"id": "m", "state": "queued", "type": "referral.request/1", "header": {"a": 1}, "content": {"b": 2}}


@table("operation", ROWS)
def test_a_role_may_what_its_row_says(operation: str):
    """One role, one mark; the owner every row but the acts of a person, and those as the person they are."""
    row = ROWS[operation]
    for role in Role:
        allowed = role in row.roles
        assert may(Caller(roles=frozenset({role}), person="eva"), row) is allowed
        assert may(Caller(roles=frozenset({role}), token="t1"), row) is (
            allowed and (row.attested or not row.by_person)
        )
        shell = Caller(roles=frozenset({role}), person="eva", token="t2", owner=True)
        assert may(shell, row) is (allowed or not row.by_person)
    assert may(OWNER, row) is not row.by_person


def test_what_only_a_person_does():
    """Whatever releases, consents, answers, cancels, erases, holds, lifts, changes a case or publishes."""
    assert {name for name, row in ROWS.items() if row.by_person} == {*BY_PERSON, *ATTESTED}
    assert {name for name, row in ROWS.items() if row.attested} == {*ATTESTED}


@table("caller", [OWNER, Caller(roles=CASES, token="t1"), Caller(roles=frozenset({Role.ADAPTER}), token="t2")])
def test_who_is_no_person_is_told_the_way(caller: Caller):
    """Before the arguments are read, with the code of a right that is missing."""
    with pytest.raises(RefusedError) as refused:
        check_person(caller, ROWS["draft.release"])
    assert (refused.value.code, refused.value.what) == (
        Code.FORBIDDEN,
        "draft.release is the act of a person; nothing was changed",
    )
    assert "trm login" in (refused.value.hint or "")


def test_the_owner_acts_by_the_roles_of_the_person():
    """An auditor at the shell of the owner releases nothing, and one of another unit nothing that is closed to it."""
    for roles, unit in ((frozenset({Role.AUDITOR}), None), (frozenset({Role.FOCAL_POINT}), "shelter")):
        person = Caller(roles=roles, owner=True, person="eva", unit=unit)
        with pytest.raises(RefusedError, match="your role may not"):
            check_person(person, ROWS["retention.hold"])


def test_what_has_no_row_is_closed():
    """Also to the owner: a forgotten row is seen at once."""
    assert not may(OWNER, ROWS.get("message.burn"))


def test_without_a_role_nothing_is_open():
    """An empty set of roles is no everybody."""
    nobody = Caller(roles=frozenset())
    assert not any(may(nobody, row) for row in ROWS.values())


def test_a_bound_token_may_less():
    """Only what can be narrowed to a unit, or shows no message; its role has to allow it too."""
    bound = Caller(roles=frozenset(Role), unit="shelter", person="eva")
    assert {name for name, row in ROWS.items() if may(bound, row)} == {
        name for name, row in ROWS.items() if row.roles and row.units is not Units.CLOSED
    }
    assert not may(Caller(roles=frozenset({Role.AUDITOR}), unit="shelter"), ROWS["message.list"])


def test_content_is_taken_out_at_every_depth():
    """In one message and in lists of them, and from nobody who may read it."""
    bare = {"id": "m", "state": "queued"}
    assert visible(OPERATOR, ROWS["message.show"], MESSAGE) == bare
    assert visible(OPERATOR, ROWS["message.list"], {"messages": [MESSAGE], "next": None}) == {
        "messages": [bare],
        "next": None,
    }
    assert visible(WORKER, ROWS["message.show"], MESSAGE) == visible(OWNER, ROWS["message.show"], MESSAGE) == MESSAGE


def test_what_a_row_shows_is_left_whole():
    """Also what is content elsewhere, at any depth of it, and nothing beside it."""
    row = replace(ROWS["message.show"], shows=frozenset({"record"}))
    record = {"grants": [{"purpose": "referral"}], "type": "x"}
    assert visible(OPERATOR, row, MESSAGE | {"record": record}) == {"id": "m", "state": "queued", "record": record}


@table("name", ["consent.show", "case.grounds", "content.ask", "audit.case"])
def test_only_these_rows_show_content_to_who_does_not_read_it(name: str):
    """All other rows leave out what is content."""
    assert ROWS[name].shows
    assert sum(bool(row.shows) for row in ROWS.values()) == 4


def test_a_data_protection_officer_changes_nothing():
    """What it may do reads or searches, but for the one operation that keeps a reason, and ending its own login."""
    may_do = {name for name, row in ROWS.items() if Role.DATA_PROTECTION_OFFICER in row.roles}
    writes = {route.operation for route in ROUTES if route.method != "GET" and not route.path.endswith("/search")}
    assert may_do & writes == {"content.ask", "login.end"}
    assert {"audit.export", "audit.reads", "case.grounds", "consent.show", "erasure.list"} <= may_do
    content = {"message.show", "conversation.show", "draft.show", "attachment.read", "event.stream"}
    content |= {"evidence.export", "evidence.fields"}
    assert may_do & content == set()


def test_other_answers_are_left_as_they_are():
    """A schema has a type and is no message."""
    assert visible(OPERATOR, ROWS["schema.show"], {"type": "x"}) == {"type": "x"}
    assert "type" in CONTENT_MEMBERS
