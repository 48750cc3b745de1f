"""A node that is made again of a backup, whatever its clock said when that was made."""

from __future__ import annotations

from support.three_led import led

HOUR = 3_600


def test_a_backup_by_a_clock_that_was_behind_opens():
    """The node's own descriptor was issued before the clock was set back: it is no document of the future."""
    with led() as three:
        three.refer("AL", "FR")
        three.trio.set_clock("AL", -HOUR)
        three.do(three.restores.back_up("AL"))
        three.do(three.restores.lose("AL", ledger=True))
        assert three.acts.met["restored with its ledger"] == 1
