"""gateway.trust.key_upkeep: which keys a node signs by, what it makes and destroys, and who is shown it when."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.nodes import NOW
from support.robbed_nodes import founded
from support.sign_as import in_first_form, sign_as
from support.trust_homes import Home, answer, first_of

from gateway.database import journal, meta
from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation.chores import DAY, MINUTE
from gateway.identity import machine_store
from gateway.identity import store as identity_store
from gateway.identity.machine_store import Machine
from gateway.identity.machines import GENERATION
from gateway.peers.scope import PeerState
from gateway.trust.key_upkeep import KeyUpkeep
from keys.documents.descriptor import Revocation
from keys.documents.key_records import Use
from keys.documents.succession import Change
from keys.keystore.key_changes import RenewEnc
from keys.primitives.domains import DESCRIPTOR_1

pytestmark = pytest.mark.usefixtures("plain_logs")

B, C = first_of("b"), first_of("d")
ROTATED = Change(rotate=frozenset({Use.SIG}), at_once=True)
YEAR = 366 * DAY
KEY_LIFE = 73 * 3_600
"""Seconds after which an encryption key is past its time."""


def _take(*_: Any) -> None:
    """What a peer says of a push: nothing."""


def _refuse() -> None:
    raise TransientError(Code.UNREACHABLE, "nobody is there")


class Office:
    """A node that looks after its keys, and peers that take what they are shown."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.upkeep = KeyUpkeep(
            store=home.store, identity=home.identity, link=home.link, time=home.time, clock=home.sync._clock
        )

    def answering(self) -> None:
        """Every peer takes a push and holds what it was pushed."""
        self.home.line.answers |= {"push_descriptor": _take, "push_keyset": _take, "get_held": self.held}

    def held(self, *_: Any) -> Any:
        """What a peer says that it holds: the newest descriptor of this node."""
        newest = self.home.own.descriptor
        document = newest.document.to_json()
        return answer(200, {"version": newest.version, "hash": newest.hash, "document": document})

    def confirmed(self) -> None:
        """A peer has signed the time of this clock just now."""
        self.home.times.note(B.node, self.home.clock.at)


@pytest.fixture
async def office() -> Office:
    """A node with two active peers that are away."""
    return Office(await Home.open("a", B, C))


def moved(office: Office, seconds: int) -> None:
    """Time goes on."""
    office.home.clock.at += seconds


def noted(office: Office) -> int:
    """The generation of the key store that the database has."""
    return int(meta.get_meta(office.home.connection, GENERATION) or b"0")


def key_ids(office: Office) -> set[str]:
    """The encryption keys that this node holds, whether they are listed or not."""
    return {one.kid for one in office.home.keys.listing() if one.use == "enc"}


async def test_what_is_done_how_often(office: Office) -> None:
    """Keys each minute; whoever has not heard is told every few seconds."""
    found = [(chore.name, chore.every, chore.run) for chore in office.upkeep.chores()]
    assert found == [("keys", MINUTE, office.upkeep.keep), ("push", 5, office.upkeep.push)]


# --- what is made and destroyed ---------------------------------------------------------------------------------------


async def test_peers_are_asked_for_the_time_before_keys_are_kept(office: Office) -> None:
    """Whatever they say: a keyset is there afterwards."""
    await office.upkeep.keep()
    assert set(office.home.line.names()) == {"get_held"}
    assert office.home.own.has_keyset


async def test_a_keyset_is_issued_where_it_is_due(office: Office) -> None:
    """The first at once, and the next after 12 hours; never by a clock that something speaks against."""
    await office.upkeep.keys()
    assert office.home.own.keyset.version == 1
    moved(office, 12 * 3_600 - 1)
    await office.upkeep.keys()
    assert office.home.own.keyset.version == 1
    moved(office, 1)
    for node in (B.node, C.node):
        office.home.times.note(node, office.home.clock.at + 3_600)
    await office.upkeep.keys()
    assert office.home.own.keyset.version == 1
    office.confirmed()
    await office.upkeep.keys()
    assert office.home.own.keyset.version == 2


async def test_no_encryption_key_is_destroyed_before_the_time_is_confirmed(office: Office) -> None:
    """What a wrong clock calls past its time comes back no more."""
    (first,) = key_ids(office)
    moved(office, KEY_LIFE)
    await office.upkeep.keys()
    assert first in key_ids(office)
    office.confirmed()
    await office.upkeep.keys()
    assert first not in key_ids(office)


