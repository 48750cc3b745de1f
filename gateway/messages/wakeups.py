"""Signals between the loops of a node: wake-ups, and the event stream for whoever follows it.

What is told here is told to this process. Where a node has other workers, `tell` hands it on to them, and what they
tell is heard (`hear`) without being told once more.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from gateway.foundation.ids import NodeId
from gateway.foundation.telemetry.request_ids import RequestTrail

HANDOVER: Final = "handover"
TRUST: Final = "trust"
EVENTS: Final = "events"
OUTGOING: Final = "outgoing "
"""Followed by a node id, as the next."""
CALLED: Final = "called "
TRUSTING: Final = "trusting "

Tell = Callable[[str], None]


def _nobody(_hint: str) -> None:
    """There is no other worker."""


class Signal(asyncio.Event):
    """An event that other workers are told of when it is set here."""

    def __init__(self, hint: str, tell: Callable[[], Tell]) -> None:
        super().__init__()
        self._hint = hint
        self._tell = tell

    def set(self) -> None:
        """Wake what waits here, and tell the other workers."""
        super().set()
        self._tell()(self._hint)

    def hear(self) -> None:
        """Wake what waits here: another worker has told it."""
        super().set()


class Wakeups:
    """Wake-ups between loops. Setting one is always safe and never waits."""

    def __init__(self) -> None:
        self.tell: Tell = _nobody
        self._outgoing: dict[str, Signal] = {}
        self.handover = Signal(HANDOVER, lambda: self.tell)
        self.trust = Signal(TRUST, lambda: self.tell)  # a trust record waits to be brought to a peer
        self.trusting: set[str] = set()  # peers that have just sent one: they take ours now
        self.called: set[str] = set()
        self.trail = RequestTrail()  # by which request a message came that another loop takes further

    def outgoing(self, peer: NodeId) -> Signal:
        """Set when something waits for this peer: a message, a void, a receipt, or the peer called."""
        found = self._outgoing.get(peer)
        if found is None:
            found = self._outgoing[peer] = Signal(OUTGOING + peer, lambda: self.tell)
        return found

    def wake_senders(self) -> None:
        """Let every sender look at once, as when nothing keeps the node from sending any more."""
        for event in self._outgoing.values():
            event.set()

    def peer_called(self, peer: NodeId) -> None:
        """The peer is there: forget the backoff (nrm1 12.14)."""
        self.called.add(peer)
        self.outgoing(peer).hear()
        self.tell(CALLED + peer)

    def peer_trusts(self, peer: NodeId) -> None:
        """The peer has just sent a trust record: it takes ours now, whatever it did before."""
        self.trusting.add(peer)
        self.tell(TRUSTING + peer)
        self.trust.set()

    def hear(self, hint: str) -> None:
        """Take what another worker has told; nothing for what this version does not know."""
        if hint == HANDOVER:
            self.handover.hear()
        elif hint == TRUST:
            self.trust.hear()
        elif hint.startswith(TRUSTING):
            self.trusting.add(hint.removeprefix(TRUSTING))
            self.trust.hear()
        elif hint.startswith(OUTGOING):
            self.outgoing(NodeId(hint.removeprefix(OUTGOING))).hear()
        elif hint.startswith(CALLED):
            peer = NodeId(hint.removeprefix(CALLED))
            self.called.add(peer)
            self.outgoing(peer).hear()

    def hear_all(self) -> None:
        """Let every loop look: something may have been told that was not heard."""
        for signal in (self.handover, self.trust, *self._outgoing.values()):
            signal.hear()


class EventStream:
    """Tells everybody who follows the event stream that it has grown."""

    def __init__(self) -> None:
        self.tell: Tell = _nobody
        self._grown = asyncio.Condition()
        self.happenings = 0

    async def happened(self) -> None:
        """Tell everybody who follows the event stream."""
        self.tell(EVENTS)
        await self.hear()

    async def hear(self) -> None:
        """Another worker has told that it has grown."""
        async with self._grown:
            self.happenings += 1
            self._grown.notify_all()

    async def wait_for_more(self, since: int, seconds: float) -> None:
        """Wait until something happened after `happenings` was `since`, and at most for so long."""
        async with self._grown:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):  # wait_for of Python 3.11 can swallow a cancellation
                    await self._grown.wait_for(lambda: self.happenings != since)
