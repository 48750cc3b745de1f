"""gateway.trust.peer_sync: what peers publish is judged and kept, and who is silent or says two things is told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from support.first_form import first_descriptor
from support.keystores import fails
from support.nodes import NOW, refused, signed
from support.robbed_nodes import founded
from support.trust_council import Council
from support.trust_homes import Home, answer, first_of

from gateway.changes.rules import ROOTS_CHANGED
from gateway.database import journal
from gateway.errors import Code, RemoteError, TransientError
from gateway.foundation.chores import DAY, HOUR
from gateway.foundation.ids import NodeId
from gateway.peers import store as peer_rows
from gateway.peers.scope import PeerState
from gateway.trust.peer_sync import CHAIN_LIMIT, MOST_SCHEMAS, read_chain, require_reached, stop
from keys.documents.descriptor import Descriptor, Revocation
from keys.documents.descriptor_chain import encode_chain
from keys.documents.equivocation import verify_proof
from keys.documents.key_records import Use
from keys.documents.succession import Change
from keys.primitives.sign import SignedDocument

US, PEER, OTHER = first_of("a"), first_of("b"), first_of("d")
ROTATED = Change(rotate=frozenset({Use.SIG}), at_once=True)


@dataclass
class Pair:
    """Two nodes that have met; `here` keeps what `there` publishes."""

    here: Home
    there: Home

    def publishes(self, change: Change = ROTATED) -> Descriptor:
        """The other node has a next descriptor, and gives it to who asks."""
        made = self.there.honest.change_keys(change)
        self.here.line.answers["get_descriptor"] = lambda _, first: encode_chain(
            [one.document for one in self.there.honest.chain[first - 1 :]]
        )
        return made

    def issues(self) -> SignedDocument:
        """The other node has a next keyset, and gives it to who asks."""
        made = self.there.honest.keyset()
        self.here.line.answers["get_keyset"] = lambda *_: made.encode()
        return made

    def versions(self) -> list[int]:
        """The versions of the other node's descriptor that are held."""
        return [one.version for one in self.here.peer(PEER).chain]

    def offered(self, *bodies: Any) -> None:
        """What the other node answers about its schemas, one after the other."""
        answers = list(bodies)
        self.here.line.answers["get_schemas"] = lambda *_: answers.pop(0)


@pytest.fixture
async def pair() -> Pair:
    """Both, with a peer of the first that is nobody's here."""
    here = await Home.open("a", PEER, OTHER)
    return Pair(here, await Home.open("b", US, clock=here.clock))


# --- chains -----------------------------------------------------------------------------------------------------------


async def test_peers_are_asked_each_hour(pair: Pair) -> None:
    """For whatever is new."""
    ((name, every, run),) = ((one.name, one.every, one.run) for one in pair.here.sync.chores())
    assert (name, every, run) == ("pull", HOUR, pair.here.sync.pull)


async def test_what_follows_is_fetched_and_kept(pair: Pair) -> None:
    """From the next version on, all of it, once; the log says up to which."""
    for _ in range(2):
        pair.publishes()
    pair.here.clock.at += 7
    found = await pair.here.sync.fetch_chain(pair.here.peer(PEER))
    assert pair.here.line.asked == [("get_descriptor", PEER.node, 2)]
    assert ([one.version for one in found.chain], pair.versions()) == ([1, 2, 3], [1, 2, 3])
    (entry,) = pair.here.entries("peer.descriptor")
    assert all(word in entry for word in (b'"version":3', PEER.node.encode(), b'"at":%d' % (NOW + 7)))
    again = await pair.here.sync.take_chain(found, [pair.there.honest.chain[2].document])
    assert again is found
    assert len(pair.here.entries("peer.descriptor")) == 1


async def test_what_is_no_next_version_changes_nothing(pair: Pair) -> None:
    """A gap, and the chain of somebody else."""
    pair.publishes()
    third = pair.publishes()
    for documents, code in (([third.document], Code.BAD_CHAIN), ([OTHER.document], Code.EQUIVOCATION)):
        with pytest.raises(RemoteError) as caught:
            await pair.here.sync.take_chain(pair.here.peer(PEER), documents)
        assert caught.value.code in (code, Code.WRONG_NODE, Code.BAD_SIGNATURE, Code.MALFORMED)
    assert (pair.versions(), pair.here.peer(PEER).state) == ([1], PeerState.ACTIVE)


