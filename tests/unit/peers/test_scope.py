"""Scopes deny by default, states of trust decide, and a few types are never blocked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.tables import table

from gateway.errors import Code, RefusedError
from gateway.peers.scope import (
    NOTHING,
    Agreed,
    Direction,
    PeerScope,
    PeerState,
    Scope,
    ScopeFacts,
    contains,
    hears_trust,
    intersect,
    listens,
    may,
    outside,
    permits,
)
from schemas.types import NEVER_BLOCKED, never_blocked

SEND, RECEIVE = Direction.SEND, Direction.RECEIVE
FR = Scope(
    types=frozenset({"referral.request", "info.reply"}),
    directions=frozenset({SEND}),
    corridors=frozenset({("FR", "AL")}),
    units=frozenset({"paris"}),
    roles=frozenset({"case_worker", "national_focal_point"}),
    purposes=frozenset({"referral"}),
    max_bytes=1_000,
    max_file_bytes=9_000,
)
AL = replace(FR, directions=frozenset({RECEIVE}), units=frozenset({"tirana"}), max_bytes=500, max_file_bytes=7_000)
HEADER = {
    "sender_unit": "paris",
    "sender_role": "case_worker",
    "recipient_unit": "tirana",
    "recipient_role": "national_focal_point",
}
FACTS = ScopeFacts(
    body_type="referral.request/1", direction=SEND, corridor=("FR", "AL"), purpose="referral", size=500, header=HEADER
)
WRITTEN = {
    "types": ["info.reply", "referral.request"],
    "directions": ["send"],
    "corridors": [["FR", "AL"]],
    "units": ["paris"],
    "roles": ["case_worker", "national_focal_point"],
    "purposes": ["referral"],
    "max_bytes": 1_000,
    "max_file_bytes": 9_000,
}


@table(
    ("change", "member"),
    [
        ({}, None),
        ({"body_type": "referral.request/2"}, None),
        ({"purpose": None}, None),
        ({"header": None, "size": None}, None),
        ({"body_type": "info.request/1"}, "types"),
        ({"body_type": "referral/1"}, "types"),
        ({"direction": RECEIVE}, "directions"),
        ({"corridor": ("AL", "FR")}, "corridors"),
        ({"purpose": "return"}, "purposes"),
        ({"size": 501}, "max_bytes"),
        ({"largest_file": 7_001}, "max_file_bytes"),
        ({"header": HEADER | {"sender_unit": "lyon"}}, "units"),
        ({"header": HEADER | {"recipient_unit": "paris"}}, "units"),
        ({"header": HEADER | {"recipient_unit": ["tirana"]}}, "units"),
        ({"header": {}}, "units"),
        ({"header": HEADER | {"sender_role": "adapter"}}, "roles"),
        ({"header": HEADER | {"recipient_role": None}}, "roles"),
    ],
)
def test_row_40_each_member_of_the_scope_keeps_out(change, member):
    """A message passes if every member lists it; what does not is named, and what is not known is not judged."""
    assert member == outside(intersect(FR, AL), replace(FACTS, **change))


def test_an_empty_scope_permits_nothing():
    """Nothing listed means nothing permitted, except what is never blocked."""
    assert not permits(NOTHING, FACTS)
    assert permits(NOTHING, replace(FACTS, body_type="consent.withdrawal/1"))


def test_both_sides_have_to_permit():
    """What is agreed is what both list, with the other side's directions mirrored and the units of each."""
    assert intersect(FR, AL) == Agreed(
        types=FR.types,
        directions=frozenset({SEND}),
        corridors=FR.corridors,
        units=FR.units,
        peer_units=AL.units,
        roles=FR.roles,
        purposes=FR.purposes,
        max_bytes=500,
        max_file_bytes=7_000,
    )
    assert intersect(FR, replace(AL, directions=frozenset({SEND}))).directions == frozenset()