async def test_a_revoked_key_is_destroyed_when_the_time_is_confirmed(office: Office) -> None:
    """Whoever stole it has it; this node needs it no more."""
    stolen = office.home.keys.sig_kid
    gone = Revocation(kid=stolen, at=NOW, since=NOW, reason="stolen")
    await office.home.publish(Change(revoke=(gone,)))
    for confirmed in (False, True):
        if confirmed:
            office.confirmed()
        await office.upkeep.keys()
        assert (stolen in {key.kid for key in office.home.keys.public(Use.SIG)}) is not confirmed


async def test_the_generation_of_the_key_store_is_noted_once(office: Office) -> None:
    """So that an older file of it is refused at a start; a node of one machine notes it when it has changed."""
    await office.upkeep.keys()
    assert noted(office) == office.home.keys.gen
    meta.set_meta(office.home.connection, GENERATION, b"0")
    moved(office, 3_600)
    await office.upkeep.keys()
    assert noted(office) == 0
    office.home.keys.change(RenewEnc(office.home.clock.at + DAY))
    await office.upkeep.keys()
    assert noted(office) == office.home.keys.gen


async def test_a_machine_of_several_says_that_it_is_there(office: Office) -> None:
    """Every five minutes, also where nothing of its keys has changed."""
    keys, connection = office.home.keys, office.home.connection
    keys.link()
    machine_store.begin_steps(connection, keys)
    machine = Machine(id=keys.machine, host="first", gen=1, step=keys.step, epoch=1, since=1, seen=1)
    machine_store.add_machine(connection, machine)
    for passed, seen in ((0, NOW), (299, NOW), (1, NOW + 300), (299, NOW + 300), (1, NOW + 600)):
        moved(office, passed)
        await office.upkeep.keys()
        (found,) = machine_store.list_machines(connection)
        assert (found.seen, found.gen) == (seen, keys.gen)


async def test_every_encryption_key_is_renewed_at_once(office: Office) -> None:
    """Where the time is confirmed; all are destroyed, a new one is shown to the peers, and it is noted."""
    await office.upkeep.keys()
    before = key_ids(office)
    with pytest.raises(RefusedError, match=r"; no key was destroyed$") as caught:
        await office.upkeep.renew_enc()
    assert (caught.value.code, key_ids(office)) == (Code.CLOCK, before)
    office.confirmed()
    office.home.line.names()
    meta.set_meta(office.home.connection, GENERATION, b"0")
    assert await office.upkeep.renew_enc() == len(before)
    assert not before & key_ids(office)
    assert {key.kid for key in office.home.own.keyset.enc} == key_ids(office)
    assert set(office.home.line.names()) == {"push_descriptor"}
    assert noted(office) == office.home.keys.gen


# --- without a key ----------------------------------------------------------------------------------------------------


async def test_a_node_without_a_key_tells_a_person_and_goes_on(office: Office) -> None:
    """All keys have ended: nothing is signed, an alarm says so; with a new descriptor the alarm ends."""
    moved(office, YEAR)
    await office.upkeep.keys()
    assert office.upkeep.silent_uses() == ["sig", "log", "wit", "http"]
    assert (office.home.alarms(), office.home.own.has_keyset) == (["own.no_key"], False)
    assert [one.at for one in journal.open_alarms(office.home.connection)] == [NOW + YEAR]
    await office.home.publish(Change())
    await office.upkeep.keys()
    assert office.upkeep.silent_uses() == []
    assert (office.home.alarms(), office.home.own.has_keyset) == ([], True)


async def test_a_node_whose_roots_have_not_met_tells_a_person() -> None:
    """Its newest descriptor is of the first form: nothing is said by it, and the alarm says why (nrm1 1.20)."""
    home = await Home.open("a", B, C)
    node = founded("a")[0]
    first = sign_as(
        DESCRIPTOR_1, in_first_form(home.own.chain[0].document.payload), *(root.key for root in node.roots[:2])
    )
    home.connection.exec_driver_sql("delete from own_descriptor")
    identity_store.add_own(home.connection, 1, first.encode())
    await home.own.load()
    office = Office(home)
    for _ in range(2):
        await office.upkeep.keys()
    (alarm,) = journal.open_alarms(home.connection)
    assert (alarm.kind, alarm.at, home.own.has_keyset) == ("own.roots_due", NOW, False)
    office.answering()
    await office.upkeep.push()
    assert home.line.asked == []


