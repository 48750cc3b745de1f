"""gateway.trust.record_exchange: ours are brought until they are taken, and what a peer said is final but for two
exceptions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.first_form import first_descriptor
from support.nodes import NOW, refused
from support.robbed_nodes import founded
from support.robbed_stand_ins import Clock
from support.sign_as import sign_as
from support.trust_homes import Home, answer, first_of, say

from gateway.database import journal
from gateway.errors import Code, TransientError
from gateway.foundation.ids import NodeId
from gateway.peers import trust_record_store
from gateway.peers.reset_rows import ResetRow
from gateway.peers.trust_record_store import IN, OUT, TrustRow
from gateway.trust.link_reset import store as resets
from gateway.trust.record_exchange import RecordExchange
from keys.documents.descriptor import Revocation
from keys.documents.descriptor_chain import encode_chain
from keys.documents.link_reset import Reset, View
from keys.documents.succession import Change
from keys.documents.trust_record import TrustRecord, TrustState
from keys.primitives.domains import RESET, TRUST, TRUST_1
from keys.primitives.sign import SignedDocument

pytestmark = pytest.mark.usefixtures("plain_logs")

US, PEER = first_of("a"), first_of("b")
ACTIVE, SUSPENDED, REVOKED = TrustState.ACTIVE, TrustState.SUSPENDED, TrustState.REVOKED


def signed(by: Home, said: TrustRecord) -> bytes:
    """A record as its issuer sends it, by the key of now."""
    payload = said.encode()
    made = SignedDocument(payload=payload, payload_type=TRUST, signatures=(by.keys.sign(TRUST, payload),))
    return made.encode()


def in_first_form(by: str, said: TrustRecord) -> tuple[TrustRecord, bytes]:
    """A record as release 0.1.0 made it, and its document."""
    old = replace(said, payload_type=TRUST_1)
    return old, sign_as(TRUST_1, old.encode(), founded(by)[0].sig).encode()


@dataclass
class Pair:
    """Two nodes that have met; `here` is looked at, `there` says something to it."""

    here: Home
    there: Home
    exchange: RecordExchange
    last: dict[str, str | None] = field(default_factory=dict)

    def says(self, state: TrustState = ACTIVE, **changes: Any) -> tuple[TrustRecord, bytes]:
        """What the other node says next about this one, by its key of now."""
        said = say(self.there, US, state, **{"prev": self.last.get(IN)} | changes)
        self.last[IN] = said.hash
        return said, signed(self.there, said)

    async def takes(self, state: TrustState = ACTIVE, **changes: Any) -> TrustRecord:
        """The other node says it, and this one takes it."""
        said, data = self.says(state, **changes)
        await self.exchange.take(self.here.peer(PEER), data)
        return said

    def owes(self, state: TrustState = ACTIVE, *, acked: int | None = None, **changes: Any) -> TrustRow:
        """What this node says next about the other one."""
        said = say(self.here, PEER, state, **{"prev": self.last.get(OUT)} | changes)
        self.last[OUT] = said.hash
        return self.keep(OUT, said, signed(self.here, said), acked)

    def keep(self, direction: str, said: TrustRecord, data: bytes, acked: int | None) -> TrustRow:
        """The next row of a chain."""
        seq = len(self.held(direction)) + 1
        row = TrustRow(peer=PEER.node, direction=direction, seq=seq, hash=said.hash, document=data, acked=acked)
        trust_record_store.add_record(self.here.connection, row)
        return row

    def held(self, direction: str = IN) -> list[TrustRow]:
        """The chain of one direction."""
        return trust_record_store.records_of(self.here.connection, PEER.node, direction)

    def hashes(self) -> list[str]:
        """What is held of the other node, by hash."""
        return [row.hash for row in self.held()]

    def steal(self, since: int = NOW) -> Any:
        """The other node revokes its signing key and goes on with another one; its next descriptor."""
        gone = Revocation(kid=self.there.keys.sig_kid, at=NOW, since=since, reason="stolen")
        made = self.there.honest.change_keys(Change(revoke=(gone,)))
        self.here.line.answers["get_descriptor"] = lambda *_: encode_chain([made.document])
        return made

    def restored(self, at: int, by: NodeId = PEER.node) -> None:
        """A person here has accepted at this time that a node of this link was restored."""
        asked = Reset(
            from_=by, to=US.node, view=View(epoch=1, high=0, hash=None), epoch=2, backup=1, change="c" * 43, created=at
        ).encode()
        accepted = sign_as(RESET, asked, founded("b")[0].sig).encode()
        resets.put(self.here.connection, ResetRow(peer=PEER.node, state="open", at=at, accepted=accepted))

    def posts(self) -> list[bytes]:
        """The records that were brought since this was asked last."""
        asked, self.here.line.asked = self.here.line.asked, []
        return [carried[0] for name, _, *carried in asked if name == "post_trust"]


class Bed(Clock):
    """A clock that says who sleeps for how long, and lets nobody wake."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Sleep until cancelled."""
        self.asleep.append(seconds)
        try:
            await asyncio.Event().wait()
        finally:
            self.asleep.remove(seconds)


