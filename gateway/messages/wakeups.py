"""Signals between the loops of a node: wake-ups, and the event stream for whoever follows it."""

from __future__ import annotations

import asyncio
import contextlib

from gateway.foundation.ids import NodeId
from gateway.foundation.telemetry.request_ids import RequestTrail


class Wakeups:
    """Wake-ups between loops. Setting one is always safe and never waits."""

    def __init__(self) -> None:
        self._outgoing: dict[str, asyncio.Event] = {}
        self.handover = asyncio.Event()
        self.trust = asyncio.Event()  # a trust record waits to be brought to a peer
        self.trusting: set[str] = set()  # peers that have just sent one: they take ours now
        self.called: set[str] = set()
        self.trail = RequestTrail()  # by which request a message came that another loop takes further

    def outgoing(self, peer: NodeId) -> asyncio.Event:
        """Set when something waits for this peer: a message, a void, a receipt, or the peer called."""
        return self._outgoing.setdefault(peer, asyncio.Event())

    def wake_senders(self) -> None:
        """Let every sender look at once, as when nothing keeps the node from sending any more."""
        for event in self._outgoing.values():
            event.set()

    def peer_called(self, peer: NodeId) -> None:
        """The peer is there: forget the backoff (nrm1 12.14)."""
        self.called.add(peer)
        self.outgoing(peer).set()


class EventStream:
    """Tells everybody who follows the event stream that it has grown."""

    def __init__(self) -> None:
        self._grown = asyncio.Condition()
        self.happenings = 0

    async def happened(self) -> None:
        """Tell everybody who follows the event stream."""
        async with self._grown:
            self.happenings += 1
            self._grown.notify_all()

    async def wait_for_more(self, since: int, seconds: float) -> None:
        """Wait until something happened after `happenings` was `since`, and at most for so long."""
        async with self._grown:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):  # wait_for of Python 3.11 can swallow a cancellation
                    await self._grown.wait_for(lambda: self.happenings != since)