@pytest.mark.parametrize("known", [True, False], ids=["behind a known one", "behind a new one"])
async def test_two_documents_of_one_version_stop_their_peer(pair: Pair, known: bool) -> None:
    """With both as proof, whichever of several documents it is; nothing of it is kept, no connection stays."""
    second = pair.publishes()
    await pair.here.sync.fetch_chain(pair.here.peer(PEER))
    node = pair.there.honest.founded
    payload = node.next(PEER, keys=PEER.keys, contact="night desk")
    other = signed(payload, node.roots[:2])
    others = [PEER.document if known else pair.publishes().document, other]
    pair.here.line.names()
    with refused(Code.EQUIVOCATION):
        await pair.here.sync.take_chain(pair.here.peer(PEER), others)
    held = pair.here.peer(PEER)
    assert (held.state, held.cause, pair.versions()) == (PeerState.SUSPENDED_FOR_CAUSE, "equivocation", [1, 2])
    (alarm,) = journal.open_alarms(pair.here.connection)
    assert (alarm.kind, alarm.peer, alarm.at) == ("peer.equivocation", PEER.node, NOW)
    (proof,) = journal.proofs(pair.here.connection, "peer.equivocation")
    found = verify_proof(proof)
    assert (found.node, found.version) == (PEER.node, 2)
    assert all(json.dumps(one.to_json()["payload"]).encode() in proof for one in (second.document, other))
    assert pair.here.line.asked == [("forget", PEER.node)]
    (entry,) = pair.here.entries("peer.suspended")
    assert all(word in entry for word in (b'"code":"equivocation"', PEER.node.encode(), b'"at":%d' % NOW))


async def test_a_revocation_in_what_is_new_is_handed_on(pair: Pair) -> None:
    """Each once, to those who look again at what came."""
    gone = Revocation(kid=pair.there.keys.sig_kid, at=NOW, since=NOW - 50, reason="stolen")
    for change in (Change(revoke=(gone,)), ROTATED):
        pair.publishes(change)
        await pair.here.sync.fetch_chain(pair.here.peer(PEER))
    assert pair.here.review.told == [(PEER.node, (gone,)), (PEER.node, ())]


async def test_a_peer_that_leaves_the_first_form_is_no_longer_alarmed_about(pair: Pair) -> None:
    """Of this peer alone."""
    for node in (PEER.node, OTHER.node):
        journal.raise_alarm(pair.here.connection, at=NOW, kind="peer.first_form", peer=node)
    pair.publishes()
    await pair.here.sync.fetch_chain(pair.here.peer(PEER))
    assert [one.peer for one in journal.open_alarms(pair.here.connection)] == [OTHER.node]


async def test_other_roots_are_seen_in_what_is_new(pair: Pair) -> None:
    """In the move that keeps it."""
    council = Council(pair.here)
    await pair.here.put(PEER, state=str(PeerState.PROPOSED))
    council.activate(PEER)
    roots = tuple(root.record for root in pair.there.honest.founded.roots)
    pair.publishes(Change(roots=(roots, 1)))
    await pair.here.sync.fetch_chain(pair.here.peer(PEER))
    assert council.position(PEER) == ("verified", ROOTS_CHANGED)


async def test_what_another_worker_has_kept_is_not_kept_twice(pair: Pair) -> None:
    """A push and a fetch brought the same; what this one has more is kept behind it."""
    second, third = pair.publishes(), pair.publishes()
    before = pair.here.peer(PEER)
    peer_rows.extend_chain(pair.here.connection, PEER.node, 2, (second.document.encode(),))
    found = await pair.here.sync.take_chain(before, [second.document])
    assert ([one.version for one in found.chain], pair.here.entries("peer.descriptor")) == ([1, 2], [])
    found = await pair.here.sync.take_chain(before, [second.document, third.document])
    assert [one.version for one in found.chain] == [1, 2, 3]
    assert b'"version":3' in pair.here.entries("peer.descriptor")[0]


async def test_another_document_that_another_worker_has_kept(pair: Pair) -> None:
    """Under the same version: both are true for themselves, and together they are the proof."""
    second, before = pair.publishes(), pair.here.peer(PEER)
    node = pair.there.honest.founded
    other = signed(node.next(PEER, keys=PEER.keys, contact="night desk"), node.roots[:2])
    peer_rows.extend_chain(pair.here.connection, PEER.node, 2, (other.encode(),))
    with refused(Code.EQUIVOCATION):
        await pair.here.sync.take_chain(before, [second.document])
    assert pair.here.peer(PEER).state is PeerState.SUSPENDED_FOR_CAUSE