async def test_alarms_of_before_the_start_end_with_the_first_key(office: Office) -> None:
    """Of either cause; an alarm that somebody raises later is not touched."""
    kinds = ["own.no_key", "own.roots_due"]
    for kind in kinds:
        journal.raise_alarm(office.home.connection, at=NOW, kind=kind)
    await office.upkeep.keys()
    assert office.home.alarms() == []
    journal.raise_alarm(office.home.connection, at=NOW, kind="own.no_key")
    await office.upkeep.keys()
    assert office.home.alarms() == ["own.no_key"]


async def test_the_descriptor_of_another_node_is_no_lack_of_a_key(office: Office) -> None:
    """A key store in the wrong folder is a fault, not a silence."""
    other = Office(await Home.open("b"))
    connection = other.home.connection
    connection.exec_driver_sql("delete from own_descriptor")
    identity_store.add_own(connection, 1, office.home.own.documents[0])
    await other.home.own.load()
    with pytest.raises(RefusedError, match="another node") as caught:
        await other.upkeep.keys()
    assert (caught.value.code, other.home.alarms()) == (Code.WRONG_NODE, [])


# --- by which descriptor ----------------------------------------------------------------------------------------------


async def used_after_rotation(office: Office) -> tuple[str, Callable[[], Any]]:
    """The key before, and a function that keeps the keys and says which one signs then."""
    await office.upkeep.keys()
    before = office.home.keys.sig_kid
    await office.home.publish(ROTATED)

    async def used() -> str:
        await office.upkeep.keys()
        return str(office.home.keys.sig_kid)

    return before, used


async def test_a_new_key_is_used_when_every_active_peer_holds_it(office: Office) -> None:
    """Not while one of them does not; who is no active peer is not waited for."""
    before, used = await used_after_rotation(office)
    assert await used() == before
    office.answering()
    office.home.line.answers["push_keyset"] = lambda node, _: _refuse() if node == C.node else None
    await office.upkeep.push()
    assert await used() == before
    await office.home.put(C, state=str(PeerState.SUSPENDED))
    assert await used() != before


async def test_a_new_key_is_used_after_a_day_in_any_case(office: Office) -> None:
    """A peer that is away for longer does not keep a node from changing its keys."""
    before, used = await used_after_rotation(office)
    moved(office, DAY - 1)
    assert await used() == before
    moved(office, 1)
    assert await used() != before


async def test_a_new_key_is_used_at_once_where_one_was_revoked(office: Office) -> None:
    """By what was stolen nothing more is signed; the next descriptor, which revokes nothing, waits as ever."""
    await office.upkeep.keys()
    stolen = office.home.keys.sig_kid
    await office.home.publish(Change(revoke=(Revocation(kid=stolen, at=NOW, since=NOW, reason="stolen"),)))
    await office.upkeep.keys()
    next_one = office.home.keys.sig_kid
    assert next_one != stolen
    moved(office, DAY)
    _, used = await used_after_rotation(office)
    assert await used() == next_one


async def test_a_new_key_is_used_at_once_where_the_older_ones_have_ended(office: Office) -> None:
    """There is nothing to wait with."""
    moved(office, YEAR)
    await office.home.publish(Change())
    await office.upkeep.keys()
    assert office.upkeep.silent_uses() == []


# --- who is shown it --------------------------------------------------------------------------------------------------


async def test_nothing_is_shown_before_there_is_a_keyset(office: Office) -> None:
    """A node that never had a key to sign with."""
    office.answering()
    await office.upkeep.push()
    assert office.home.line.asked == []


async def test_who_listens_is_shown_what_is_new_once(office: Office) -> None:
    """Descriptor and keyset, then the keyset alone; who is not heard here is shown nothing."""
    office.answering()
    await office.home.put(C, state=str(PeerState.VERIFIED))
    await office.upkeep.keys()
    await office.upkeep.push()
    own = office.home.own
    assert office.home.line.asked == [
        ("push_descriptor", B.node, own.documents[-1]),
        ("push_keyset", B.node, own.keyset.document.encode()),
        ("get_held", B.node),
    ]
    office.home.line.names()
    await office.upkeep.push()
    assert office.home.line.names() == []
    await own.issue_keyset()
    await office.upkeep.push()
    assert office.home.line.names() == ["push_keyset", "get_held"]


async def test_a_push_that_fails_is_logged_by_its_code(office: Office) -> None:
    """For each peer, and nothing of what it is about."""
    await office.upkeep.keys()
    with capture_logs() as said:
        await office.upkeep.push()
    assert said == [
        {"event": "push.postponed", "peer": node, "code": "unreachable", "log_level": "debug"}
        for node in (B.node, C.node)
    ]


