"""gateway.trust.changes: what may be proposed when, whose word counts, and when a change is complete."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.authenticator import Authenticator
from support.ceremony import ADMINS
from support.keystores import fails
from support.nodes import NOW
from support.passkey_cards import card_of, signed
from support.policies import open_on, policy
from support.trust_council import Council, activation, compared
from support.trust_homes import SCOPE, Home, first_of

from gateway.access import people_store as people
from gateway.access.people_store import PasskeyRow, PersonRow
from gateway.changes import administrators
from gateway.changes import store as rows
from gateway.changes.rules import ADMINS as OF_ADMINS
from gateway.changes.rules import DAY, DELAY, NODE, Action
from gateway.database import meta
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import NodeId
from gateway.peers.confirmed_time import BELIEVED
from gateway.peers.scope import PeerState
from gateway.policy import in_force
from gateway.trust.changes import Shown, given, head
from keys.documents.approvals import PasskeyApproval, read_approval
from keys.documents.change import Change
from keys.offline.administrator_key import Admin, new_admin
from keys.primitives.encoding import b64u
from schemas.region_pack.policies import CorridorPolicy, canonical_bytes, read_policy

PEER, OTHER = first_of("b"), first_of("d")
ANA, BEN = ADMINS
SKEW = 300


@pytest.fixture
async def council() -> Council:
    """The administrators of a node that has met two peers and agreed on nothing."""
    home = await Home.open("a", PEER, OTHER)
    for of in (PEER, OTHER):
        await home.put(of, state=str(PeerState.PROPOSED), verified=None)
    return Council(home)


def entries(council: Council, event: str) -> list[bytes]:
    """The entries of the log about changes of this kind."""
    return council.home.entries(f"change.{event}")


# --- asking and approving ---------------------------------------------------------------------------------------------


def test_a_change_of_two_people(council: Council) -> None:
    """The first leaves it pending and the peer verified, the second completes it; the log names both by pseudonym."""
    change = council.prepare(Action.PEER_ACTIVATE, PEER, **activation(PEER))
    assert (change.node, change.subject, change.prev, change.at) == (council.home.node, PEER.node, None, NOW)
    council.propose(change, ANA, emergency=True)
    assert (council.state(change), council.position(PEER)) == (rows.PENDING, ("verified", None))
    assert head(council.connection, PEER.node) is None
    verified = council.connection.exec_driver_sql("select node, verified from peer order by node").all()
    assert {tuple(row) for row in verified} == {(PEER.node, NOW), (OTHER.node, None)}
    council.home.clock.at += 60
    council.approve(change, BEN, emergency=True)
    assert (council.state(change), council.position(PEER)) == (rows.DONE, ("active", None))
    assert head(council.connection, PEER.node) == change.hash
    (row,) = rows.changes_of(council.connection, PEER.node)
    assert (row.seq, row.at, row.effective, row.payload) == (1, NOW, NOW + 60, change.encode())
    actors = [council.home.keys.actor(admin.card.pseudonym.encode()).hex().encode() for admin in ADMINS]
    for event, words in (
        ("proposed", [change.hash.encode(), b'"action":"peer.activate"', PEER.node.encode(), b'"at":%d' % NOW]),
        ("approved", [change.hash.encode(), actors[1]]),
        (
            "completed",
            [change.hash.encode(), b'"effective":%d' % (NOW + 60), b'"at":%d' % (NOW + 60), PEER.node.encode()],
        ),
    ):
        assert all(word in entries(council, event)[-1] for word in words), event
    assert actors[0] in entries(council, "approved")[0]
    assert all(word in council.home.entries("peer.verified")[0] for word in (b'"video"', PEER.node.encode(), actors[0]))


def test_the_approvals_of_a_change(council: Council) -> None:
    """Who, by which key, when, and whether in an emergency; the log names each by its hash."""
    change = council.prepare(Action.PEER_ACTIVATE, PEER, **activation(PEER))
    council.propose(change, ANA, emergency=True, late=5)
    council.approve(change, BEN)
    found = given(council.connection, change.hash)
    assert [(one.admin, one.kid, one.at, one.emergency) for one in found] == [
        (BEN.card.pseudonym, BEN.card.kid, NOW, False),
        (ANA.card.pseudonym, ANA.card.kid, NOW + 5, True),
    ]
    kept = rows.approvals_of(council.connection, change.hash)
    for row, entry in zip(kept, reversed(entries(council, "approved")), strict=True):
        assert read_approval(row.document).hash.encode() in entry


@pytest.mark.parametrize(("emergencies", "waits"), [((True, True), 0), ((True, False), DELAY), ((False, True), DELAY)])
def test_what_widens_trust_waits(council: Council, emergencies: tuple[bool, bool], waits: int) -> None:
    """A day from the last approval on, unless both say that it is an emergency."""
    change = council.prepare(Action.PEER_ACTIVATE, PEER, **activation(PEER))
    council.propose(change, emergency=emergencies[0])
    council.approve(change, emergency=emergencies[1])
    row = rows.changes_of(council.connection, PEER.node)[0]
    assert (row.state, row.effective) == (rows.WAITING if waits else rows.DONE, NOW + waits)
    assert council.position(PEER)[0] == ("verified" if waits else "active")


def test_each_completed_change_follows_the_one_before(council: Council) -> None:
    """Of its subject; those of another peer are a chain of their own."""
    first = council.activate(PEER)
    council.activate(OTHER)
    second = council.decide(Action.PEER_SUSPEND, PEER, [BEN])
    assert second.prev == first.hash
    assert [(row.seq, row.hash) for row in rows.changes_of(council.connection, PEER.node)] == [
        (1, first.hash),
        (2, second.hash),
    ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"node": PEER.node}, Code.WRONG_NODE),
        ({"at": NOW - SKEW - 1}, Code.STALE),
        ({"at": NOW + SKEW + 1}, Code.STALE),
        ({"prev": "A" * 43}, Code.CONFLICT),
        ({"action": "peer.trust_all"}, Code.INVALID),
        ({"subject": first_of("a").node}, Code.NOT_FOUND),
        ({"action": "peer.resume", "body": {}}, Code.CONFLICT),
    ],
    ids=["another node", "long ago", "far ahead", "overtaken", "no action", "no peer", "nothing to resume"],
)
def test_a_change_that_is_not_kept(council: Council, changes: dict[str, Any], code: Code) -> None:
    """Nothing of it is stored, and nothing is said of it."""
    change = replace(council.prepare(Action.PEER_ACTIVATE, PEER, **activation(PEER)), **changes)
    with fails(code):
        council.propose(change)
    assert rows.find_change(council.connection, change.hash) is None
    assert entries(council, "proposed") == entries(council, "approved") == []


@pytest.mark.parametrize("off", [-SKEW, SKEW])
def test_clocks_may_differ_a_little(council: Council, off: int) -> None:
    """Of who prepares, and of who signs."""
    change = replace(council.prepare(Action.PEER_ACTIVATE, PEER, **activation(PEER)), at=NOW + off)
    council.propose(change, late=off)
    for late in (off + 1, off - 1):
        if abs(late) > SKEW:
            with fails(Code.STALE, "signed too long ago"):
                council.approve(change, late=late)
    assert len(entries(council, "approved")) == 1
    council.approve(change, late=off)
    assert council.state(change) == rows.WAITING


def test_nobody_proposes_twice(council: Council) -> None:
    """It is there already, with its first approval."""
    change = council.prepare(Action.PEER_ACTIVATE, PEER, **activation(PEER))
    council.propose(change, ANA)
    with fails(Code.EXISTS):
        council.propose(change, BEN)
    with fails(Code.CONFLICT, "the same person"):
        council.approve(change, ANA)
    assert len(entries(council, "approved")) == 1


def test_a_change_that_is_over_is_approved_by_nobody(council: Council) -> None:
    """One that nobody proposed, one that is a day old, one that was given up, and one that is done."""
    change = council.prepare(Action.PEER_ACTIVATE, PEER, **activation(PEER))
    with fails(Code.NOT_FOUND, "no such change"):
        council.approve(change)
    council.propose(change, ANA)
    council.home.clock.at = NOW + DAY
    with fails(Code.CONFLICT, "is expired"):
        council.approve(change)
    council.home.clock.at = NOW + DAY - 1
    council.approve(change, emergency=True)
    with fails(Code.CONFLICT, "is waiting"):
        council.approve(change)
    other = council.prepare(Action.PEER_ACTIVATE, OTHER, **activation(OTHER))
    council.propose(other, ANA)
    council.changes.withdraw(council.connection, other.hash, "Ben C.", council.home.clock.at)
    with fails(Code.CONFLICT, "is withdrawn"):
        council.approve(other)


def test_a_change_that_was_altered_on_the_disk_is_approved_by_nobody(council: Council) -> None:
    """The hash that people signed is of other bytes."""
    change = council.prepare(Action.PEER_ACTIVATE, PEER, **activation(PEER))
    council.propose(change, ANA)
    other = replace(change, at=change.at + 1)
    council.connection.exec_driver_sql("update change set payload = ?", (other.encode(),))
    with fails(Code.CONFLICT, "another change than the one that its hash names; nothing was changed"):
        council.approve(change)


def test_a_change_that_does_not_fit_any_more_is_approved_by_nobody(council: Council) -> None:
    """What was proposed of a peer as it was before."""
    council.activate(PEER)
    renewal = council.prepare(Action.PEER_RENEW, PEER, expires=NOW + 30 * DAY)
    council.propose(renewal)
    council.decide(Action.PEER_SUSPEND, PEER, [BEN])
    with fails(Code.CONFLICT, "something else was changed meanwhile"):
        council.approve(renewal)
    assert council.state(renewal) == rows.PENDING


def test_a_proposal_is_given_up(council: Council) -> None:
    """By one person, while it is pending; the log names them by a pseudonym."""
    change = council.prepare(Action.PEER_ACTIVATE, PEER, **activation(PEER))
    withdraw = council.changes.withdraw
    with fails(Code.NOT_FOUND, "no such change"):
        withdraw(council.connection, change.hash, "Ben C.", NOW)
    council.propose(change)
    withdraw(council.connection, change.hash, "Ben C.", NOW + 3)
    assert (council.state(change), council.position(PEER)) == (rows.WITHDRAWN, ("proposed", None))
    (entry,) = entries(council, "withdrawn")
    for words in (change.hash, council.home.keys.actor(b"Ben C.").hex(), f'"at":{NOW + 3}'):
        assert words.encode() in entry
    with fails(Code.CONFLICT, "is withdrawn"):
        withdraw(council.connection, change.hash, "Ben C.", NOW)


# --- whose word -------------------------------------------------------------------------------------------------------


def test_only_an_administrator_approves(council: Council) -> None:
    """By the key that is enrolled, and exactly this change."""
    stranger = new_admin(label="Eve", now=NOW)
    change = council.prepare(Action.PEER_ACTIVATE, PEER, **activation(PEER))
    with fails(Code.NOT_FOUND, "belongs to no administrator"):
        council.propose(change, stranger)
    council.connection.exec_driver_sql("delete from change where subject <> 'admins'")
    council.propose(change, ANA)
    with fails(Code.BAD_SIGNATURE, "this approval is not valid: .*; nothing was changed"):
        council.approve(change, Admin(card=BEN.card, key=stranger.key))
    other = BEN.approve(replace(change, at=change.at + 1), at=NOW)
    with fails(Code.CONFLICT, "for another change; nothing was changed"):
        council.changes.approve(council.connection, change.hash, other, NOW)
    assert len(given(council.connection, change.hash)) == 1


def enrolled(council: Council, device: Authenticator, *, counter: int = 0) -> None:
    """An administrator signs with a passkey, whose counter was last so."""
    card = card_of(device)
    enrol = Change(
        node=council.home.node,
        subject=OF_ADMINS,
        prev=head(council.connection, OF_ADMINS),
        at=NOW,
        action=str(Action.ADMIN_ENROL),
        body={"admin": card.to_json()},
    )
    council.propose(enrol)
    council.approve(enrol)
    whose = PersonRow(id="p", name="Ana", roles="admin", unit=None, language=None, made=1, ended=None)
    key = PasskeyRow(
        id=b64u(card.passkey.id),
        person="p",
        key=card.passkey.key,
        counter=counter,
        synced=False,
        made=1,
        used=None,
    )
    people.add(council.connection, whose)
    people.add_passkey(council.connection, key)


def shown(device: Authenticator, change: Change, *, emergency: bool = False) -> Shown:
    """What a browser gives for a change."""
    challenge = PasskeyApproval.challenge(change, emergency=emergency)
    return Shown(assertion=signed(device, challenge), emergency=emergency)


def test_an_administrator_approves_with_a_passkey(council: Council) -> None:
    """Exactly this change; its counter goes on, and one that does not go on is refused."""
    device = Authenticator()
    enrolled(council, device)
    change = council.prepare(Action.PEER_ACTIVATE, PEER, **activation(PEER))
    other = replace(change, at=change.at + 1)
    with pytest.raises(RefusedError, match=r"^.*this approval is not valid: .*; nothing was changed$"):
        council.changes.propose(council.connection, change, shown(device, other), NOW)
    council.connection.exec_driver_sql("delete from change where subject <> 'admins'")
    council.home.clock.at += 7
    council.changes.propose(council.connection, change, shown(device, change, emergency=True), NOW + 7)
    (approval,) = given(council.connection, change.hash)
    card = card_of(device)
    assert (approval.admin, approval.kid, approval.at, approval.emergency) == (
        card.pseudonym,
        card.kid,
        NOW + 7,
        True,
    )
    row = people.find_passkey(council.connection, b64u(card.passkey.id))
    assert row is not None and row.counter > 0 and row.used == NOW + 7
    council.connection.exec_driver_sql("update passkey set counter = 1000000")
    second = council.prepare(Action.PEER_ACTIVATE, OTHER, **activation(OTHER))
    with pytest.raises(RefusedError, match="this approval is not valid"):
        council.changes.propose(council.connection, second, shown(device, second), NOW + 7)


def test_a_passkey_that_was_ended_approves_nothing(council: Council) -> None:
    """Nor one that nobody enrolled."""
    device = Authenticator()
    change = council.prepare(Action.PEER_ACTIVATE, PEER, **activation(PEER))
    for words in ("belongs to no administrator", "no longer valid"):
        with fails(Code.NOT_FOUND, words):
            council.changes.propose(council.connection, change, shown(device, change), NOW)
        council.connection.exec_driver_sql("delete from change where subject <> 'admins'")
        if words == "belongs to no administrator":
            enrolled(council, device)
            council.connection.exec_driver_sql("delete from passkey")


def test_who_retires_has_no_word_in_what_is_pending(council: Council) -> None:
    """What they approved is given up; what others approved, and what is done, stays."""
    eva = new_admin(label="Eva D.", now=NOW)
    enrol = Change(
        node=council.home.node,
        subject=OF_ADMINS,
        prev=head(council.connection, OF_ADMINS),
        at=NOW,
        action=str(Action.ADMIN_ENROL),
        body={"admin": eva.card.document.to_json()},
    )
    council.propose(enrol)
    council.approve(enrol)
    done = council.activate(OTHER)
    theirs, others = (
        council.prepare(Action.PEER_ACTIVATE, PEER, **activation(PEER) | {"channel": channel})
        for channel in ("video", "in_person")
    )
    council.propose(theirs, ANA)
    council.propose(others, BEN)
    retire = replace(
        enrol,
        prev=enrol.hash,
        action=str(Action.ADMIN_RETIRE),
        body={"pseudonym": ANA.card.pseudonym},
    )
    council.propose(retire, BEN)
    assert council.state(theirs) == rows.PENDING
    council.home.clock.at += 9
    council.approve(retire, eva)
    assert [council.state(one) for one in (theirs, others, done)] == [rows.WITHDRAWN, rows.PENDING, rows.DONE]
    assert ANA.card.pseudonym not in administrators.administrators(council.connection)
    (entry,) = entries(council, "withdrawn")
    for words in (theirs.hash, '"actor":null', f'"at":{NOW + 9}'):
        assert words.encode() in entry


# --- what a body may say ----------------------------------------------------------------------------------------------

PERMITTED = "trm peer scope prints everything that can be permitted"
NEXT = {"version": 2, "hash": PEER.hash}


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"descriptor": NEXT}, Code.CONFLICT, "changed meanwhile"),
        ({"fingerprint": OTHER.fingerprint}, Code.CONFLICT, "changed meanwhile"),
        ({"channel": "mail"}, Code.INVALID, "the channel is one of in_person, video, known_phone"),
        ({"expires": NOW + 2 * DAY}, Code.INVALID, "more than 2 and at most 400 days"),
        ({"expires": NOW + 400 * DAY + 1}, Code.INVALID, "more than 2 and at most 400 days"),
        ({"expires": str(NOW + 30 * DAY)}, Code.INVALID, "more than 2 and at most 400 days"),
        ({"scope": []}, Code.INVALID, "a scope is an object"),
        ({"scope": SCOPE.to_json() | {"types": ["enquiry.unheard"]}}, Code.INVALID, "types of the scope"),
        ({"scope": SCOPE.to_json() | {"units": ["desk", "attic"]}}, Code.INVALID, "units of the scope"),
        ({"scope": SCOPE.to_json() | {"roles": ["pope"]}}, Code.INVALID, "roles of the scope"),
        ({"scope": SCOPE.to_json() | {"purposes": ["curiosity"]}}, Code.INVALID, "purposes of the scope"),
        ({"scope": SCOPE.to_json() | {"units": "desk"}}, Code.INVALID, "units of the scope"),
    ],
    ids=lambda value: None,
)
def test_a_body_that_says_what_can_not_be(council: Council, body: dict[str, Any], code: Code, words: str) -> None:
    """A misspelt word would permit nothing, and what was compared has to be what is held."""
    with fails(code, words) as caught:
        council.propose(council.prepare(Action.PEER_ACTIVATE, PEER, **activation(PEER) | body))
    meant = "compare again" if "meanwhile" in words else PERMITTED if "of the scope" in words else ""
    assert caught.value.hint == meant


@pytest.mark.parametrize(
    "body",
    [
        {"expires": NOW + 2 * DAY + 1},
        {"expires": NOW + 400 * DAY},
        {"channel": "known_phone"},
        {
            "scope": SCOPE.to_json()
            | {"types": [], "units": [], "roles": ["national_focal_point"], "purposes": ["assistance"]}
        },
    ],
    ids=["shortest", "longest", "telephone", "other words"],
)
def test_a_body_that_can_be(council: Council, body: dict[str, Any]) -> None:
    """To the last second, and every word that this node knows."""
    change = council.prepare(Action.PEER_ACTIVATE, PEER, **activation(PEER) | body)
    council.propose(change)
    assert council.state(change) == rows.PENDING


@pytest.mark.parametrize(("lowest", "code"), [(2, Code.ROLLBACK), (1, None)])
async def test_a_chain_that_ends_too_early(lowest: int, code: Code | None) -> None:
    """A region pack says that this node has published more: somebody holds back the rest."""
    council = Council(await Home.open("a", PEER), {PEER.node: lowest})
    await council.home.put(PEER, state=str(PeerState.PROPOSED))
    change = council.prepare(Action.PEER_ACTIVATE, PEER, **activation(PEER))
    if code is None:
        council.propose(change)
        return
    with fails(code):
        council.propose(change)


def test_new_roots_are_confirmed_by_what_was_compared(council: Council) -> None:
    """One person, for the descriptor that is held."""
    council.activate(PEER)
    council.connection.exec_driver_sql("update peer set state = 'verified', cause = 'roots_changed'")
    with fails(Code.CONFLICT, "changed meanwhile"):
        council.propose(council.prepare(Action.PEER_CONFIRM_ROOTS, PEER, **compared(OTHER)))
    council.decide(Action.PEER_CONFIRM_ROOTS, PEER, [ANA], **compared(PEER))
    assert council.position(PEER) == ("active", None)


def policy_change(council: Council, new: CorridorPolicy, action: Action) -> Change:
    """A change of what this node lets leave."""
    made = council.prepare(action, PEER, **in_force.body_of(new))
    return replace(made, subject=NODE, prev=head(council.connection, NODE))


async def test_a_corridor_policy_is_no_matter_of_a_peer(council: Council) -> None:
    """It is judged by what is in force, and counts from its time on."""
    first = read_policy(canonical_bytes(open_on(("FR", "AL"), name="first")))
    in_force.begin(council.connection, council.home.node, first, NOW - 5)
    await council.policies.refresh()
    with fails(Code.INVALID):
        council.propose(policy_change(council, first, Action.POLICY_BEGIN))
    narrow = policy_change(council, read_policy(canonical_bytes(policy(name="narrow"))), Action.POLICY_NARROW)
    council.home.clock.at += 9
    council.propose(narrow)
    assert council.state(narrow) == rows.DONE
    await council.policies.refresh()
    found = council.policies.at(NOW + 9)
    assert found is not None and found.name == "narrow"
    wide = policy_change(council, read_policy(canonical_bytes(open_on(("FR", "AL"), name="wide"))), Action.POLICY_WIDEN)
    council.propose(wide)
    council.approve(wide)
    assert council.state(wide) == rows.WAITING
    assert len(council.home.entries("policy.adopted")) == 2


# --- other subjects ---------------------------------------------------------------------------------------------------


def test_a_time_is_taken_back(council: Council) -> None:
    """By two, where this node has signed by a later one; it is no peer's matter."""
    meta.set_meta(council.connection, BELIEVED, b"0")
    council.home.time._believed = NOW + DAY
    change = replace(council.prepare(Action.CLOCK_RESET, PEER, until=NOW + DAY, keyset=1), subject="clock", prev=None)
    with fails(Code.CONFLICT, "something was signed meanwhile"):
        council.propose(replace(change, body={"until": NOW, "keyset": 1}))
    council.propose(change)
    assert meta.get_meta(council.connection, BELIEVED) == b"0"
    council.approve(change)
    assert meta.get_meta(council.connection, BELIEVED) == str(NOW).encode()
    assert council.position(PEER) == ("proposed", None)
    assert council.changes.prepare(council.connection, NodeId("clock"), Action.CLOCK_RESET, {}, NOW).prev == change.hash