@pytest.fixture
async def pair() -> Pair:
    """Both, and nobody has said anything."""
    clock = Bed()
    here, there = await Home.open("a", PEER, clock=clock), await Home.open("b", US, clock=clock)
    exchange = RecordExchange(
        store=here.store,
        identity=here.identity,
        link=here.link,
        sync=here.sync,
        wakeups=here.wakeups,
        clock=here.sync._clock,
    )
    return Pair(here, there, exchange)


# --- theirs -----------------------------------------------------------------------------------------------------------


async def test_a_record_is_kept_and_told(pair: Pair) -> None:
    """With when it came; the log has its hash, whoever waits for the peer is woken, and ours may go there now."""
    first = await pair.takes()
    pair.here.clock.at += 7
    second = await pair.takes(SUSPENDED)
    rows = [(row.seq, row.direction, row.hash, row.acked) for row in pair.held()]
    assert rows == [(1, IN, first.hash, NOW), (2, IN, second.hash, NOW + 7)]
    assert SignedDocument.decode(pair.held()[1].document, TRUST).payload == second.encode()
    entry = pair.here.entries("trust.taken")[1]
    for words in (second.hash, PEER.node, '"state":"suspended"', f'"at":{NOW + 7}'):
        assert words.encode() in entry
    assert pair.here.peer(PEER).trust.theirs == second
    assert (pair.here.wakeups.called, pair.here.wakeups.trusting) == ({PEER.node}, {PEER.node})
    assert pair.here.wakeups.trust.is_set()


async def test_a_record_that_is_held_changes_nothing(pair: Pair) -> None:
    """But it says that the peer is there and takes ours."""
    first, data = pair.says()
    for _ in range(2):
        await pair.exchange.take(pair.here.peer(PEER), data)
    second = await pair.takes()
    pair.here.wakeups.called.clear()
    pair.here.wakeups.trusting.clear()
    await pair.exchange.take(pair.here.peer(PEER), data)
    assert pair.hashes() == [first.hash, second.hash]
    assert (pair.here.wakeups.called, pair.here.wakeups.trusting) == (set(), {PEER.node})


@pytest.mark.parametrize(
    ("state", "left"),
    [(ACTIVE, []), (SUSPENDED, ["peer.suspended_us"]), (REVOKED, ["peer.suspended_us", "peer.revoked_us"])],
)
async def test_a_person_is_told_what_a_peer_thinks_of_us(pair: Pair, state: TrustState, left: list[str]) -> None:
    """An alarm of a suspension ends when we are trusted again, for this peer alone."""
    journal.raise_alarm(pair.here.connection, at=NOW, kind="peer.suspended_us", peer=NodeId("n1other"))
    await pair.takes(SUSPENDED)
    await pair.takes(state)
    found = [(one.kind, one.peer) for one in journal.open_alarms(pair.here.connection)]
    assert found == [("peer.suspended_us", "n1other"), *((kind, PEER.node) for kind in left)]


async def test_a_key_that_is_not_listed_here_is_asked_for(pair: Pair) -> None:
    """The peer has a newer descriptor; where that can not be had, nothing is kept."""
    pair.steal()
    said, data = pair.says()
    answers, pair.here.line.answers = pair.here.line.answers, {}
    with pytest.raises(TransientError):
        await pair.exchange.take(pair.here.peer(PEER), data)
    assert pair.held() == []
    pair.here.line.answers = answers
    await pair.exchange.take(pair.here.peer(PEER), data)
    assert (pair.hashes(), pair.here.peer(PEER).descriptor.version) == ([said.hash], 2)


