"""A rotation of the storage epoch that was cut off is ended at a later start, and not before the time is confirmed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from support.pair import two_nodes

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
