"""gateway.erasure.storage_epochs: an epoch ends when every data key is wrapped anew, and not by a clock in doubt."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs
from support.keystores import fails
from support.nodes import NOW
from support.trust_homes import Home, first_of

from gateway.database import content, journal, meta
from gateway.database.content import SealedRow
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.erasure import storage_epochs
from gateway.erasure.storage_epochs import StorageEpochs
from gateway.errors import Code, RefusedError
from gateway.foundation.chores import DAY, HOUR, MINUTE
from gateway.identity.machine_store import list_machines
from gateway.identity.machines import GENERATION, settle_machine
from keys.keystore.key_changes import BeginEpoch
from keys.keystore.keystore import system_rand

pytestmark = pytest.mark.usefixtures("plain_logs")

PEER = first_of("b")
LEFT = "; no key was destroyed$"
"""How it is refused by a clock in doubt."""


class Others:
    """Who forgets what was read, and who tells what is erased."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def forget(self) -> None:
        """What is in memory of conversations."""
        self.done.append("forgot")

    async def tell(self) -> None:
        """The receipts."""
        self.done.append("told")


class Disk:
    """A node with content on its disk."""

    def __init__(self, home: Home, store: Store) -> None:
        others: Any = Others()
        clock: Any = home.clock
        self.home, self.store, self.others = home, store, others
        self.sealer = ContentSealer(home.keys, system_rand)
        self.epochs = StorageEpochs(
            store=store, keys=home.keys, receipts=others, loader=others, time=home.time, epoch_days=7, clock=clock
        )

    def confirmed(self) -> None:
        """A peer has signed the time of this clock just now."""
        self.home.times.note(PEER.node, self.home.clock.at)

    async def keep(self, *refs: int) -> None:
        """Seal rows under the epoch of now."""
        await self.store.move(lambda c: content.put(c, [self.sealer.seal(ref, b"row %d" % ref) for ref in refs]))

    async def read(self, *refs: int) -> list[SealedRow]:
        """The rows as they are."""
        found = await self.store.read(lambda c: content.get(c, refs))
        return [found[ref] for ref in refs]

    async def entries(self) -> list[bytes]:
        """What the log says."""
        return [entry for _, entry in await self.store.read(journal.leaves)]


@pytest.fixture
async def disk(store: Store) -> Disk:
    """Of a node that has met another one."""
    return Disk(await Home.open("a", PEER), store)


async def test_what_is_done_how_often(disk: Disk) -> None:
    """A new epoch when it is due; a rotation that was cut off ends soon."""
    found = [(chore.name, chore.every, chore.run) for chore in disk.epochs.chores()]
    assert found == [
        ("storage epoch", HOUR, disk.epochs.rotate_if_due),
        ("unfinished rotation", MINUTE, disk.epochs.finish_rotation),
    ]


async def test_every_row_is_wrapped_anew_and_the_old_key_goes(disk: Disk) -> None:
    """In as many batches as it takes; what is read stays readable, and the log says which epoch it is."""
    disk.confirmed()
    before = disk.epochs.current
    await disk.keep(1, 2, 3)
    old = await disk.read(1, 2, 3)
    disk.home.clock.at += 5
    await disk.epochs.rotate()
    rows = await disk.read(1, 2, 3)
    assert [disk.sealer.open(row) for row in rows] == [b"row 1", b"row 2", b"row 3"]
    assert ({row.epoch for row in rows}, disk.epochs.current) == ({before + 1}, before + 1)
    assert (disk.home.keys.epoch, disk.home.keys.old_epochs) == (before + 1, ())
    assert disk.home.keys.epoch_made == NOW + 5
    for row in old:
        with pytest.raises(RefusedError):
            disk.sealer.open(row)
    assert disk.others.done == ["forgot", "told"]
    (entry,) = await disk.entries()
    assert all(
        word in entry for word in (b'"ev":"epoch.rotated"', b'"epoch":%d' % (before + 1), b'"at":%d' % (NOW + 5))
    )
    noted = await disk.store.read(lambda c: meta.get_meta(c, GENERATION))
    assert noted == str(disk.home.keys.gen).encode()


