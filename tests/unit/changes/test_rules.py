"""How many people a change takes, when it takes effect, and what a peer's completed changes add up to."""

from __future__ import annotations

import pytest
from support.endpoints import EVERYTHING

from gateway.changes.rules import (
    DELAY,
    ROOTS_CHANGED,
    RULES,
    Action,
    Completed,
    Given,
    PeerTrust,
    check_another,
    check_fits,
    effective_at,
    in_force,
    peer_trust,
    rule_of,
    waits,
)
from gateway.errors import Code, RefusedError
from gateway.peers.scope import PeerState, Scope
from keys.documents.change import BODIES

ANA, BEN = Given(admin="ana", kid="1", at=100, emergency=False), Given(admin="ben", kid="2", at=200, emergency=False)
WIDE = Scope(
    types=EVERYTHING.types,
    directions=EVERYTHING.directions,
    corridors=EVERYTHING.corridors,
    units=EVERYTHING.units,
    roles=EVERYTHING.roles,
    purposes=EVERYTHING.purposes,
    max_bytes=1_000,
    max_file_bytes=0,
)
NARROW = Scope(
    types=frozenset(),
    directions=WIDE.directions,
    corridors=WIDE.corridors,
    units=WIDE.units,
    roles=WIDE.roles,
    purposes=WIDE.purposes,
    max_bytes=10,
    max_file_bytes=0,
)


def done(action: Action, effective: int, **body) -> Completed:
    """One completed change."""
    return Completed(hash=f"{action}@{effective}", action=action, body=body, effective=effective)


def activated(effective: int = 10) -> Completed:
    """The peer is trusted from `effective` on."""
    return done(Action.PEER_ACTIVATE, effective, scope=WIDE.to_json(), expires=1_000)


# --- the table -------------------------------------------------------------------------------------------------------


def test_every_action_has_a_rule_and_a_shape():
    """The table of rules and the shapes of bodies name the same actions."""
    assert set(RULES) == set(Action)
    assert {str(action) for action in Action} == set(BODIES)


def test_what_takes_one_person_and_what_takes_two():
    """nrm1 8.10: who may only do less acts alone and at once; all that opens takes two, and what widens waits."""
    alone = {
        Action.PEER_NARROW,
        Action.PEER_SUSPEND,
        Action.PEER_CONFIRM_ROOTS,
        Action.LINK_ACCEPT_RESET,
        Action.POLICY_NARROW,
        Action.PERSON_ENROL,
        Action.PERSON_CHANGE,
        Action.PERSON_INVITE,
        Action.PERSON_VOUCH,
    }
    begun, delayed = (
        {Action.ADMINS_BEGIN, Action.POLICY_BEGIN},
        {
            Action.PEER_ACTIVATE,
            Action.PEER_WIDEN,
            Action.POLICY_WIDEN,
        },
    )
    assert {action for action, rule in RULES.items() if rule.people == 1} == alone
    assert {action for action, rule in RULES.items() if rule.people == 0} == begun
    assert {action for action, rule in RULES.items() if rule.delayed} == delayed


def test_an_unknown_action_is_refused():
    """What is not in the table can not be changed."""
    with pytest.raises(RefusedError) as caught:
        rule_of("peer.trust_completely")
    assert caught.value.code is Code.INVALID


# --- approvals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "second",
    [ANA, Given(admin="ana", kid="9", at=1, emergency=True), Given(admin="x", kid="1", at=1, emergency=True)],
    ids=["the same", "the same pseudonym", "the same key"],
)
def test_rows_36_and_37_the_same_person_twice(second):
    """One pseudonym or one key is one person, whatever else differs."""
    check_another([ANA], BEN)
    with pytest.raises(RefusedError, match="the same person") as caught:
        check_another([ANA], second)
    assert caught.value.code is Code.CONFLICT


def emergency(given: Given) -> Given:
    """The same person in a hurry."""
    return Given(admin=given.admin, kid=given.kid, at=given.at, emergency=True)


