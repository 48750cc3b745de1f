"""Who may do what, and what of an answer is content."""

from __future__ import annotations

from support.tables import table

from gateway.operations.roles import (
    CONTENT_MEMBERS,
    MATRIX,
    NARROWED,
    OWNER,
    UNIT_FREE,
    Caller,
    Role,
    allowed,
    may,
    visible,
)

OPERATOR = Caller(roles=frozenset({Role.OPERATOR}))
WORKER = Caller(roles=frozenset({Role.CASE_WORKER}))
MESSAGE = {"id": "m", "state": "queued", "type": "referral.request/1", "header": {"a": 1}, "content": {"b": 2}}


@table("operation", MATRIX)
def test_a_role_may_what_its_row_says(operation: str):
    """One role, one mark; the owner every row."""
    for role in Role:
        assert may(Caller(roles=frozenset({role})), operation) is (role in MATRIX[operation])
    assert may(OWNER, operation)


def test_what_has_no_row_is_closed():
    """Also to the owner: a forgotten row is seen at once."""
    assert not may(OWNER, "message.burn")
    assert allowed("message.burn") == ()


def test_without_a_role_nothing_is_open():
    """An empty set of roles is no everybody."""
    nobody = Caller(roles=frozenset())
    assert not any(may(nobody, operation) for operation in MATRIX)


def test_a_bound_token_may_less():
    """Only what can be narrowed to a unit, or shows no message; its role has to allow it too."""
    bound = Caller(roles=frozenset(Role), unit="shelter")
    assert {operation for operation in MATRIX if may(bound, operation)} == {
        operation for operation in NARROWED | UNIT_FREE if MATRIX[operation]
    }
    assert not may(Caller(roles=frozenset({Role.AUDITOR}), unit="shelter"), "message.list")


def test_content_is_taken_out_at_every_depth():
    """In one message and in lists of them, and from nobody who may read it."""
    bare = {"id": "m", "state": "queued"}
    assert visible(OPERATOR, "message.show", MESSAGE) == bare
    assert visible(OPERATOR, "message.list", {"messages": [MESSAGE], "next": None}) == {
        "messages": [bare],
        "next": None,
    }
    assert visible(WORKER, "message.show", MESSAGE) == visible(OWNER, "message.show", MESSAGE) == MESSAGE


def test_other_answers_are_left_as_they_are():
    """A schema has a type and is no message."""
    assert visible(OPERATOR, "schema.show", {"type": "x"}) == {"type": "x"}
    assert "type" in CONTENT_MEMBERS