def test_a_scope_survives_its_json():
    """Writing and reading gives an equal scope, with sorted members; a person may write them in any order."""
    assert FR.to_json() == WRITTEN
    assert Scope.from_json(WRITTEN) == Scope.from_json(WRITTEN | {"types": WRITTEN["types"][::-1]}) == FR


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (None, "exactly the members"),
        ({"more": []}, "exactly the members"),
        ({"types": "referral.request"}, "without version"),
        ({"types": ["referral.request/1"]}, "without version"),
        ({"types": ["*"]}, "without version"),
        ({"types": ["info.reply", "info.reply"]}, "each once"),
        ({"directions": ["both"]}, "send and receive"),
        ({"directions": [1]}, "send and receive"),
        ({"corridors": ["FR-AL"]}, "pairs of countries"),
        ({"corridors": [["FR"]]}, "pairs of countries"),
        ({"corridors": [["fr", "AL"]]}, "pairs of countries"),
        ({"corridors": [["FR", "AL"], ["FR", "AL"]]}, "each once"),
        ({"units": ["Paris"]}, "units"),
        ({"roles": ["*"]}, "roles"),
        ({"purposes": None}, "purposes"),
        ({"max_bytes": True}, "max_bytes"),
        ({"max_bytes": -1}, "max_bytes"),
        ({"max_file_bytes": "9"}, "max_file_bytes"),
    ],
)
def test_a_half_understood_scope_is_refused(change, words):
    """Each fault of a scope file is refused as invalid."""
    with pytest.raises(RefusedError, match=words) as caught:
        Scope.from_json(change if change is None else WRITTEN | change)
    assert caught.value.code is Code.INVALID


@pytest.mark.parametrize("member", ["types", "directions", "corridors", "units", "roles", "purposes"])
def test_narrower_is_narrower_in_every_member(member):
    """One more word anywhere, or one more byte, is wider."""
    assert contains(FR, FR)
    assert contains(FR, replace(FR, **{member: frozenset()}))
    assert not contains(replace(FR, **{member: frozenset()}), FR)
    assert not contains(FR, replace(FR, max_bytes=1_001))
    assert not contains(FR, replace(FR, max_file_bytes=9_001))


@table("direction", list(Direction))
@table(
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
    """nrm1 4.20: a person's suspension spares the never-blocked types, a suspension for cause nothing."""
    assert ordinary == may(state, direction, "referral.request/1")
    for name in NEVER_BLOCKED:
        assert protected == may(state, direction, f"{name}/1")


def test_who_is_answered_at_all():
    """Step 2 takes active peers and those suspended by a person; trust records also of those not active yet;
    all others get a bare 403.
    """
    assert {state for state in PeerState if listens(state)} == {PeerState.ACTIVE, PeerState.SUSPENDED}
    assert {state for state in PeerState if not hears_trust(state)} == {
        PeerState.SUSPENDED_FOR_CAUSE,
        PeerState.REVOKED,
    }


def test_a_standing_knows_its_corridor_in_both_directions():
    """From our country to theirs when we send, the other way round when we receive."""
    held = PeerScope(
        state=PeerState.ACTIVE,
        agreed=replace(intersect(FR, AL), directions=frozenset(Direction)),
        corridor=("FR", "AL"),
    )
    assert held.outside("referral.request/1", SEND) is None
    assert held.outside("referral.request/1", RECEIVE) == "corridors"
    assert (held.held, replace(held, state=PeerState.SUSPENDED).held) == (None, "our side has suspended it")


def test_never_blocked_is_a_closed_list():
    """The patterns of nrm1 4.20 are spelled out; a look-alike gets nothing."""
    assert never_blocked("safety.alert.update/1")
    assert not never_blocked("safety.alerted/1")
    assert not never_blocked("consent.record/1")
    assert not never_blocked("")


def test_what_is_agreed_waits_for_a_peer_of_before():
    """Messages are judged as for any other peer and wait, with the reason; a suspension is told first."""
    standing = PeerScope(state=PeerState.ACTIVE, agreed=intersect(FR, AL), corridor=("FR", "AL"), behind="not yet")
    assert standing.held == "not yet"
    assert standing.outside("info.reply/1", SEND) is None
    assert replace(standing, state=PeerState.SUSPENDED).held == "our side has suspended it"
    assert replace(standing, missing="not approved").held == "not approved"
