"""gateway.trust.effects: where a peer stands after what people decided, and which record of it is signed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.ceremony import ADMINS
from support.keystores import fails
from support.nodes import NOW, Node, signed
from support.sign_as import sign_as
from support.trust_council import Council, activation, compared
from support.trust_homes import SCOPE, Home, first_of, say

from gateway.changes import store as rows
from gateway.changes.rules import DAY, DELAY, ROOTS_CHANGED, Action
from gateway.database import journal
from gateway.errors import Code
from gateway.foundation.chores import MINUTE
from gateway.foundation.ids import NodeId
from gateway.peers import store as peer_rows
from gateway.peers import trust_record_store
from gateway.peers.link_reset_state import ResetState
from gateway.peers.reset_rows import ResetRow
from gateway.peers.scope import PeerState
from gateway.peers.trust_record_store import OUT, TrustRow
from gateway.trust.effects import give_up, roots_changed
from gateway.trust.link_reset import store as resets
from keys.documents.approvals import read_approval
from keys.documents.descriptor import Descriptor, Revocation
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.key_records import Use
from keys.documents.link_reset import View
from keys.documents.succession import Change as Succession
from keys.documents.trust_record import TRUSTS, TrustRecord, TrustState, parse_trust
from keys.offline.roots import new_root
from keys.primitives.domains import TRUST_1
from keys.primitives.sign import SignedDocument

pytestmark = pytest.mark.usefixtures("plain_logs")

PEER, OTHER = first_of("b"), first_of("d")
ANA, BEN = ADMINS
LESS = SCOPE.to_json() | {"types": []}


@pytest.fixture
async def council() -> Council:
    """The administrators of a node that has met two peers and agreed on nothing."""
    home = await Home.open("a", PEER, OTHER)
    for of in (PEER, OTHER):
        await home.put(of, state=str(PeerState.PROPOSED), verified=None)
    return Council(home)


def chain(council: Council, of: Descriptor = PEER) -> list[TrustRow]:
    """What this node has signed about a peer."""
    return trust_record_store.records_of(council.connection, of.node, OUT)


def said(council: Council, of: Descriptor = PEER) -> list[TrustRecord]:
    """The same, as records."""
    return [parse_trust(SignedDocument.decode(row.document, *TRUSTS)) for row in chain(council, of)]


def put(council: Council, of: Descriptor = PEER, **values: Any) -> None:
    """A peer stands somewhere else now."""
    peer_rows.change(council.connection, of.node, **values)


# --- where a peer stands ----------------------------------------------------------------------------------------------

STOPPED, SUSPENDED = ("suspended_for_cause", "equivocation"), ("suspended", None)


@pytest.mark.parametrize(
    ("before", "action", "after"),
    [
        (("active", None), Action.PEER_SUSPEND, ("suspended", None)),
        (("active", None), Action.PEER_REVOKE, ("revoked", None)),
        (STOPPED, Action.PEER_REVOKE, ("revoked", None)),
        (STOPPED, Action.PEER_RENEW, STOPPED),
        (STOPPED, Action.PEER_NARROW, STOPPED),
        (STOPPED, Action.PEER_RESUME, ("active", None)),
        (("verified", ROOTS_CHANGED), Action.PEER_CONFIRM_ROOTS, ("active", None)),
        (("verified", ROOTS_CHANGED), Action.PEER_SUSPEND, ("suspended", ROOTS_CHANGED)),
        (("suspended", ROOTS_CHANGED), Action.PEER_RESUME, ("verified", ROOTS_CHANGED)),
        (("suspended", ROOTS_CHANGED), Action.PEER_CONFIRM_ROOTS, ("active", None)),
    ],
)
def test_what_a_decision_makes_of_a_peer(
    council: Council, before: tuple[str, str | None], action: Action, after: tuple[str, str | None]
) -> None:
    """A stop that no person made stays, but for the decision by which people end it."""
    council.activate(PEER)
    put(council, state=before[0], cause=before[1])
    bodies: dict[Action, dict[str, Any]] = {
        Action.PEER_RENEW: {"expires": NOW + 30 * DAY},
        Action.PEER_NARROW: {"scope": LESS},
        Action.PEER_CONFIRM_ROOTS: compared(PEER),
    }
    people = ADMINS if action in (Action.PEER_REVOKE, Action.PEER_RENEW, Action.PEER_RESUME) else ADMINS[:1]
    council.decide(action, PEER, people, **bodies.get(action, {}))
    assert council.position(PEER) == after
    told = council.home.entries("peer.state")[1:]
    assert len(told) == (before[0] != after[0])
    assert all(b'"state":"%s"' % after[0].encode() in entry and PEER.node.encode() in entry for entry in told)


def test_a_revoked_peer_stays_revoked(council: Council) -> None:
    """Whatever was completed of it; nothing more is signed about it."""
    council.activate(PEER)
    council.decide(Action.PEER_REVOKE, PEER)
    count = len(chain(council))
    council.effects.settle(council.connection, PEER.node, NOW + DAY, after=Action.PEER_RESUME)
    assert (council.position(PEER), len(chain(council))) == (("revoked", None), count)


def test_a_peer_that_is_being_activated_is_verified(council: Council) -> None:
    """As long as the activation is pending, and of this peer; a proposal of something else, or one that can not be
    read, verifies nobody.
    """
    council.propose(council.prepare(Action.PEER_ACTIVATE, PEER, **activation(PEER)))
    for of in (PEER, OTHER):
        put(council, of, state="proposed")
        council.effects.settle(council.connection, of.node, NOW)
    assert (council.position(PEER)[0], council.position(OTHER)[0]) == ("verified", "proposed")
    council.connection.exec_driver_sql("update change set payload = 'x' where state = 'pending'")
    council.effects.settle(council.connection, PEER.node, NOW)
    assert council.position(PEER)[0] == "proposed"
    council.connection.exec_driver_sql("delete from approval")
    council.connection.exec_driver_sql("delete from change where state = 'pending'")
    council.propose(council.prepare(Action.PEER_REVOKE, PEER))
    council.effects.settle(council.connection, PEER.node, NOW)
    assert council.position(PEER)[0] == "proposed"


def test_who_is_no_peer_has_no_descriptor(council: Council) -> None:
    """It is refused, and each peer has its own newest one."""
    with fails(Code.NOT_FOUND):
        council.effects.newest_descriptor(council.connection, NodeId("n1nobody"))
    for of in (PEER, OTHER):
        assert council.effects.newest_descriptor(council.connection, of.node) == of


async def test_a_link_is_begun_anew_with_the_last_approval(council: Council) -> None:
    """By two people, once the reset fits what is so; the peer stands where it stood."""
    council.activate(PEER)
    row = ResetRow(peer=PEER.node, state=str(ResetState.REQUIRED), at=NOW, backup=NOW - 9)
    resets.put(council.connection, row)
    body = {"view": View(epoch=1, high=0, hash=None).to_json(), "epoch": 2, "backup": NOW - 9}
    with fails(Code.CONFLICT, "another epoch"):
        council.propose(council.prepare(Action.LINK_RESET, PEER, **body | {"epoch": 3}))
    change = council.prepare(Action.LINK_RESET, PEER, **body)
    council.propose(change)
    assert resets.get(council.connection, PEER.node) == row
    council.home.clock.at += 4
    council.approve(change)
    found = resets.get(council.connection, PEER.node)
    assert found is not None
    assert (found.state, found.at, found.epoch, found.change) == (ResetState.ASKED, NOW + 4, 2, change.hash)
    assert (council.position(PEER), len(chain(council))) == (("active", None), 1)


# --- what is signed ---------------------------------------------------------------------------------------------------


def test_a_record_says_what_was_decided(council: Council) -> None:
    """About whom by which descriptor, what and for how long, by whose approvals, behind the one before."""
    first = council.activate(PEER)
    council.home.clock.at += 5
    second = council.decide(Action.PEER_SUSPEND, PEER, [BEN])
    council.decide(Action.PEER_RESUME, PEER)
    council.decide(Action.PEER_REVOKE, PEER)
    records = said(council)
    assert records[0] == say(
        council.home, PEER, approvals=records[0].approvals, prev=None, not_before=NOW, expires=NOW + 300 * DAY
    )
    states = [TrustState.ACTIVE, TrustState.SUSPENDED, TrustState.ACTIVE, TrustState.REVOKED]
    assert [one.state for one in records] == states
    assert [one.prev for one in records] == [None, *(one.hash for one in records[:-1])]
    for change, told in ((first, records[0]), (second, records[1])):
        approvals = [read_approval(row.document) for row in rows.approvals_of(council.connection, change.hash)]
        assert [(one.admin, one.credential, one.assertion) for one in told.approvals] == [
            (one.admin, one.kid, one.hash) for one in approvals
        ]
    assert [(row.seq, row.hash, row.direction, row.acked) for row in chain(council)] == [
        (place, one.hash, OUT, None) for place, one in enumerate(records, 1)
    ]
    for row in chain(council):
        SignedDocument.decode(row.document, *TRUSTS).verify(
            council.home.own.descriptor.signing_key(council.home.keys.sig_kid, at=NOW)
        )
    entry = council.home.entries("trust.issued")[1]
    for words in (records[1].hash, PEER.node, '"state":"suspended"', f'"at":{NOW + 5}'):
        assert words.encode() in entry


def test_nothing_is_said_of_who_was_never_trusted(council: Council) -> None:
    """A peer that two people revoke before anybody trusted it."""
    council.decide(Action.PEER_REVOKE, PEER)
    assert (council.position(PEER), chain(council)) == (("revoked", None), [])


def test_an_activation_that_waits_is_told_at_once(council: Council) -> None:
    """Its record is not in force before its time."""
    council.activate(PEER, emergency=False)
    (record,) = said(council)
    assert (record.state, record.not_before) == (TrustState.ACTIVE, NOW + DELAY)
    council.home.clock.at += 9
    council.effects.settle(council.connection, PEER.node, NOW + 9)
    assert len(chain(council)) == 1


@pytest.mark.parametrize(
    ("action", "body"),
    [(Action.PEER_NARROW, {"scope": LESS}), (Action.PEER_RENEW, {"expires": NOW + 30 * DAY})],
    ids=["scope", "expiry"],
)
def test_another_position_is_another_record(council: Council, action: Action, body: dict[str, Any]) -> None:
    """And the same position is not said twice."""
    council.activate(PEER)
    for _ in range(2):
        council.effects.settle(council.connection, PEER.node, NOW)
    assert len(chain(council)) == 1
    council.decide(action, PEER, ADMINS if action is Action.PEER_RENEW else [ANA], **body)
    assert len(said(council)) == 2
    assert said(council)[1].scope == body.get("scope", SCOPE.to_json())
    assert said(council)[1].expires == body.get("expires", NOW + 300 * DAY)


async def test_what_a_stolen_key_has_signed_is_said_again(council: Council) -> None:
    """About every peer that is not revoked, by the key of now; those who bring records are woken."""
    home = council.home
    council.activate(PEER)
    council.activate(OTHER)
    council.decide(Action.PEER_REVOKE, OTHER)
    await home.registry.refresh()
    await council.effects.say_again()
    assert (len(chain(council)), len(chain(council, OTHER))) == (1, 2)
    stolen = home.keys.sig_kid
    await home.publish(Succession(revoke=(Revocation(kid=stolen, at=NOW, since=NOW, reason="stolen"),)))
    home.keys.activate(home.own.chain, NOW)
    home.wakeups.trust.clear()
    await council.effects.say_again()
    before, after = said(council)
    assert after == replace(before, prev=before.hash)
    assert SignedDocument.decode(chain(council)[1].document, *TRUSTS).signature.kid == home.keys.sig_kid != stolen
    assert (len(chain(council, OTHER)), home.wakeups.trust.is_set()) == (2, True)
    assert home.peer(PEER).trust.mine == after
    await council.effects.say_again()
    assert len(chain(council)) == 2


async def test_without_a_key_nothing_is_said_again(council: Council) -> None:
    """Until there is one."""
    home = council.home
    council.activate(PEER)
    council.connection.exec_driver_sql("delete from trust_record")
    await home.registry.refresh()
    home.keys._signers.clear()  # as where the descriptor lists none
    await council.effects.say_again()
    await council.effects.leave_first_form()
    assert (chain(council), home.wakeups.trust.is_set()) == ([], False)


def in_first_form(council: Council, of: Descriptor, state: TrustState, acked: int | None) -> TrustRow:
    """What release 0.1.0 said of a peer, in the place of everything that was said."""
    old = replace(say(council.home, of, state), payload_type=TRUST_1)
    key = council.home.keys._signer(Use.SIG).key
    council.connection.exec_driver_sql("delete from trust_record where peer = ?", (of.node,))
    row = TrustRow(
        peer=of.node,
        direction=OUT,
        seq=1,
        hash=old.hash,
        document=sign_as(TRUST_1, old.encode(), key).encode(),
        acked=acked,
    )
    trust_record_store.add_record(council.connection, row)
    return row


@pytest.mark.parametrize(
    ("revoked", "acked", "anew"), [(False, NOW, True), (False, None, True), (True, None, True), (True, NOW, False)]
)
async def test_what_is_of_the_first_form_is_said_in_the_second(
    council: Council, revoked: bool, acked: int | None, anew: bool
) -> None:
    """It follows nothing; a revocation that the peer has taken is its last word."""
    council.activate(PEER)
    council.activate(OTHER)
    if revoked:
        council.decide(Action.PEER_REVOKE, PEER)
    state = TrustState.REVOKED if revoked else TrustState.ACTIVE
    old = in_first_form(council, PEER, state, acked)
    await council.home.registry.refresh()
    council.home.wakeups.trust.clear()
    await council.effects.leave_first_form()
    assert chain(council)[0] == old
    assert [(one.state, one.prev) for one in said(council)[1:]] == [(state, None)] * anew
    assert (len(chain(council, OTHER)), council.home.wakeups.trust.is_set()) == (1, anew)
    assert not anew or council.home.peer(PEER).trust.mine == said(council)[-1]


# --- in time ----------------------------------------------------------------------------------------------------------


def test_it_is_looked_at_each_minute(council: Council) -> None:
    """What waits, and what is a day old."""
    ((name, every, run),) = ((one.name, one.every, one.run) for one in council.effects.chores())
    assert (name, every, run) == ("trust", MINUTE, council.effects.keep)


async def test_what_waits_takes_effect_when_its_time_has_come(council: Council) -> None:
    """To the second; whoever sends to the peer, and who brings records, is woken."""
    home = council.home
    change = council.activate(PEER, emergency=False)
    for at, state in ((NOW + DELAY - 1, "verified"), (NOW + DELAY, "active")):
        home.clock.at = at
        home.wakeups.trust.clear()
        await council.effects.keep()
        assert council.position(PEER) == (state, None)
    assert council.state(change) == rows.DONE
    assert home.peer(PEER).state is PeerState.ACTIVE
    assert (home.wakeups.called, home.wakeups.trust.is_set()) == ({PEER.node, OTHER.node}, True)
    (entry,) = home.entries("change.effective")
    assert change.hash.encode() in entry and b'"at":%d' % home.clock.at in entry


async def test_a_proposal_is_over_after_a_day(council: Council) -> None:
    """To the second; who was verified by it alone is proposed again."""
    change = council.prepare(Action.PEER_ACTIVATE, PEER, **activation(PEER))
    council.propose(change)
    for at, state in ((NOW + DAY - 1, rows.PENDING), (NOW + DAY, rows.EXPIRED)):
        council.home.clock.at = at
        await council.effects.keep()
        assert council.state(change) == state
    assert council.position(PEER) == ("proposed", None)
    (entry,) = council.home.entries("change.expired")
    assert change.hash.encode() in entry and b'"at":%d' % (NOW + DAY) in entry


async def test_by_a_clock_that_is_in_doubt_no_delay_is_over(council: Council) -> None:
    """Peers sign another time; when they sign this one, it goes on."""
    change = council.activate(PEER, emergency=False)
    home = council.home
    home.clock.at = NOW + DELAY
    for off, state in ((3_600, rows.WAITING), (0, rows.DONE)):
        for of in (PEER, OTHER):
            home.times.note(of.node, home.clock.at + off)
        await council.effects.keep()
        assert council.state(change) == state


async def test_what_was_damaged_holds_up_no_other(council: Council) -> None:
    """Of two changes whose time has come, one can not be read any more."""
    damaged = council.activate(OTHER, emergency=False)
    change = council.activate(PEER, emergency=False)
    council.connection.exec_driver_sql("update change set payload = 'x' where hash = ?", (damaged.hash,))
    council.home.clock.at = NOW + DELAY
    with capture_logs() as said:
        await council.effects.keep()
    assert council.state(change) == rows.DONE
    assert said == [{"event": "change.damaged", "code": "malformed", "log_level": "error"}]


async def test_what_was_decided_meanwhile_is_left_alone(council: Council) -> None:
    """Between the look and the move somebody else was faster."""
    change = council.prepare(Action.PEER_ACTIVATE, PEER, **activation(PEER))
    council.propose(change)
    row = rows.find_change(council.connection, change.hash)
    assert row is not None
    rows.set_state(council.connection, change.hash, rows.WITHDRAWN)
    council.effects._keep(council.connection, row=row, now=NOW + DAY)
    assert (council.state(change), council.home.entries("change.expired")) == (rows.WITHDRAWN, [])


@pytest.mark.parametrize(
    ("action", "position", "left"),
    [
        (Action.PEER_ACTIVATE, ("verified", None), ("proposed", None)),
        (Action.PEER_ACTIVATE, ("verified", ROOTS_CHANGED), ("verified", ROOTS_CHANGED)),
        (Action.PEER_ACTIVATE, ("active", None), ("active", None)),
        (Action.PEER_REVOKE, ("verified", None), ("verified", None)),
        (None, ("verified", None), ("proposed", None)),
    ],
)
def test_what_becomes_of_a_peer_whose_proposal_is_over(
    council: Council, action: Action | None, position: tuple[str, str | None], left: tuple[str, str | None]
) -> None:
    """Who was verified by it alone is proposed again, also where nobody can read any more what it was."""
    body = activation(PEER) if action is not Action.PEER_REVOKE else {}
    change = council.prepare(action or Action.PEER_ACTIVATE, PEER, **body)
    council.propose(change)
    if action is None:
        council.connection.exec_driver_sql("update change set payload = 'x' where hash = ?", (change.hash,))
    put(council, state=position[0], cause=position[1], verified=NOW)
    row = rows.find_change(council.connection, change.hash)
    assert row is not None
    give_up(council.connection, row, rows.WITHDRAWN)
    assert (council.state(change), council.position(PEER)) == (rows.WITHDRAWN, left)
    verified = council.connection.exec_driver_sql("select verified from peer where node = ?", (PEER.node,)).scalar()
    assert verified == (None if left != position else NOW)


# --- other roots ------------------------------------------------------------------------------------------------------

THIRD = Node("third")
MADE = [new_root(now=NOW - DAY, rand=THIRD.rand) for _ in range(2)]
NEW = [root.record for root in MADE]
OLD = [root.record for root in THIRD.roots]


def followed(**changes: Any) -> list[Descriptor]:
    """The first descriptor of a node of two of three roots, and the next one."""
    first = THIRD.first()
    signers = [*THIRD.roots, *(root for root in MADE if root.record in changes.get("roots", ()))]
    document = signed(THIRD.next(first, **changes), signers)
    return [first, accept_descriptor(first, document, NOW)]


@pytest.mark.parametrize(
    ("changes", "state", "after"),
    [
        ({}, "active", ("active", None)),
        ({"roots": [*OLD[:2], NEW[0]]}, "active", ("active", None)),
        ({"roots": [*OLD, NEW[0]]}, "active", ("active", None)),
        ({"roots": [OLD[0], *NEW]}, "active", ("verified", ROOTS_CHANGED)),
        ({"roots": [*OLD, *NEW]}, "active", ("verified", ROOTS_CHANGED)),
        ({"threshold": 3}, "active", ("verified", ROOTS_CHANGED)),
        ({"threshold": 3}, "suspended", ("suspended", ROOTS_CHANGED)),
        ({"threshold": 3}, "suspended_for_cause", ("suspended_for_cause", None)),
        ({"threshold": 3}, "proposed", ("proposed", None)),
    ],
    ids=[
        "the same",
        "one replaced",
        "one more",
        "two replaced",
        "two more",
        "threshold",
        "of a suspended peer",
        "of a stopped peer",
        "of nobody trusted",
    ],
)
async def test_who_changed_its_roots_falls_back(
    changes: dict[str, Any], state: str, after: tuple[str, str | None]
) -> None:
    """Two roots or the threshold, since people here compared its digits last; they are told."""
    first, newest = followed(**changes)
    council = Council(await Home.open("a", first))
    put(council, first, state="proposed", verified=None)
    council.activate(first)
    put(council, first, state=state)
    roots_changed(council.connection, [first, newest], at=NOW + 7)
    assert council.position(first) == after
    told = council.home.entries("peer.roots_changed")
    fell = after[1] is not None
    assert (len(told), council.home.alarms()) == (fell, ["peer.roots_changed"] * fell)
    assert all(word in told[0] for word in (b'"version":2', first.node.encode(), b'"at":%d' % (NOW + 7)) if fell)
    assert [(one.peer, one.at) for one in journal.open_alarms(council.connection)] == [(first.node, NOW + 7)] * fell


async def test_roots_are_compared_with_those_that_people_have_seen_last() -> None:
    """Not with the descriptor before; and who has compared nothing has nothing to be told of."""
    first, newest = followed(threshold=3)
    council = Council(await Home.open("a", first))
    roots_changed(council.connection, [first, newest], at=NOW)
    assert council.position(first) == ("active", None)
    put(council, first, state="proposed", verified=None)
    council.activate(first)
    peer_rows.extend_chain(council.connection, first.node, 2, (newest.document.encode(),))
    put(council, first, state="verified", cause=ROOTS_CHANGED)
    council.decide(Action.PEER_CONFIRM_ROOTS, newest, [ANA], **compared(newest))
    assert council.position(first) == ("active", None)
    roots_changed(council.connection, [first, newest], at=NOW)
    assert council.position(first) == ("active", None)
