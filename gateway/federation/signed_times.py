"""The times that peers signed: each answer's `created`, compared and never judged (nrm1 12.17)."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.federation.time_rules import Reading, Signed
from gateway.foundation.ids import NodeId
from gateway.ports import Clock


def read_clocks(clock: Clock) -> Reading:
    """Read both clocks of the machine."""
    return Reading(clock.now(), clock.monotonic())


class SignedTimes:
    """The newest time that each peer signed in an answer since the start of this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._signed: dict[NodeId, Signed] = {}

    def note(self, node: NodeId, created: int) -> None:
        """Remember what a proven peer signed just now, in an answer that nobody can have recorded before."""
        self._signed[node] = Signed(created, read_clocks(self._clock))

    @property
    def signed(self) -> Mapping[NodeId, Signed]:
        """The newest of each peer, by its node id."""
        return self._signed
