"""The times that peers signed: the newest of each, with our own clocks beside it."""

from __future__ import annotations

from gateway.federation.signed_times import SignedTimes, read_clocks
from gateway.foundation.clock import SystemClock
from gateway.foundation.ids import NodeId

A, B = NodeId("n1" + "a" * 32), NodeId("n1" + "b" * 32)


def test_the_newest_answer_of_each_peer_counts() -> None:
    """A later answer takes the place of an earlier one, also with an earlier time; nothing is judged."""
    times = SignedTimes(SystemClock())
    before = read_clocks(SystemClock())
    times.note(A, 100)
    times.note(B, 300)
    times.note(A, 90)
    assert {node: signed.at for node, signed in times.signed.items()} == {A: 90, B: 300}
    assert times.signed[B].came.ran >= before.ran