def test_a_chain_that_is_none() -> None:
    """Another shape, too long, or documents that are no descriptors."""
    keyset = Home("b").honest.keyset()
    for data, code in (
        (b"{}", Code.MALFORMED),
        (b"[1]", Code.MALFORMED),
        (b" " * (CHAIN_LIMIT + 1), Code.TOO_LARGE),
        (encode_chain([keyset]), Code.WRONG_TYPE),
    ):
        with refused(code):
            read_chain(data)
    assert read_chain(encode_chain([PEER.document])) == [PEER.document]


def test_a_chain_reaches_what_is_known_of_it() -> None:
    """Version 1 where nothing is known of this node."""
    for lowest in ({}, {OTHER.node: 2}, {PEER.node: 1}):
        require_reached(PEER, lowest)
    with fails(Code.ROLLBACK, "ends before the version"):
        require_reached(PEER, {PEER.node: 2})


# --- keysets ----------------------------------------------------------------------------------------------------------


async def test_a_keyset_is_kept_with_when_it_was_seen(pair: Pair) -> None:
    """The same once more is only seen; an older one is refused."""
    first = pair.issues()
    pair.here.clock.at += 5
    for seen in (NOW + 5, NOW + 9):
        pair.here.clock.at = seen
        found = await pair.here.sync.refresh(pair.here.peer(PEER))
        assert found.keyset is not None and found.keyset.document == first
        assert (found.keyset_seen, found) == (seen, pair.here.peer(PEER))
    second = pair.issues()
    await pair.here.sync.refresh(pair.here.peer(PEER))
    with pytest.raises(RemoteError):
        await pair.here.sync.take_keyset(pair.here.peer(PEER), first.encode())
    kept = pair.here.peer(PEER).keyset
    assert kept is not None and kept.document == second


async def test_a_keyset_of_a_newer_descriptor_fetches_that_first(pair: Pair) -> None:
    """What is refused for another reason fetches nothing."""
    pair.publishes()
    pair.issues()
    pair.here.clock.at += 5
    found = await pair.here.sync.refresh(pair.here.peer(PEER))
    assert (found.keyset is not None and found.keyset.desc_version, pair.versions()) == (2, [1, 2])
    assert pair.here.line.names() == ["get_keyset", "get_descriptor"]
    with pytest.raises(RemoteError):
        await pair.here.sync.take_keyset(pair.here.peer(OTHER), pair.issues().encode())
    assert pair.here.line.names() == []


async def test_a_keyset_is_judged_by_the_one_that_is_held_by_then(pair: Pair) -> None:
    """Another worker has kept a newer one since this one looked: the older one is refused, and the newer stays."""
    older, newer = pair.issues(), pair.issues()
    pair.here.clock.at += 5
    peer_rows.change(pair.here.connection, PEER.node, keyset=newer.encode(), keyset_seen=NOW)
    with pytest.raises(RemoteError):
        await pair.here.sync.take_keyset(pair.here.peer(PEER), older.encode())
    assert peer_rows.keyset(pair.here.connection, PEER.node) == newer.encode()
    peer_rows.change(pair.here.connection, PEER.node, keyset=None)
    await pair.here.registry.refresh()
    peer_rows.change(pair.here.connection, PEER.node, keyset=older.encode())
    found = await pair.here.sync.take_keyset(pair.here.peer(PEER), newer.encode())
    assert found.keyset is not None and found.keyset.document == newer


async def test_a_peer_of_the_first_form_is_not_asked(pair: Pair) -> None:
    """A person is told, and that it is of this peer."""
    old = first_descriptor(founded("c")[0])
    pair.here.honest.meet(old)
    await pair.here.registry.refresh()
    with fails(Code.FIRST_FORM):
        await pair.here.sync.refresh(pair.here.peer(old))
    (alarm,) = journal.open_alarms(pair.here.connection)
    assert (alarm.kind, alarm.peer, alarm.at) == ("peer.first_form", old.node, NOW)
    assert pair.here.line.asked == []


# --- every hour -------------------------------------------------------------------------------------------------------