async def test_rows_are_wrapped_in_batches(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are."""
    monkeypatch.setattr(storage_epochs, "REWRAP_BATCH", 2)
    disk.confirmed()
    await disk.keep(1, 2, 3, 4, 5)
    await disk.epochs.rotate()
    assert {row.epoch for row in await disk.read(1, 2, 3, 4, 5)} == {disk.epochs.current}
    assert disk.home.keys.old_epochs == ()


async def test_no_key_is_destroyed_by_a_clock_in_doubt(disk: Disk) -> None:
    """No epoch begins either, also where something was erased in this one; one that was cut off waits as well."""
    before = disk.epochs.current
    await disk.store.move(lambda c: storage_epochs.end_with(c, before))
    for end in (disk.epochs.rotate, disk.epochs.end_erased):
        with fails(Code.CLOCK, LEFT):
            await end()
    assert (disk.epochs.current, disk.home.keys.old_epochs) == (before, ())
    disk.home.keys.change(BeginEpoch(NOW))
    for _ in range(2):
        await disk.epochs.finish_rotation()
    assert disk.home.keys.old_epochs == (before,)
    disk.confirmed()
    await disk.epochs.finish_rotation()
    assert (disk.home.keys.old_epochs, len(await disk.entries())) == ((), 1)
    await disk.epochs.finish_rotation()
    assert len(await disk.entries()) == 1


async def test_an_epoch_in_which_something_was_erased_ends_once(disk: Disk) -> None:
    """Also where two look at the same time; one that is over already ends no other."""
    disk.confirmed()
    before = disk.epochs.current
    for noted, looks, epoch in ((before - 1, 1, before), (before, 2, before + 1), (before, 1, before + 1)):
        await disk.store.move(lambda c, noted=noted: storage_epochs.end_with(c, noted))
        await asyncio.gather(*(disk.epochs.end_erased() for _ in range(looks)))
        assert (disk.epochs.current, disk.home.keys.old_epochs) == (epoch, ())


async def test_an_epoch_of_a_node_that_may_have_several_machines(disk: Disk) -> None:
    """It ends as that of any other, and it is noted when this machine followed that."""
    clock: Any = disk.home.clock
    disk.home.keys.link()
    await settle_machine(disk.store, disk.home.keys, host="here", clock=clock)
    disk.confirmed()
    await disk.keep(1)
    before = disk.epochs.current
    clock.at += 5
    await disk.epochs.rotate()
    assert (disk.epochs.current, disk.home.keys.old_epochs) == (before + 1, ())
    assert disk.sealer.open((await disk.read(1))[0]) == b"row 1"
    (here,) = await disk.store.read(list_machines)
    assert (here.step, here.epoch, here.seen) == (disk.home.keys.step, before + 1, NOW + 5)


@pytest.mark.parametrize(
    ("age", "rotated"),
    [(0, False), (7 * DAY - 1, False), (7 * DAY, True), (-DAY, False), (-DAY - 1, True)],
    ids=["new", "a second early", "a week", "a day ahead", "of a future"],
)
async def test_an_epoch_lasts_as_long_as_is_set(disk: Disk, age: int, rotated: bool) -> None:
    """One of a future that was taken back ends at once."""
    before = disk.epochs.current
    disk.home.keys.change(BeginEpoch(NOW - age))
    disk.confirmed()
    await disk.epochs.finish_rotation()
    assert disk.epochs.current == before + 1
    await disk.epochs.rotate_if_due()
    assert disk.epochs.current == before + 1 + rotated


async def test_what_was_damaged_is_closed_for_ever_and_told(disk: Disk) -> None:
    """A data key that does not open holds up no rotation; the rows beside it are wrapped anew."""
    disk.confirmed()
    await disk.keep(1, 2)

    def damage(connection: Connection) -> None:
        connection.exec_driver_sql("update datakey set wrapped = x'00112233' where ref = 1")

    await disk.store.move(damage)
    disk.home.clock.at += 3
    with capture_logs() as said:
        await disk.epochs.rotate()
    assert said == [{"event": "epoch.damaged", "code": "undecryptable", "ref": 1, "log_level": "error"}]
    damaged, whole = await disk.read(1, 2)
    assert (damaged.wrapped, disk.sealer.open(whole)) == (bytes.fromhex("00112233"), b"row 2")
    assert (disk.home.keys.old_epochs, damaged.epoch) == ((), disk.epochs.current)
    (alarm,) = await disk.store.read(journal.open_alarms)
    assert (alarm.kind, alarm.ref, alarm.at) == ("content.damaged", 1, NOW + 3)


async def test_what_another_machine_stores_meanwhile_is_wrapped_too(disk: Disk) -> None:
    """Between the last batch and the end of the epoch: it is not closed before that."""
    disk.confirmed()
    await disk.keep(1)
    before, late, checkpoint = disk.epochs.current, disk.sealer.seal(2, b"row 2"), disk.store.checkpoint
    done: list[bool] = []

    async def stored_meanwhile(*, truncate: bool) -> Any:
        done.append(truncate)
        if len(done) == 1:
            await disk.store.move(lambda c: content.put(c, [late]))
        return await checkpoint(truncate=truncate)

    disk.store.checkpoint = stored_meanwhile
    await disk.epochs.rotate()
    assert late.epoch == before
    assert [disk.sealer.open(row) for row in await disk.read(1, 2)] == [b"row 1", b"row 2"]
    assert done == [True, True]


async def test_one_rotation_at_a_time(disk: Disk) -> None:
    """A second one waits for the first, and each ends the epoch before it."""
    disk.confirmed()
    await disk.keep(1)
    before = disk.epochs.current
    await asyncio.gather(disk.epochs.rotate(), disk.epochs.rotate())
    assert (disk.epochs.current, disk.home.keys.old_epochs) == (before + 2, ())
    assert disk.sealer.open((await disk.read(1))[0]) == b"row 1"