async def test_what_a_record_says_has_to_fit(pair: Pair) -> None:
    """Behind what is held, of its sender, about this node, of a descriptor that this node really had."""
    await pair.takes()
    for changes, code in (
        ({"prev": None, "expires": NOW + 1}, Code.BAD_CHAIN),
        ({"prev": "A" * 43}, Code.BAD_CHAIN),
        ({"peer": first_of("d").node}, Code.MISDIRECTED),
        ({"peer_desc_hash": PEER.hash}, Code.MISDIRECTED),
    ):
        said = say(pair.there, US, **{"prev": pair.last[IN]} | changes)
        with refused(code):
            await pair.exchange.take(pair.here.peer(PEER), signed(pair.there, said))
    assert len(pair.held()) == 1
    await pair.takes(peer_desc_version=2, peer_desc_hash=PEER.hash)  # of ours that this node does not hold yet
    assert len(pair.held()) == 2


async def test_nothing_follows_a_revocation(pair: Pair) -> None:
    """Also one of the first form, which is history else."""
    old, document = in_first_form("b", say(pair.there, US, REVOKED))
    pair.keep(IN, old, document, NOW)
    with refused(Code.BAD_CHAIN, "revocation"):
        await pair.takes()
    assert pair.hashes() == [old.hash]


async def test_what_was_said_in_the_first_form_stays_before_the_rest(pair: Pair) -> None:
    """No record names it, and a record that takes the place of others leaves it as it is."""
    old, document = in_first_form("b", say(pair.there, US, SUSPENDED))
    pair.keep(IN, old, document, NOW - 9)
    first = await pair.takes()
    await pair.takes(REVOKED)
    pair.steal()
    third = await pair.takes(SUSPENDED, prev=first.hash)
    assert [(row.seq, row.hash) for row in pair.held()] == [(1, old.hash), (2, first.hash), (3, third.hash)]
    assert b'"count":1' in pair.here.entries("trust.replaced")[0]


# --- what takes the place of others -----------------------------------------------------------------------------------


async def said(pair: Pair, *states: TrustState) -> list[TrustRecord]:
    """The other node says all this, a second each, the first at NOW."""
    found = []
    for state in states:
        found.append(await pair.takes(state))
        pair.here.clock.at += 1
    return found


@pytest.mark.parametrize("kept", [1, 0], ids=["behind the first", "from the first on"])
async def test_what_a_thief_may_have_said_is_replaced(pair: Pair, kept: int) -> None:
    """Whatever it was, from the record on that the next one follows; all of it, if that follows none."""
    before = [one.hash for one in await said(pair, ACTIVE, SUSPENDED, REVOKED)]
    pair.steal()
    after = await pair.takes(ACTIVE, prev=before[0] if kept else None, expires=NOW + 9)
    assert pair.hashes() == [*before[:kept], after.hash]
    (entry,) = pair.here.entries("trust.replaced")
    assert all(word in entry for word in (b'"count":%d' % (3 - kept), PEER.node.encode(), b'"at":%d' % (NOW + 3)))


async def test_what_an_intact_key_has_said_is_not_replaced(pair: Pair) -> None:
    """Also where another key was revoked, and where what a thief said stands beside it."""
    before = await said(pair, ACTIVE, SUSPENDED)
    with refused(Code.BAD_CHAIN):
        await pair.takes(prev=before[0].hash)
    pair.steal()
    last = await pair.takes(ACTIVE, prev=before[1].hash)
    with refused(Code.BAD_CHAIN):
        await pair.takes(prev=before[0].hash)
    assert pair.hashes() == [*(one.hash for one in before), last.hash]


async def test_a_record_that_is_held_takes_no_place(pair: Pair) -> None:
    """It came late: whoever repeats what was said before the theft takes nothing back."""
    first, data = pair.says()
    await pair.exchange.take(pair.here.peer(PEER), data)
    second = await pair.takes(SUSPENDED)
    pair.steal()
    await pair.here.sync.fetch_chain(pair.here.peer(PEER))
    anew = signed(pair.there, first)
    await pair.exchange.take(pair.here.peer(PEER), anew)
    assert pair.hashes() == [first.hash, second.hash]


@pytest.mark.parametrize(
    ("at", "by", "replaced"),
    [(NOW + 1, PEER.node, True), (NOW, PEER.node, False), (NOW + 1, US.node, False)],
    ids=["since", "before it came", "this node was restored"],
)
async def test_what_a_restored_peer_does_not_know_is_replaced(pair: Pair, at: int, by: NodeId, replaced: bool) -> None:
    """What came by the time at which a person here accepted that, and nothing that came later."""
    first, second = await said(pair, ACTIVE, SUSPENDED)
    pair.restored(at, by)
    if replaced:
        last = await pair.takes(ACTIVE, prev=first.hash)
        assert pair.hashes() == [first.hash, last.hash]
        return
    with refused(Code.BAD_CHAIN):
        await pair.takes(ACTIVE, prev=first.hash)
    assert pair.hashes() == [first.hash, second.hash]