async def test_who_called_is_shown_the_keyset_once_more(office: Office) -> None:
    """It tells them that this node is there again; once, and whatever failed before."""
    office.answering()
    await office.home.put(C, state=str(PeerState.SUSPENDED_FOR_CAUSE))
    await office.upkeep.keys()
    await office.upkeep.push()
    office.home.line.answers["get_held"] = lambda *_: _refuse()
    await office.home.own.issue_keyset()
    await office.upkeep.push()
    office.answering()
    office.home.line.names()
    office.upkeep.call_again()
    for told in (["push_keyset", "get_held"], []):
        await office.upkeep.push()
        assert office.home.line.names() == told


@pytest.mark.parametrize(
    "held",
    [
        lambda office: answer(404, office.held().body),
        lambda office: answer(200, b"{}"),
        lambda office: answer(200, {"version": 1, "hash": C.hash, "document": C.document.to_json()}),
        lambda office: _refuse(),
    ],
    ids=["another status", "another shape", "another document", "no answer"],
)
async def test_a_peer_that_does_not_say_that_it_holds_it(office: Office, held: Callable[[Office], Any]) -> None:
    """The answer to a push says nothing; who does not hold it is shown it again."""
    office.answering()
    office.home.line.answers["get_held"] = lambda *_: held(office)
    assert await office.upkeep.announce(revokes=False) == {B.name: False, C.name: False}
    office.answering()
    moved(office, 5)
    office.home.line.names()
    await office.upkeep.push()
    assert office.home.line.names().count("push_descriptor") == 2


async def test_who_does_not_answer_is_asked_ever_more_seldom(office: Office) -> None:
    """After 5, 10, 20 seconds and so on, at most every quarter of an hour; an answer ends it, for itself alone."""
    office.answering()
    office.home.line.answers["push_descriptor"] = lambda node, _: _refuse() if node == B.node else None
    await office.upkeep.keys()
    times, end = [], NOW + 3_000
    while office.home.clock.at < end:
        office.home.line.asked.clear()
        await office.upkeep.push()
        if ("push_descriptor", B.node, office.home.own.documents[-1]) in office.home.line.asked:
            times.append(office.home.clock.at)
        moved(office, 5)
    assert [later - earlier for earlier, later in pairwise(times)] == [5, 10, 20, 40, 80, 160, 320, 640, 900]
    office.answering()
    moved(office, 900)
    office.home.line.names()
    await office.upkeep.push()
    assert office.home.line.names() == ["push_descriptor", "push_keyset", "get_held"]
    office.home.line.answers["push_keyset"] = lambda *_: _refuse()
    await office.home.own.issue_keyset()
    for seconds, again in ((0, 2), (4, 0), (1, 2)):
        moved(office, seconds)
        await office.upkeep.push()
        assert office.home.line.names().count("push_keyset") == again


async def test_a_new_descriptor_is_told_to_who_listens(office: Office) -> None:
    """At once, whoever failed before; the answer says who took it, and the new keys are used then."""
    await office.upkeep.keys()
    before = office.home.keys.sig_kid
    await office.upkeep.push()  # nobody answers
    await office.home.publish(ROTATED)
    office.answering()
    office.home.line.names()
    await office.home.put(C, state=str(PeerState.PROPOSED))
    assert await office.upkeep.announce(revokes=False) == {B.name: True}
    assert office.home.line.names() == ["push_descriptor", "push_keyset", "get_held"]
    assert office.home.keys.sig_kid != before
    assert office.home.own.keyset.desc_version == 2


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (PeerState.PROPOSED, True),
        (PeerState.VERIFIED, True),
        (PeerState.SUSPENDED_FOR_CAUSE, True),
        (PeerState.REVOKED, False),
    ],
)
async def test_a_revocation_is_told_to_everybody_who_may_believe_the_key(
    office: Office, state: PeerState, told: bool
) -> None:
    """Whatever the state of the peer, but for the one that is gone for ever; who is away keeps nobody uninformed."""
    office.answering()
    await office.home.put(C, state=str(state))
    assert await office.upkeep.announce(revokes=True) == {B.name: True}
    document = office.home.own.documents[-1]
    pushes = [asked for asked in office.home.line.asked if asked[0] == "push_descriptor"]
    assert pushes == [("push_descriptor", B.node, document)] + [("push_descriptor", C.node, document)] * told
    office.home.line.answers["push_descriptor"] = lambda *_: _refuse()
    with capture_logs() as said:
        assert await office.upkeep.announce(revokes=True) == {B.name: True}
    postponed = {"event": "push.postponed", "peer": C.node, "code": "unreachable", "log_level": "debug"}
    assert said == [postponed] * told