async def test_active_peers_are_asked_for_both(pair: Pair) -> None:
    """Chain first, then keyset; who is not active is not asked."""
    pair.publishes()
    pair.issues()
    await pair.here.put(OTHER, state=str(PeerState.SUSPENDED))
    await pair.here.sync.pull()
    assert pair.here.line.names() == ["get_descriptor", "get_keyset"]
    assert (pair.versions(), pair.here.peer(PEER).keyset_seen) == ([1, 2], NOW)


async def test_a_person_is_told_of_a_peer_that_is_silent_for_a_day(pair: Pair) -> None:
    """To the second; not of one that never spoke; it ends when that peer answers, and says which one it is."""
    journal.raise_alarm(pair.here.connection, at=NOW, kind="peer.silent", peer=NodeId("n1other"))
    pair.issues()
    await pair.here.sync.refresh(pair.here.peer(PEER))
    pair.here.line.answers.clear()
    for passed, told in ((DAY, ["n1other"]), (1, ["n1other", PEER.node])):
        pair.here.clock.at += passed
        await pair.here.sync.pull()
        assert [one.peer for one in journal.open_alarms(pair.here.connection)] == told
    alarm = journal.open_alarms(pair.here.connection)[-1]
    assert (alarm.kind, alarm.at) == ("peer.silent", NOW + DAY + 1)
    pair.publishes()
    pair.issues()
    await pair.here.sync.pull()
    assert [one.peer for one in journal.open_alarms(pair.here.connection)] == ["n1other"]


async def test_a_peer_of_the_first_form_is_silent_about_nothing(pair: Pair) -> None:
    """What is missing there is said in its own words."""
    old = first_descriptor(founded("c")[0])
    pair.here.honest.meet(old)
    await pair.here.put(old, keyset_seen=NOW - 2 * DAY)
    pair.here.line.answers["get_descriptor"] = lambda *_: encode_chain([old.document])
    await pair.here.sync._pull_from(old.node)
    assert pair.here.alarms() == ["peer.first_form"]


# --- schemas ----------------------------------------------------------------------------------------------------------


async def test_the_schemas_of_a_peer_are_kept(pair: Pair) -> None:
    """Sorted, each once, and what is no text is none."""
    pair.offered(answer(200, {"schemas": ["sha256:b", "sha256:a", 7, "sha256:b"]}))
    found = await pair.here.sync.refresh_schemas(pair.here.peer(PEER))
    assert (found.schemas, pair.here.peer(OTHER).schemas) == (("sha256:a", "sha256:b"), None)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (404, {"schemas": []}, Code.REJECTED),
        (200, ["schemas"], Code.REJECTED),
        (200, {"schemas": [], "more": 1}, Code.REJECTED),
        (200, {"schemata": []}, Code.REJECTED),
        (200, {"schemas": "all"}, Code.MALFORMED),
        (200, {"schemas": ["s"] * (MOST_SCHEMAS + 1)}, Code.MALFORMED),
    ],
)
async def test_what_is_no_catalogue(pair: Pair, status: int, body: Any, code: Code) -> None:
    """Nothing of it is kept."""
    pair.offered(answer(status, body))
    with pytest.raises(TransientError) as caught:
        await pair.here.sync.refresh_schemas(pair.here.peer(PEER))
    assert (caught.value.code, pair.here.peer(PEER).schemas) == (code, None)


async def test_the_largest_catalogue(pair: Pair) -> None:
    """A thousand schemas, and no answer that is longer than they can be."""
    names = [f"sha256:{n:064x}" for n in range(MOST_SCHEMAS)]
    pair.offered(answer(200, {"schemas": names}), answer(200, b" " * 200_001))
    found = await pair.here.sync.refresh_schemas(pair.here.peer(PEER))
    assert found.schemas is not None and len(found.schemas) == MOST_SCHEMAS
    with refused(Code.TOO_LARGE):
        await pair.here.sync.refresh_schemas(pair.here.peer(PEER))


# --- a stop -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", PeerState)
async def test_who_is_stopped_for_a_cause(pair: Pair, state: PeerState) -> None:
    """Everybody but who is gone for ever."""
    await pair.here.put(PEER, state=str(state), cause=None)
    stop(pair.here.connection, PEER.node, Code.EQUIVOCATION, at=NOW)
    row = pair.here.connection.exec_driver_sql("select state, cause from peer where node = ?", (PEER.node,)).one()
    gone = state is PeerState.REVOKED
    assert tuple(row) == (("revoked", None) if gone else ("suspended_for_cause", "equivocation"))
    assert len(pair.here.entries("peer.suspended")) == (not gone)
