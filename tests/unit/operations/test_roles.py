"""Who may do what, and what of an answer is content."""

from __future__ import annotations

from support.tables import table

from gateway.node.rows import ROWS
from gateway.operations.registry import Units, may, visible
from gateway.operations.roles import CONTENT_MEMBERS, OWNER, Caller, Role

OPERATOR = Caller(roles=frozenset({Role.OPERATOR}))
WORKER = Caller(roles=frozenset({Role.CASE_WORKER}))
MESSAGE = {"id": "m", "state": "queued", "type": "referral.request/1", "header": {"a": 1}, "content": {"b": 2}}


@table("operation", ROWS)
def test_a_role_may_what_its_row_says(operation: str):
    """One role, one mark; the owner every row."""
    for role in Role:
        assert may(Caller(roles=frozenset({role})), ROWS[operation]) is (role in ROWS[operation].roles)
    assert may(OWNER, ROWS[operation])


def test_what_has_no_row_is_closed():
    """Also to the owner: a forgotten row is seen at once."""
    assert not may(OWNER, ROWS.get("message.burn"))


def test_without_a_role_nothing_is_open():
    """An empty set of roles is no everybody."""
    nobody = Caller(roles=frozenset())
    assert not any(may(nobody, row) for row in ROWS.values())


def test_a_bound_token_may_less():
    """Only what can be narrowed to a unit, or shows no message; its role has to allow it too."""
    bound = Caller(roles=frozenset(Role), unit="shelter")
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


def test_other_answers_are_left_as_they_are():
    """A schema has a type and is no message."""
    assert visible(OPERATOR, ROWS["schema.show"], {"type": "x"}) == {"type": "x"}
    assert "type" in CONTENT_MEMBERS
