"""Scopes deny by default, states of trust decide, and a few types are never blocked."""

from __future__ import annotations

import pytest

from gateway.core.scope import NEVER_BLOCKED, Direction, PeerState, Scope, listens, may, never_blocked, permits
from gateway.errors import Code, RefusedError

SEND, RECEIVE = Direction.SEND, Direction.RECEIVE
SCOPE = Scope(types={"referral.request": frozenset({SEND}), "info.reply": frozenset({SEND, RECEIVE})})


@pytest.mark.parametrize(
    ("body_type", "direction", "expected"),
    [
        ("referral.request/1", SEND, True),
        ("referral.request/2", SEND, True),
        ("referral.request", SEND, True),
        ("referral.request/1", RECEIVE, False),
        ("info.reply/1", RECEIVE, True),
        ("info.request/1", SEND, False),
        ("referral/1", SEND, False),
        ("consent.withdrawal/1", RECEIVE, True),
    ],
)
def test_a_scope_permits_what_it_lists(body_type, direction, expected):
    """A type passes in a listed direction whatever its version, and in no other."""
    assert expected == permits(SCOPE, body_type, direction)


def test_an_empty_scope_refuses():
    """Nothing listed means nothing permitted, except what is never blocked."""
    assert not permits(Scope(types={}), "referral.request/1", SEND)
    assert permits(Scope(types={}), "consent.withdrawal/1", SEND)


def test_a_scope_survives_its_json():
    """Writing and reading gives an equal scope, with sorted members."""
    written = SCOPE.to_json()
    assert written == {"types": {"info.reply": ["receive", "send"], "referral.request": ["send"]}}
    assert Scope.from_json(written) == SCOPE


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "exactly the member types"),
        ({"types": {}, "roles": []}, "exactly the member types"),
        ({"types": ["referral.request"]}, "exactly the member types"),
        ({"types": {"referral.request/1": ["send"]}}, "without version"),
        ({"types": {"*": ["send"]}}, "without version"),
        ({"types": {"referral.request": []}}, "list of directions"),
        ({"types": {"referral.request": "send"}}, "list of directions"),
        ({"types": {"referral.request": ["send", "send"]}}, "each once"),
        ({"types": {"referral.request": ["both"]}}, "each once"),
        ({"types": {"referral.request": [1]}}, "each once"),
    ],
)
def test_a_half_understood_scope_is_refused(value, words):
    """Each fault of a stored scope is refused as invalid."""
    with pytest.raises(RefusedError, match=words) as caught:
        Scope.from_json(value)
    assert caught.value.code is Code.INVALID


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize(
    ("state", "ordinary", "protected"),
    [
        (PeerState.PROPOSED, False, False),
        (PeerState.VERIFIED, False, False),
        (PeerState.ACTIVE, True, True),
        (PeerState.SUSPENDED, False, True),
        (PeerState.SUSPENDED_FOR_CAUSE, False, False),
        (PeerState.REVOKED, False, False),
    ],
)
def test_what_each_state_lets_pass(state, ordinary, protected, direction):
    """B4 and B14.8: a person's suspension spares the never-blocked types, a suspension for cause nothing."""
    assert ordinary == may(state, direction, "referral.request/1")
    for name in NEVER_BLOCKED:
        assert protected == may(state, direction, f"{name}/1")


def test_who_is_answered_at_all():
    """Step 2 accepts active peers and those suspended by a person; all others get a bare 403."""
    assert {state for state in PeerState if listens(state)} == {PeerState.ACTIVE, PeerState.SUSPENDED}


def test_never_blocked_is_a_closed_list():
    """The patterns of B4 are spelled out; a look-alike gets nothing."""
    assert never_blocked("safety.alert.update/1")
    assert not never_blocked("safety.alerted/1")
    assert not never_blocked("consent.record/1")
    assert not never_blocked("")
