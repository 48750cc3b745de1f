"""How many requests to one peer are in flight, and what waits for them (nrm1 12.19)."""

from __future__ import annotations

import asyncio

IN_FLIGHT = 3
"""Requests to one peer at a time: enough to keep both sides busy over real round-trip times."""

PARTIAL = 2
"""Of them, those behind which one that is not full waits: while the peer works on one, the next is made here. What
gathers meanwhile shares its signature, its commit and its round trip."""

ROUND_TRIP = 5.0
"""Seconds at most in which a withdrawal waits for what is in flight and may rely on its consent (nrm1 12.19)."""


async def answered(flying: set[asyncio.Future[None]]) -> set[asyncio.Future[None]]:
    """Wait for all of them, one round trip at most; raises what one of them raised; returns those that are left."""
    done, rest = await asyncio.wait(flying, timeout=ROUND_TRIP)
    for task in done:
        task.result()
    return rest


async def first_of(flying: set[asyncio.Future[None]]) -> set[asyncio.Future[None]]:
    """Wait for one to end; raises what it raised; returns the others."""
    done, rest = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    return rest
