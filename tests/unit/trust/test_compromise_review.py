"""gateway.trust.compromise_review: what came under a key since it was stolen goes on a list, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection
from support import rows
from support.batches import prove
from support.nodes import NOW, Seeds
from support.sign_as import sign_as
from support.trust_homes import Home, first_of

from gateway.database import content, journal
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.foundation.chores import DAY
from gateway.foundation.ids import NodeId
from gateway.foundation.workers import Workers
from gateway.messages import content_codec
from gateway.messages.store import batches, messages
from gateway.messages.store.messages import StatementRow
from gateway.trust import compromise_review, review_store
from gateway.trust.compromise_review import CompromiseReview, revoked_by
from keys.documents.descriptor import Descriptor, Revocation
from keys.documents.succession import Change
from keys.primitives.batch import Proof
from keys.primitives.domains import STATEMENT, STATEMENT_1
from keys.primitives.encoding import canon, lp_join
from keys.primitives.hybrid_keys import SigningKey

PEER, OTHER = first_of("b"), first_of("d")
STOLEN, GOOD = (SigningKey.generate(Seeds(name), hybrid=True) for name in ("stolen", "good"))


def revocation(key: SigningKey, since: int = NOW) -> Revocation:
    """It was stolen at this time."""
    return Revocation(kid=key.public.kid, at=NOW, since=since, reason="stolen")


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Threads that open what is sealed, and end with the test."""
    made = Workers()
    yield made
    made.shutdown()


class Desk:
    """A node to which messages came, and the review of them."""

    def __init__(self, home: Home, kept: Content, workers: Workers) -> None:
        clock: Any = home.clock
        self.home, self.content = home, kept
        self.review = CompromiseReview(content=kept, peers=home.registry, workers=workers, clock=clock)

    async def came(
        self, ref: int, key: SigningKey, at: int, *, of: Descriptor = PEER, first: bool = False, **lost: bool
    ) -> None:
        """A message came that this key had signed; `lost` is the row of its batch, or its own, or what it says."""
        said = b"statement %d" % ref
        if first:
            plain = lp_join(said, canon({"signatures": [sign_as(STATEMENT_1, said, key).signature.to_json()]}))
        else:
            proof = Proof.parse(prove(key, STATEMENT, said), STATEMENT, said)
            plain = content_codec.evidence(said, proof)
        row = self.content.sealer.seal(50 + ref, b"no evidence" if lost.get("altered") else plain)

        def move(connection: Connection) -> None:
            usual = {"direction": "in", "state": "opened", "peer": of.node, "conversation": b"c%d" % ref}
            messages.add(connection, [rows.message(ref, at=at, **usual)])
            messages.add_statements(
                connection, [StatementRow(hash=f"h{ref}", message=ref, evidence=50 + ref, created=1)]
            )
            if not lost.get("row"):
                content.put(connection, [row])
            if not (first or lost.get("batch")):
                batches.add(connection, [proof.batch])

        await self.content.store.move(move)

    async def doubted(self) -> list[tuple[int, str, str]]:
        """What is on the list: number, peer and key."""
        found = await self.content.store.read(review_store.listed)
        return [(one.message, one.peer, one.kid) for one in found]

    async def told(self) -> tuple[list[bytes], list[tuple[str, str | None, int]]]:
        """What the log says of it, and what people are told."""
        entries = await self.content.store.read(journal.leaves)
        alarms = await self.content.store.read(journal.open_alarms)
        return [one for _, one in entries if b"messages.doubted" in one], [(a.kind, a.peer, a.at) for a in alarms]


@pytest.fixture
async def desk(store: Store, vault: ContentSealer, workers: Workers) -> Desk:
    """A node that has met two others."""
    return Desk(await Home.open("a", PEER, OTHER), Content(store, vault), workers)


async def test_what_came_under_a_stolen_key_is_listed(desk: Desk) -> None:
    """From its second on, of this peer, in either form; once, and people are told how many it is about."""
    await desk.came(1, STOLEN, NOW - 1)
    await desk.came(2, STOLEN, NOW)
    await desk.came(3, GOOD, NOW + 5)
    await desk.came(4, STOLEN, NOW + 9, first=True)
    await desk.came(5, STOLEN, NOW + 9, of=OTHER)
    desk.home.clock.at += 20
    assert await desk.review.doubt(PEER.node, [revocation(STOLEN)]) == 2
    assert await desk.doubted() == [(ref, PEER.node, STOLEN.public.kid) for ref in (2, 4)]
    entries, alarms = await desk.told()
    assert len(entries) == 1
    assert all(word in entries[0] for word in (b'"count":2', PEER.node.encode(), b'"at":%d' % (NOW + 20)))
    assert alarms == [("peer.review", PEER.node, NOW + 20)]
    assert await desk.review.doubt(PEER.node, [revocation(STOLEN)]) == 0
    assert len((await desk.told())[0]) == 1