async def test_a_revocation_by_a_restored_peer_stays(pair: Pair) -> None:
    """By an intact key it is the last word."""
    first, second = await said(pair, ACTIVE, REVOKED)
    pair.restored(NOW + 9)
    with refused(Code.BAD_CHAIN):
        await pair.takes(ACTIVE, prev=first.hash)
    assert pair.hashes() == [first.hash, second.hash]


# --- ours -------------------------------------------------------------------------------------------------------------


def takes_from(pair: Pair, *codes: Code | None) -> None:
    """The peer takes a record, or says these codes one after the other, and takes what comes then."""
    said = [*codes]

    def told(*_: Any) -> Any:
        code = said.pop(0) if said else None
        return answer(200, b"") if code is None else answer(403, {"code": str(code)})

    pair.here.line.answers["post_trust"] = told


async def test_what_is_missing_is_brought(pair: Pair) -> None:
    """In its order, and taken down when; what the peer has taken is not brought again."""
    old = pair.owes(acked=NOW - 5)
    new = [pair.owes(SUSPENDED), pair.owes(ACTIVE)]
    takes_from(pair)
    await pair.exchange.bring()
    assert pair.posts() == [row.document for row in new]
    assert [(row.hash, row.acked) for row in pair.held(OUT)] == [
        (old.hash, NOW - 5),
        *((row.hash, NOW) for row in new),
    ]
    await pair.exchange.bring()
    assert pair.posts() == []


async def test_a_peer_that_lost_our_chain_gets_it_whole(pair: Pair) -> None:
    """Once: a peer that refuses the whole of it, or refuses it for another reason, is asked again later."""
    chain = [pair.owes(acked=NOW), pair.owes(SUSPENDED)]
    takes_from(pair, Code.BAD_CHAIN)
    await pair.exchange.bring()
    assert pair.posts() == [row.document for row in (chain[1], *chain)]
    assert [row.acked for row in pair.held(OUT)] == [NOW, NOW]
    for code in (Code.BAD_CHAIN, Code.MISDIRECTED):
        pair.here.clock.at += 900
        pair.here.connection.exec_driver_sql("update trust_record set acked = null")
        if code is Code.MISDIRECTED:
            pair.here.connection.exec_driver_sql("update trust_record set acked = 1 where seq = 1")
        takes_from(pair, code)
        await pair.exchange.bring()
        assert len(pair.posts()) == 1
        assert pair.held(OUT)[1].acked is None


async def test_who_is_unknown_or_behind_is_brought_nothing(pair: Pair) -> None:
    """A peer of release 0.1.0 takes no record, and one that is gone is no peer; the others get theirs."""
    pair.owes()
    row = pair.owes(SUSPENDED)
    old = first_descriptor(founded("d")[0])
    pair.here.honest.meet(old)
    await pair.here.registry.refresh()
    for node in (NodeId("n1gone"), old.node):
        trust_record_store.add_record(pair.here.connection, replace(row, peer=node))
    takes_from(pair)
    await pair.exchange.bring()
    assert len(pair.posts()) == 2
    assert {*trust_record_store.owed(pair.here.connection)} == {"n1gone", old.node}


async def test_what_is_of_the_first_form_only_is_not_brought(pair: Pair) -> None:
    """It is said again in the second; then that is brought, and names nothing of before."""
    old, document = in_first_form("a", say(pair.here, PEER))
    pair.keep(OUT, old, document, None)
    takes_from(pair)
    await pair.exchange.bring()
    assert (pair.posts(), pair.held(OUT)[0].acked) == ([], None)
    new = pair.owes(SUSPENDED, prev=None)
    await pair.exchange.bring()
    assert pair.posts() == [new.document]
    assert pair.held(OUT)[1].acked == NOW


async def attempts(pair: Pair, seconds: Sequence[int]) -> list[int]:
    """At which of these seconds after NOW something is brought."""
    found = []
    for second in seconds:
        pair.here.clock.at = NOW + second
        await pair.exchange.bring()
        found += [second] * bool(pair.posts())
    return found


