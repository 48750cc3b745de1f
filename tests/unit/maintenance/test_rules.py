"""How long maintenance lasts: it is bounded, over by itself, and no damaged row or wrong clock keeps a node away."""

from __future__ import annotations

import pytest

from gateway.errors import RefusedError
from gateway.maintenance.rules import (
    LONGEST,
    SHORTEST,
    SLACK,
    Maintenance,
    Reason,
    decode_maintenance,
    encode_maintenance,
    plan_maintenance,
)

NOW = 1_800_000_000


def test_it_is_over_by_itself():
    """To the second, and counted from its beginning."""
    planned = plan_maintenance(NOW, 600, Reason.UPGRADE)
    left = {after: planned.seconds_left(NOW + after) for after in (0, 1, 599, 600, 601)}
    assert left == {0: 600, 1: 599, 599: 1, 600: 0, 601: 0}


def test_a_clock_that_was_ahead_does_not_make_it_longer():
    """A clock that is set right by minutes changes nothing; one that was years ahead ends it."""
    planned = plan_maintenance(NOW, 600, Reason.PLANNED)
    assert planned.seconds_left(NOW - SLACK) == 600 + SLACK
    assert planned.seconds_left(NOW - SLACK - 1) == 0


@pytest.mark.parametrize("seconds", [0, SHORTEST - 1, LONGEST + 1, 10**9])
def test_a_time_without_bounds_is_refused(seconds: int):
    """Nobody forgets a node in it."""
    with pytest.raises(RefusedError, match="nothing was changed"):
        plan_maintenance(NOW, seconds, Reason.PLANNED)


def test_what_is_kept_is_read_as_it_was_written():
    """For every reason; what else stands there is none, and a longer time than is allowed is not believed."""
    for reason in Reason:
        planned = plan_maintenance(NOW, LONGEST, reason)
        assert decode_maintenance(encode_maintenance(planned)) == planned
    for damaged in (b"", b"{}", b"[]", b"\xff", b'{"reason":"party","since":1,"until":2}', b'{"reason":"repair"}'):
        assert decode_maintenance(damaged) is None
    for_ever = Maintenance(since=NOW, until=NOW + 10**9, reason=Reason.REPAIR)
    found = decode_maintenance(encode_maintenance(for_ever))
    assert found is not None and found.until == NOW + LONGEST