async def test_many_messages_are_looked_at_some_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer may have sent more between the theft and the day on which it is known than is held at once; what is on the
    list is not opened again.
    """
    for ref, key in enumerate((STOLEN, STOLEN, GOOD, GOOD, STOLEN), start=1):
        await desk.came(ref, key, NOW)
    sealer, opened = desk.content.sealer, list[int]()
    open_each = sealer.open_each

    def counted(rows: Any) -> Any:
        opened.append(len(rows))
        return open_each(rows)

    monkeypatch.setattr(compromise_review, "AT_ONCE", 2)
    monkeypatch.setattr(sealer, "open_each", counted)
    assert await desk.review.doubt(PEER.node, [revocation(STOLEN)]) == 3
    assert [ref for ref, _, _ in await desk.doubted()] == [1, 2, 5]
    assert (max(opened), sum(opened)) == (1, 5)  # two threads share two
    assert await desk.review.doubt(PEER.node, [revocation(STOLEN)]) == 0
    assert sum(opened) == 7


async def test_each_key_counts_from_its_own_time(desk: Desk) -> None:
    """What came between the two is doubted for the one that was stolen first."""
    for ref, key, at in ((1, GOOD, NOW - 50), (2, STOLEN, NOW - 50), (3, STOLEN, NOW)):
        await desk.came(ref, key, at)
    assert await desk.review.doubt(PEER.node, [revocation(STOLEN), revocation(GOOD, NOW - 60)]) == 2
    assert [ref for ref, _, _ in await desk.doubted()] == [1, 3]


async def test_nothing_is_revoked_and_nothing_doubted(desk: Desk) -> None:
    """Nobody is told of what is not there."""
    await desk.came(1, GOOD, NOW)
    assert await desk.review.doubt(PEER.node, []) == 0
    assert await desk.review.doubt(PEER.node, [revocation(STOLEN)]) == 0
    assert (await desk.doubted(), await desk.told()) == ([], ([], []))


@pytest.mark.parametrize("lost", ["row", "altered", "batch"])
async def test_what_can_not_be_read_any_more_holds_up_nothing(desk: Desk, lost: str) -> None:
    """What was erased needs no review; the messages beside it do."""
    await desk.came(1, STOLEN, NOW, **{lost: True})
    await desk.came(2, STOLEN, NOW)
    assert await desk.review.doubt(PEER.node, [revocation(STOLEN)]) == 1
    assert [ref for ref, _, _ in await desk.doubted()] == [2]


async def test_what_does_not_open_holds_up_nothing(desk: Desk, vault: ContentSealer) -> None:
    """A row in the place of another one."""
    await desk.came(1, STOLEN, NOW, row=True)
    await desk.content.store.move(lambda c: content.put(c, [replace(vault.seal(999, b"elsewhere"), ref=51)]))
    await desk.came(2, STOLEN, NOW)
    assert await desk.review.doubt(PEER.node, [revocation(STOLEN)]) == 1
    assert [ref for ref, _, _ in await desk.doubted()] == [2]


async def test_every_revocation_of_every_peer_is_asked_again(desk: Desk) -> None:
    """Each day: the node may have stopped before it had made its list."""
    ((name, every, run),) = ((one.name, one.every, one.run) for one in desk.review.chores())
    assert (name, every, run) == ("compromise review", DAY, desk.review.catch_up)
    there = await Home.open("b")
    key = there.keys._signer(next(iter(there.keys._signers))).key  # the key of its first descriptor
    stolen = there.keys.sig_kid
    made = there.honest.change_keys(Change(revoke=(Revocation(kid=stolen, at=NOW, since=NOW - 50, reason="stolen"),)))
    desk.home.connection.exec_driver_sql(
        "insert into peer_descriptor (node, version, document) values (?, 2, ?)",
        (PEER.node, made.document.encode()),
    )
    await desk.home.registry.refresh()
    assert key.public.kid == stolen
    await desk.came(1, key, NOW - 50)
    await desk.came(2, key, NOW - 50, of=OTHER)
    await desk.review.catch_up()
    assert await desk.doubted() == [(1, NodeId(PEER.node), stolen)]


def test_what_a_descriptor_revokes_anew() -> None:
    """Nothing that any descriptor before it has revoked."""
    first, second = revocation(STOLEN), revocation(GOOD)
    before, newest = replace(PEER, revoked=(first,)), replace(PEER, revoked=(first, second))
    assert revoked_by([PEER], PEER) == ()
    assert revoked_by([PEER], newest) == (first, second)
    assert revoked_by([before, PEER], newest) == (second,)
