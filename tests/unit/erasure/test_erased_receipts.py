"""gateway.erasure.erased_receipts: who is told that what they sent is erased, when, and which seeds go before that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection
from support import rows
from support.batches import prove
from support.incoming import SENDER, A
from support.nodes import NOW
from support.trust_homes import Home, first_of

from gateway.database import content, journal
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.erasure import erased_receipts
from gateway.erasure import store as erasures
from gateway.erasure.erased_receipts import ErasureReceipts
from gateway.erasure.store import ErasureRow
from gateway.foundation.ids import NodeId
from gateway.foundation.workers import Workers
from gateway.identity import machine_store
from gateway.identity.machine_store import Machine
from gateway.messages import content_codec
from gateway.messages.store import links, messages, receipts
from gateway.messages.store.links import NumberRow
from gateway.messages.store.messages import StatementRow
from keys.documents.envelope import Receipt
from keys.documents.receipts import SignedReceipts
from keys.keystore.key_changes import BeginEpoch, FinishEpoch, RenewEnc
from keys.primitives.batch import Proof
from keys.primitives.domains import STATEMENT
from keys.primitives.encoding import b64u

PEER, OTHER = first_of("b").node, first_of("d").node
HOUR = 3_600


def name(ref: int) -> str:
    """The id of a message."""
    return b64u(bytes([ref]) * 16)


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Threads that sign, and end with the test."""
    made = Workers()
    yield made
    made.shutdown()


class Desk:
    """A node to which messages came, which were erased here."""

    def __init__(self, home: Home, store: Store, vault: ContentSealer, workers: Workers) -> None:
        clock: Any = home.clock
        self.home, self.content = home, Content(store, vault)
        self.receipts = ErasureReceipts(
            content=self.content, identity=home.identity, workers=workers, wakeups=home.wakeups, clock=clock
        )

    async def erased(self, ref: int, *, epoch: int = 0, kids: tuple[str, ...] = (), **changed: Any) -> str:
        """A message that came was erased in a storage epoch; its envelope was sealed for these keys. Its hash."""
        said = SENDER.statement(rcp=kids or (A.enc.kid,)).encode()
        proof = Proof.parse(prove(A.sig, STATEMENT, said), STATEMENT, said)
        usual = {"direction": "in", "state": "opened", "peer": PEER, "n": 10 + ref, "epoch": 1, "at": NOW - 9}
        usual["id"] = name(ref)
        of = b64u(bytes([ref]) * 32)

        def move(connection: Connection) -> None:
            messages.add(connection, [rows.message(ref, **usual | changed)])
            messages.add_statements(connection, [StatementRow(hash=of, message=ref, evidence=50 + ref, created=1)])
            content.put(connection, [self.content.sealer.seal(50 + ref, content_codec.evidence(said, proof))])
            done = ErasureRow(
                ref=500 + ref, message=ref, at=1, reason="objection", epoch=epoch, place="not_held", told=None
            )
            erasures.add(connection, [done])

        await self.content.store.move(move)
        return of

    async def told(self) -> dict[str, list[Receipt]]:
        """The receipts that are owed, by who sent what they are about."""
        found: dict[str, list[Receipt]] = {}
        for peer in (PEER, OTHER):
            owed = await self.content.store.read(lambda c, peer=peer: receipts.owed(c, peer, 99))
            if owed:
                signed = await self.content.store.read(
                    lambda c, owed=owed: receipts.signed(c, [row for _, row in owed])
                )
                found[peer] = [one for kept in signed for one in kept.receipts]
        return found

    async def marks(self) -> list[int | None]:
        """When each erasure was told."""
        query = "select told from erasure order by ref"
        return await self.content.store.read(lambda c: [row[0] for row in c.exec_driver_sql(query)])

    def seeds(self) -> dict[str, int]:
        """The encryption keys that are there, with when each was made."""
        return {one.kid: one.made for one in self.home.keys.listing() if one.use == "enc"}


@pytest.fixture
async def desk(store: Store, vault: ContentSealer, workers: Workers) -> Desk:
    """A node with the encryption key of its first day, which it has shown."""
    made = Desk(await Home.open("a"), store, vault, workers)
    await made.home.own.issue_keyset()
    return made


async def test_a_sender_is_told_what_of_it_is_erased(desk: Desk) -> None:
    """By a signed receipt of each message, which is owed from then on; once."""
    of = await desk.erased(1)
    desk.home.clock.at += 7
    await desk.receipts.tell()
    own = desk.home.own.descriptor
    (receipt,) = (await desk.told())[PEER]
    assert (receipt.of, receipt.msg, receipt.n, receipt.status, receipt.at) == (of, name(1), 11, "erased", NOW + 7)
    assert (receipt.from_, receipt.from_desc, receipt.to) == (own.node, own.version, PEER)
    assert await desk.marks() == [NOW + 7]
    assert desk.home.wakeups.outgoing(NodeId(PEER)).is_set()
    (entry,) = [one for _, one in await desk.content.store.read(journal.leaves)]
    owed = await desk.content.store.read(lambda c: receipts.owed(c, PEER, 9))
    (kept,) = await desk.content.store.read(lambda c: receipts.signed(c, [row for _, row in owed]))
    assert isinstance(kept, SignedReceipts)
    words = (b'"ev":"receipts.issued"', kept.batch.hash.encode(), PEER.encode(), b'"at":%d' % (NOW + 7))
    assert all(word in entry for word in words)
    await desk.receipts.tell()
    assert len((await desk.told())[PEER]) == 1