@pytest.mark.parametrize(
    ("action", "given", "effective"),
    [
        ("peer.activate", [ANA], None),
        ("peer.activate", [ANA, BEN], 200 + DELAY),
        ("peer.activate", [emergency(ANA), BEN], 200 + DELAY),
        ("peer.activate", [emergency(ANA), emergency(BEN)], 200),
        ("peer.widen", [ANA, BEN], 200 + DELAY),
        ("peer.renew", [ANA, BEN], 200),
        ("peer.resume", [ANA], None),
        ("peer.resume", [BEN, ANA], 200),
        ("peer.suspend", [ANA], 100),
        ("admins.begin", [], 7),
    ],
)
def test_when_a_change_takes_effect(action, given, effective):
    """With the last approval needed; a day later where it widens, unless all say that it is an emergency."""
    assert effective == effective_at(action, given, 7)


def test_only_what_has_a_delay_waits():
    """A widening waits until its second has come; a stop by somebody whose clock is ahead is at once."""
    assert waits("peer.activate", 101, 100)
    assert not waits("peer.activate", 100, 100)
    assert not waits("peer.suspend", 101, 100)


def test_the_last_change_whose_time_has_come_is_in_force():
    """One that waits is not; one that was completed later wins over it also when its own time comes."""
    begun, wide, narrow = (
        done(Action.POLICY_BEGIN, 10),
        done(Action.POLICY_WIDEN, 500),
        done(Action.POLICY_NARROW, 20),
    )
    assert in_force([], 50) is None
    assert in_force([begun, wide], 499) == begun
    assert in_force([begun, wide], 500) == wide
    assert in_force([begun, wide, narrow], 600) == narrow


# --- the fold --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "now", "state", "scope"),
    [
        ([], 50, PeerState.PROPOSED, None),
        ([activated(100)], 50, PeerState.VERIFIED, None),
        ([activated()], 50, PeerState.ACTIVE, WIDE),
        ([activated(100), done(Action.PEER_SUSPEND, 20)], 50, PeerState.SUSPENDED, None),
        ([activated(100), done(Action.PEER_SUSPEND, 20)], 150, PeerState.SUSPENDED, WIDE),
        ([activated(100), done(Action.PEER_SUSPEND, 20), done(Action.PEER_RESUME, 30)], 50, PeerState.VERIFIED, None),
        ([activated(), done(Action.PEER_SUSPEND, 20), done(Action.PEER_RESUME, 30)], 50, PeerState.ACTIVE, WIDE),
        ([activated(), done(Action.PEER_NARROW, 20, scope=NARROW.to_json())], 50, PeerState.ACTIVE, NARROW),
        ([activated(), done(Action.PEER_WIDEN, 60, scope=NARROW.to_json())], 50, PeerState.ACTIVE, WIDE),
        ([activated(), done(Action.PEER_REVOKE, 20)], 50, PeerState.REVOKED, WIDE),
        ([activated(), done(Action.PEER_REVOKE, 20), done(Action.PEER_RESUME, 30)], 50, PeerState.REVOKED, WIDE),
    ],
)
def test_what_the_changes_add_up_to(changes, now, state, scope):
    """Effects count from their time on, in the order in which they were completed."""
    found = peer_trust(changes, now)
    assert (found.state, found.scope) == (state, scope)


def test_a_narrowing_wins_over_a_widening_that_waits():
    """Who narrows while a widening waits for its day is not overruled when the day is over."""
    changes = [
        activated(),
        done(Action.PEER_WIDEN, 500, scope=WIDE.to_json()),
        done(Action.PEER_NARROW, 20, scope=NARROW.to_json()),
    ]
    assert peer_trust(changes, 600).scope == NARROW


