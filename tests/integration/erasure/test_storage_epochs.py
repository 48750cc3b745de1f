"""A rotation of the storage epoch that was cut off is ended at a later start, and not before the time is confirmed; one
that an erasure could not even begin is made up for.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.pair import two_nodes
from support.persons import BEN

from gateway.errors import Code, TransientError
from keys.keystore.key_changes import BeginEpoch

DAY = 86_400


async def test_a_rotation_that_was_cut_off_waits_for_a_confirmed_time(tmp_path: Path) -> None:
    """It destroys a key, which is no less final at a start than later: with a clock that nobody has confirmed the old
    key stays, and it goes once the peer's clock agrees.
    """
    async with two_nodes(tmp_path) as two:
        await two.al.stop()
        await two.fr.rest()
        two.fr.running.keys.change(BeginEpoch(two.clock.now()))
        old = list(two.fr.running.keys.old_epochs)
        await two.fr.stop()
        two.clock.advance(200 * DAY)
        await two.fr.start()
        for _ in range(100):
            await asyncio.sleep(0.01)
            two.clock.advance(2)
        assert list(two.fr.running.keys.old_epochs) == old != []
        assert not await two.fr.running.time.is_confirmed()
        await two.al.start()

        async def ended() -> bool:
            return not two.fr.running.keys.old_epochs

        await two.until(ended, seconds=7_200)
        assert await two.fr.running.time.is_confirmed()


async def test_an_epoch_that_could_not_end_ends_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key service was away when a person had something erased, and repeating that erases nothing more. What opens a
    copy of the data key goes within minutes all the same, not in a week, and the sender gets its receipt.
    """
    async with two_nodes(tmp_path) as two:
        id = await two.fr.submit("AL-1")
        await two.until(lambda: "AL-1" in two.al.notes(), seconds=30)
        node = two.al.running
        change, before = node.keys.change, node.epochs.current

        def away(_change: object) -> None:
            raise TransientError(Code.UNREACHABLE, "the key service is away")

        monkeypatch.setattr(node.keys, "change", away)
        with pytest.raises(TransientError):
            await two.al.call("message.erase", id=id, reason="misdirected", by=BEN)
        assert node.epochs.current == before
        monkeypatch.setattr(node.keys, "change", change)

        async def told() -> bool:
            return "erased" in [one["status"] for one in (await two.fr.call("message.show", id=id))["receipts"]]

        await two.until(told, seconds=600)
        assert (node.epochs.current, node.keys.old_epochs) == (before + 1, ())
