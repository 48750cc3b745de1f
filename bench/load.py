"""The loads: clients that submit through the local API and wait until a receipt came back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle

from bench.clients import DELIVERED, Client, Exchange, connect
from bench.pair import Pair
from gateway.errors import Code, TransientError

WARM_UP = 1.5
"""Seconds of load that are not counted."""
CALLERS = 4
"""Clients of the load in bulk: while the messages of one call are under way, others submit."""
MOST_FLYING = 1_000
"""Messages of an open load that may be under way."""

Run = Callable[[Client, list[Exchange], float], Awaitable[None]]
"""A load: it notes each exchange, and begins none after the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Result of one load: milliseconds per message until `delivered` and until `received`, CPU of both nodes with
    their key services in milliseconds per message; where their rows are on a server, its CPU and the statements that
    it was given, per message.
    """

    clients: int
    seconds: float
    messages: int
    per_second: float
    p50_ms: float
    p99_ms: float
    received_p50_ms: float
    received_p99_ms: float
    cpu_ms: float
    server_ms: float = 0.0
    statements: float | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken since the beginning: CPU seconds of the nodes and of their database server, its statements."""

    cpu: float
    server: float
    statements: int | None


def run_closed_load(
    pair: Pair, *, seconds: float, clients: int, until: str = DELIVERED, warm_up: float = WARM_UP
) -> Load:
    """Keep `clients` busy at once: each sends its next message when the last one was receipted. With `until` set to
    `RECEIVED` it does not wait for the hand-over, as a client of a system without one does not.
    """

    async def run(client: Client, done: list[Exchange], end: float) -> None:
        async def one() -> None:
            while time.monotonic() < end:
                done.append(await client.exchange(until=until))

        await asyncio.gather(*(one() for _ in range(clients)))

    return asyncio.run(_timed(pair, run, seconds, clients, warm_up=warm_up))


def run_bulk_load(pair: Pair, *, seconds: float) -> Load:
    """Keep a few callers busy: each sends `IN_BULK` drafts in one call, and the next when all were receipted."""

    async def run(client: Client, done: list[Exchange], end: float) -> None:
        async def one() -> None:
            while time.monotonic() < end:
                done.extend(await client.exchange_many())

        await asyncio.gather(*(one() for _ in range(CALLERS)))

    return asyncio.run(_timed(pair, run, seconds, CALLERS))


def run_open_load(pair: Pair, *, seconds: float, per_second: int) -> Load:
    """Send `per_second` messages each second, however long they take."""

    async def run(client: Client, done: list[Exchange], end: float) -> None:
        await send_openly(client, done, end, per_second)

    return asyncio.run(_timed(pair, run, seconds, 0))


async def send_openly(
    client: Client,
    done: list[Exchange],
    end: float,
    per_second: int,
    *,
    most: int = MOST_FLYING,
    bodies: Iterable[bytes | None] = (None,),
) -> None:
    """Submit `per_second` messages each second until the end, one of `bodies` after the other, and wait for all of
    them.

    While `most` are under way the next ones wait, as they would in the offices: a node that is asked for more than it
    can do is not asked for more and more. The rate that was reached shows it.
    """

    async def one() -> None:
        done.append(await client.exchange(next(following)))

    following, begun, sent, flying = cycle(bodies), time.monotonic(), 0, set[asyncio.Task[None]]()
    try:
        while time.monotonic() < end:
            flying.add(asyncio.create_task(one()))
            sent += 1
            await asyncio.sleep(max(0.0, begun + sent / per_second - time.monotonic()))
            over = {task for task in flying if task.done()}
            if len(flying) >= most and not over:
                over, _ = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
            flying -= over
            await asyncio.gather(*over)
        await asyncio.gather(*flying)
    finally:
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)


def run_given_load(pair: Pair, *, bodies: Sequence[bytes], clients: int) -> Load:
    """Send these messages, in their order, by so many clients at once; without a warm-up, since each is there once."""
    left = iter(bodies)

    async def run(client: Client, done: list[Exchange], _end: float) -> None:
        async def one() -> None:
            for body in left:
                done.append(await client.exchange(body))

        await asyncio.gather(*(one() for _ in range(clients)))

    return asyncio.run(_timed(pair, run, 0, clients, warm_up=0))


def send_some(pair: Pair, *, messages: int, clients: int) -> None:
    """Send so many messages, untimed."""

    async def run() -> None:
        async with connect(pair) as client:
            left = iter(range(messages))

            async def one() -> None:
                for _ in left:
                    await client.exchange()

            await asyncio.gather(*(one() for _ in range(clients)))

    asyncio.run(run())


async def _timed(pair: Pair, run: Run, seconds: float, clients: int, *, warm_up: float = WARM_UP) -> Load:
    async with connect(pair) as client:
        if warm_up:
            await run(client, [], time.monotonic() + warm_up)
        done: list[Exchange] = []
        before, begun = _read_taken(pair), time.monotonic()
        await run(client, done, begun + seconds)
        took, after = time.monotonic() - begun, _read_taken(pair)
        await client.drained()
    if not done:
        raise TransientError(Code.UNREACHABLE, "no message was receipted")
    delivered = sorted(one.delivered for one in done)
    received = sorted(one.received for one in done)
    return Load(
        clients=clients,
        seconds=round(took, 2),
        messages=len(done),
        per_second=round(len(done) / took, 1),
        p50_ms=find_ms(delivered, 50),
        p99_ms=find_ms(delivered, 99),
        received_p50_ms=find_ms(received, 50),
        received_p99_ms=find_ms(received, 99),
        cpu_ms=round(1000 * (after.cpu - before.cpu) / len(done), 2),
        server_ms=round(1000 * (after.server - before.server) / len(done), 2),
        statements=(
            None
            if before.statements is None or after.statements is None
            else round((after.statements - before.statements) / len(done), 1)
        ),
    )


def _read_taken(pair: Pair) -> Taken:
    server = pair.server
    if server is None:
        return Taken(pair.cpu(), 0.0, None)
    return Taken(pair.cpu(), server.cpu, server.statements)


def find_ms(times: Sequence[float], percent: int) -> float:
    """Return the milliseconds within which so many percent of the sorted `times`, in seconds, were over."""
    return round(1000 * times[min(len(times) - 1, len(times) * percent // 100)], 1)