def test_a_renewal_moves_the_end():
    """A renewed peer stands from then on, for the new time, with the same scope."""
    found = peer_trust([activated(), done(Action.PEER_RENEW, 900, expires=5_000)], 950)
    assert (found.not_before, found.expires, found.scope) == (900, 5_000, WIDE)


def test_an_activation_and_the_end_of_a_stop_say_all_of_a_position():
    """From when, until when, what is permitted, whether people stopped it, and the change it rests on."""
    resumed = [activated(), done(Action.PEER_SUSPEND, 20), done(Action.PEER_RESUME, 30)]
    known = {"state": PeerState.ACTIVE, "scope": WIDE, "not_before": 10, "expires": 1_000}
    assert peer_trust([activated()], 50) == PeerTrust(**known, latest="peer.activate@10")
    found = peer_trust(resumed, 50)
    assert found == PeerTrust(**known, latest="peer.resume@30")
    assert found.stopped is False


def test_a_change_of_something_else_is_not_what_a_position_rests_on():
    """Confirmed roots and a link that begins anew leave the position as it was agreed."""
    changes = [activated(), done(Action.PEER_CONFIRM_ROOTS, 20), done(Action.LINK_RESET, 30)]
    assert peer_trust(changes, 50) == peer_trust([activated()], 50)


@pytest.mark.parametrize("expires", [True, "1000", None], ids=["boolean", "text", "none"])
def test_an_end_that_is_no_number_is_our_bug(expires):
    """The shape of a body was checked before it was signed."""
    with pytest.raises(RuntimeError, match="has its shape"):
        peer_trust([done(Action.PEER_RENEW, 10, expires=expires)], 50)


@pytest.mark.parametrize(
    ("action", "fitting"),
    [
        (Action.PEER_ACTIVATE, {PeerState.PROPOSED, PeerState.VERIFIED}),
        (Action.PEER_RENEW, {PeerState.ACTIVE, PeerState.SUSPENDED, PeerState.SUSPENDED_FOR_CAUSE}),
        (Action.PEER_WIDEN, {PeerState.ACTIVE, PeerState.SUSPENDED, PeerState.SUSPENDED_FOR_CAUSE}),
        (Action.PEER_SUSPEND, {PeerState.ACTIVE, PeerState.VERIFIED}),
        (Action.PEER_RESUME, {PeerState.SUSPENDED, PeerState.SUSPENDED_FOR_CAUSE}),
        (Action.PEER_REVOKE, set(PeerState) - {PeerState.REVOKED}),
        (Action.PEER_CONFIRM_ROOTS, set()),
    ],
)
def test_where_a_change_fits(action, fitting):
    """Every other state refuses, and changes nothing."""
    for state in PeerState:
        trust = PeerTrust() if action is Action.PEER_ACTIVATE else peer_trust([activated()], 50)
        try:
            check_fits(action, {"scope": WIDE.to_json()}, state, None, trust)
        except RefusedError as error:
            assert (error.code, state in fitting) == (Code.CONFLICT, False)
        else:
            assert state in fitting


def test_changed_roots_are_confirmed_and_nothing_else_is():
    """Only a peer that fell back because of its roots can be confirmed, and it is not activated a second time."""
    check_fits(Action.PEER_CONFIRM_ROOTS, {}, PeerState.VERIFIED, ROOTS_CHANGED, peer_trust([activated()], 50))
    with pytest.raises(RefusedError):
        check_fits(Action.PEER_ACTIVATE, {}, PeerState.VERIFIED, ROOTS_CHANGED, peer_trust([activated()], 50))


def test_one_person_can_not_widen_by_calling_it_narrower():
    """A narrowing that permits one thing more is refused."""
    trust = peer_trust([activated(), done(Action.PEER_NARROW, 20, scope=NARROW.to_json())], 50)
    with pytest.raises(RefusedError, match="not narrower") as caught:
        check_fits(Action.PEER_NARROW, {"scope": WIDE.to_json()}, PeerState.ACTIVE, None, trust)
    assert caught.value.code is Code.INVALID
