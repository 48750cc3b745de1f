"""A node that is made again of a backup, whatever its clock said when that was made."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.drill import drills
from support.three_led import led

from gateway.errors import Code, RefusedError

HOUR = 3_600


def test_a_backup_by_a_clock_that_was_behind_opens():
    """The node's own descriptor was issued before the clock was set back: it is no document of the future."""
    with led() as three:
        three.refer("AL", "FR")
        three.trio.set_clock("AL", -HOUR)
        three.do(three.restores.back_up("AL"))
        three.do(three.restores.lose("AL", ledger=True))
        assert three.acts.met["restored with its ledger"] == 1


async def test_a_machine_whose_clock_is_behind_too_makes_no_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By that clock no key of the node is valid yet, and it could sign nothing: people set the clock first. The backup
    was signed in the minute before the node noticed that.
    """

    async def not_yet() -> None:
        pass

    async with drills(tmp_path) as drill:
        monkeypatch.setattr(drill.two.fr.running.upkeep, "keys", not_yet)
        drill.two.clock.jump(-HOUR)
        data, keystore = await drill.backup()
        await drill.lose()
        with pytest.raises(RefusedError) as refused:
            await drill.restore(data, keystore)
        assert (refused.value.code, drill.two.fr.folder.exists()) == (Code.CLOCK, False)
        drill.two.clock.jump(HOUR)
        await drill.restore(data, keystore)
        assert drill.two.fr.running.keys.may_speak