async def test_a_peer_that_is_away_is_asked_ever_more_seldom(pair: Pair) -> None:
    """After 5, 10, 20 seconds and so on, at most every quarter of an hour; the first that arrives ends it."""
    pair.owes()
    times = await attempts(pair, range(0, 3_000, 5))
    assert [later - earlier for earlier, later in pairwise(times)] == [5, 10, 20, 40, 80, 160, 320, 640, 900]
    takes_from(pair)
    assert await attempts(pair, [4_000]) == [4_000]
    pair.here.line.answers.clear()
    pair.owes(SUSPENDED)
    assert await attempts(pair, range(4_001, 4_030)) == [4_001, 4_006, 4_016]


async def test_a_peer_that_calls_is_brought_ours_at_once(pair: Pair) -> None:
    """It has just sent one of its own; once for each call."""
    pair.owes()
    assert await attempts(pair, range(3)) == [0]
    pair.here.wakeups.trusting.add(PEER.node)
    with capture_logs() as said:
        assert await attempts(pair, [3, 4]) == [3]
    assert said == [{"event": "trust.postponed", "peer": PEER.node, "code": "unreachable", "log_level": "debug"}]
    assert pair.here.wakeups.trusting == set()


async def test_a_record_is_brought_before_what_relies_on_it(pair: Pair) -> None:
    """Whoever sends hears that the peer is away; what the peer refused holds nothing up, but when it calls, or its time
    has come, it is brought again.
    """
    pair.owes()
    await pair.here.registry.refresh()

    async def brought() -> int:
        await pair.exchange.bring_first(pair.here.peer(PEER))
        return len(pair.posts())

    for _ in range(2):
        with pytest.raises(TransientError):
            await brought()
    pair.posts()
    takes_from(pair, *[Code.MISDIRECTED] * 2)
    assert [await brought(), await brought()] == [1, 0]
    pair.here.wakeups.trusting.add(PEER.node)
    assert [await brought(), await brought()] == [1, 0]
    pair.here.clock.at += 900
    assert [await brought(), await brought()] == [1, 0]
    assert [row.acked for row in pair.held(OUT)] == [NOW + 900]


async def test_a_record_is_signed_anew_where_its_key_is_not_listed_any_more(pair: Pair) -> None:
    """The same record, by the key of now; one whose key is listed goes as it was signed."""
    was = pair.owes()
    stolen = pair.here.keys.sig_kid
    await pair.here.publish(Change(revoke=(Revocation(kid=stolen, at=NOW, since=NOW, reason="stolen"),)))
    pair.here.keys.activate(pair.here.own.chain, NOW)
    is_now = pair.owes(SUSPENDED)
    takes_from(pair)
    await pair.exchange.bring()
    anew, same = pair.posts()
    assert same == is_now.document
    told = SignedDocument.decode(anew, TRUST)
    assert told.payload == SignedDocument.decode(was.document, TRUST).payload
    assert told.signature.kid == pair.here.keys.sig_kid != stolen
    told.verify(pair.here.own.descriptor.signing_key(told.signature.kid, at=NOW))
    assert pair.held(OUT)[0].document == was.document


# --- the loop ---------------------------------------------------------------------------------------------------------


async def test_it_goes_on_until_it_is_ended(pair: Pair) -> None:
    """It looks at once, whenever something is said here, and every few seconds; what fails is tried again."""
    takes_from(pair)
    clock: Any = pair.here.clock
    read, pair.here.store.read = pair.here.store.read, failing
    with capture_logs() as said:
        running = asyncio.create_task(pair.exchange.run())
        await turn()
    assert said == [{"event": "trust.postponed", "code": "disk", "log_level": "info"}]
    assert (clock.asleep, pair.posts(), running.done()) == ([5], [], False)
    pair.here.store.read = read
    row = pair.owes()
    await turn()
    assert pair.posts() == []
    for posts in ([row.document], []):
        pair.here.wakeups.trust.set()
        await turn()
        assert (clock.asleep, pair.posts(), pair.here.wakeups.trust.is_set()) == ([5], posts, False)
    running.cancel()
    await turn()
    assert (clock.asleep, running.cancelled()) == ([], True)


async def turn() -> None:
    """Let everything run that waits for nothing."""
    for _ in range(20):
        await asyncio.sleep(0)


async def failing(_query: Any) -> Any:
    """A database that is away."""
    raise TransientError(Code.DISK, "it is away")
