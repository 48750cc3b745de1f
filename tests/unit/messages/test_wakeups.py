"""Loops wake each other without losing a call that comes between looking and waiting."""

from __future__ import annotations

import asyncio

from support.patience import PATIENCE

from gateway.messages.wakeups import EventStream, Wakeups

LATER = 2 * PATIENCE
"""Seconds after which a reader looks by itself."""


async def test_what_happened_before_the_wait_is_not_lost():
    """A reader that looked, and waits only now, goes on at once."""
    events = EventStream()
    seen = events.happenings
    await events.happened()
    await asyncio.wait_for(events.wait_for_more(seen, LATER), PATIENCE)


async def test_every_waiting_reader_is_woken():
    """By one call."""
    events = EventStream()
    readers = [asyncio.create_task(events.wait_for_more(0, LATER)) for _ in range(5)]
    await asyncio.sleep(0)
    await events.happened()
    await asyncio.wait_for(asyncio.gather(*readers), PATIENCE)


async def test_a_wait_ends_by_itself():
    """A reader looks again after its pause, and the stream is whole afterwards."""
    events = EventStream()
    await asyncio.wait_for(events.wait_for_more(0, 0.01), PATIENCE)
    await asyncio.wait_for(events.happened(), PATIENCE)


async def test_a_peer_that_calls_wakes_its_sender():
    """And ends the backoff."""
    wakeups = Wakeups()
    wakeups.peer_called("n1x")
    assert wakeups.outgoing("n1x").is_set()
    assert "n1x" in wakeups.called
    assert not wakeups.outgoing("n1y").is_set()