async def test_each_sender_is_told_of_its_own(desk: Desk) -> None:
    """Together, in one batch for each, however many there are."""
    await desk.erased(1)
    await desk.erased(2, peer=OTHER)
    await desk.erased(3)
    await desk.receipts.tell()
    told = await desk.told()
    assert {peer: sorted(one.msg for one in found) for peer, found in told.items()} == {
        PEER: [name(1), name(3)],
        OTHER: [name(2)],
    }
    assert len(await desk.content.store.read(journal.leaves)) == 2


async def test_many_are_told_in_several_batches(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as one batch has room for at a time."""
    monkeypatch.setattr(erased_receipts, "MOST", 2)
    for ref in (1, 2, 3):
        await desk.erased(ref)
    await desk.receipts.tell()
    assert sorted(one.msg for one in (await desk.told())[PEER]) == [name(1), name(2), name(3)]
    assert len(await desk.content.store.read(journal.leaves)) == 2


async def test_nobody_is_told_while_something_opens_it(desk: Desk) -> None:
    """The key of its storage epoch is there; what this node sent, and what had no number, is told to nobody."""
    await desk.erased(1, epoch=desk.home.keys.epoch)
    await desk.erased(2, direction="out")
    await desk.erased(3, n=None, epoch=0)
    await desk.receipts.tell()
    assert (await desk.told(), await desk.marks()) == ({}, [None, None, None])
    before = desk.home.keys.epoch
    desk.home.keys.change(BeginEpoch(NOW))
    await desk.receipts.tell()
    assert await desk.told() == {}
    desk.home.keys.change(FinishEpoch(before))
    await desk.receipts.tell()
    assert [one.msg for one in (await desk.told())[PEER]] == [name(1)]


async def test_a_node_that_signs_nothing_tells_it_later(desk: Desk) -> None:
    """No seed goes either."""
    await desk.erased(1)
    signers, desk.home.keys._signers = desk.home.keys._signers, {}
    before = desk.seeds()
    await desk.receipts.tell()
    assert (await desk.told(), desk.seeds()) == ({}, before)
    desk.home.keys._signers = signers
    await desk.receipts.tell()
    assert len(await desk.told()) == 1


async def test_a_machine_that_has_not_followed_is_waited_for(desk: Desk) -> None:
    """It has the seeds still."""
    await desk.erased(1)
    other = Machine(id="m2", host="second", gen=1, step=1, epoch=99, since=NOW, seen=NOW)

    def behind(connection: Connection) -> None:
        machine_store.add_machine(connection, other)
        connection.exec_driver_sql(
            "insert into keystore_step (gen, before, mark, sealed) values (2, x'00', x'01', null)"
        )

    await desk.content.store.move(behind)
    await desk.receipts.tell()
    assert (await desk.told(), await desk.marks()) == ({}, [None])
    await desk.content.store.move(lambda c: c.exec_driver_sql("delete from key_machine"))
    await desk.receipts.tell()
    assert len(await desk.told()) == 1


# --- the seeds of its envelope ----------------------------------------------------------------------------------------


async def three_seeds(desk: Desk) -> list[str]:
    """Encryption keys that were made at NOW and 13 and 26 hours later; it is 30 hours later now."""
    for hours in (13, 26):
        desk.home.clock.at = NOW + hours * HOUR
        desk.home.keys.change(RenewEnc(desk.home.clock.at))
    desk.home.clock.at = NOW + 30 * HOUR
    seeds = desk.seeds()
    assert len(seeds) == 3
    return sorted(seeds, key=lambda kid: seeds[kid])


@pytest.mark.parametrize(
    ("arrived", "named", "left"),
    [
        (NOW - 1, None, 3),
        (NOW, None, 2),
        (NOW + 13 * HOUR - 1, None, 2),
        (NOW + 13 * HOUR, None, 1),
        (NOW + 29 * HOUR, None, 0),
        (NOW - 1, 0, 2),
        (NOW - 1, 1, 1),
        (NOW + 13 * HOUR, 0, 1),
    ],
)
async def test_seeds_that_may_open_its_envelope_go(desk: Desk, arrived: int, named: int | None, left: int) -> None:
    """Those that were there when it came, and those that it was sealed for with all that are older."""
    seeds = await three_seeds(desk)
    await desk.erased(1, at=arrived, kids=() if named is None else (seeds[named],))
    await desk.receipts.tell()
    assert set(seeds) & set(desk.seeds()) == set(seeds[3 - left :])
    assert len(await desk.told()) == 1


async def test_the_youngest_of_several_messages_counts(desk: Desk) -> None:
    """They are told together, so their seeds go together."""
    seeds = await three_seeds(desk)
    await desk.erased(1, at=NOW + 13 * HOUR)
    await desk.erased(2, at=NOW - 1)
    await desk.receipts.tell()
    assert set(desk.seeds()) == {seeds[2]}


async def test_of_what_came_again_nobody_knows_when(desk: Desk) -> None:
    """Its link began anew, and it used a number of the new epoch: every seed of today goes."""
    seeds = await three_seeds(desk)
    await desk.erased(1)
    number = NumberRow(n=1, id=name(1), prev=None, link="l" * 43)
    await desk.content.store.move(lambda c: links.use(c, PEER, links.IN, 2, [number], 1))
    await desk.receipts.tell()
    assert not set(seeds) & set(desk.seeds())


async def test_without_a_seed_it_is_told_at_once(desk: Desk) -> None:
    """There is nothing to wait for, and no keyset is issued for it."""
    await desk.home.own.destroy_all_keys()
    version = desk.home.own.keyset.version
    await desk.erased(1)
    await desk.receipts.tell()
    assert (len(await desk.told()), desk.home.own.keyset.version) == (1, version)
