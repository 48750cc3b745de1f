"""The load: clients that submit through the local API and wait until the `delivered` receipt came back."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from bench.pair import SENDER, Pair, encode_request
from gateway.cli.connection import credential
from gateway.errors import Code, TransientError
from gateway.ports import Json
from keys.keystore.keystore import system_rand
from keys.primitives.encoding import b64u

API = "http://localhost/api/v1"
WARM_UP = 1.5
"""Seconds of load that are not counted."""
PATIENCE = 60.0
"""Seconds after which a message counts as lost."""
IN_BULK = 32
"""Drafts of one call."""
CALLERS = 4
"""Clients of the load in bulk: while the messages of one call are under way, others submit."""
DELIVERED = "awaiting_opening"
"""The state of a message whose `delivered` receipt came back."""

USERS: Json = {"by": "u-1", "second_by": "u-2"}
"""The two users of the case system who release each message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Result of one load: milliseconds per message, CPU of both nodes in milliseconds per message."""

    clients: int
    seconds: float
    messages: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float


class _Client:
    """One session with the sender's local API, and its event stream."""

    def __init__(self, pair: Pair, session: aiohttp.ClientSession) -> None:
        self._pair = pair
        self._session = session
        self._body = encode_request(pair.referral | {"attested": USERS})
        self._early: set[str] = set()
        self._waiting: dict[str, asyncio.Future[None]] = {}

    async def exchange(self) -> float:
        """Submit one message and return the seconds until its `delivered` receipt was here."""
        begun = time.monotonic()
        headers = {"Idempotency-Key": b64u(system_rand(12)), "Content-Type": "application/json"}
        async with self._session.post(f"{API}/messages", data=self._body, headers=headers) as response:
            answer = await response.json()
            if response.status != 201:
                raise TransientError(Code.UNREACHABLE, f"a submission was answered {response.status}")
        return await self._receipted(str(answer["id"]), begun)

    async def exchange_many(self) -> list[float]:
        """Submit a call of drafts and return for each the seconds until its `delivered` receipt was here."""
        begun = time.monotonic()
        keys = [b64u(system_rand(12)) for _ in range(IN_BULK + 1)]
        items = b",".join(b'{"key":"%s","draft":%s}' % (key.encode(), self._body) for key in keys[1:])
        headers = {"Idempotency-Key": keys[0], "Content-Type": "application/json"}
        async with self._session.post(f"{API}/messages/batch", data=b'{"items":[%s]}' % items, headers=headers) as said:
            answers = (await said.json())["items"] if said.status == 200 else []
        ids = [str(answer["submitted"]["id"]) for answer in answers if "submitted" in answer]
        if len(ids) != IN_BULK:
            raise TransientError(Code.UNREACHABLE, f"of {IN_BULK} drafts {len(ids)} were submitted")
        return [*await asyncio.gather(*(self._receipted(id, begun) for id in ids))]

    async def _receipted(self, id: str, begun: float) -> float:
        """Seconds from `begun` until the `delivered` receipt of a message was here."""
        if id not in self._early:
            self._waiting[id] = asyncio.get_running_loop().create_future()
            async with asyncio.timeout(PATIENCE):
                await self._waiting[id]
        self._early.discard(id)
        return time.monotonic() - begun

    async def follow(self) -> None:
        """Read the event stream until cancelled."""
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._session.get(f"{API}/events?after={self._pair.position}", timeout=timeout) as response:
            async for line in response.content:
                if line.startswith(b"id: "):
                    self._pair.position = int(line[4:])
                elif line.startswith(b"data: "):
                    self._told(json.loads(line[6:]))

    def _told(self, event: dict[str, object]) -> None:
        if event.get("state") != DELIVERED:
            return
        id = str(event["id"])
        waiter = self._waiting.pop(id, None)
        if waiter is None:
            self._early.add(id)
        elif not waiter.done():
            waiter.set_result(None)


@asynccontextmanager
async def _client(pair: Pair) -> AsyncIterator[_Client]:
    connector = aiohttp.UnixConnector(path=str(pair.node(SENDER) / "run" / "api.sock"), limit=1_000)
    async with aiohttp.ClientSession(connector=connector, headers=credential(pair.token)) as session:
        client = _Client(pair, session)
        follower = asyncio.create_task(client.follow())
        try:
            yield client
        finally:
            follower.cancel()
            await asyncio.gather(follower, return_exceptions=True)


def run_closed_load(pair: Pair, *, seconds: float, clients: int) -> Load:
    """Keep `clients` busy at once: each sends its next message when the last one was receipted."""

    async def run(client: _Client, times: list[float], end: float) -> None:
        async def one() -> None:
            while time.monotonic() < end:
                times.append(await client.exchange())

        await asyncio.gather(*(one() for _ in range(clients)))

    return asyncio.run(_timed(pair, run, seconds, clients))


def run_bulk_load(pair: Pair, *, seconds: float) -> Load:
    """Keep a few callers busy: each sends `IN_BULK` drafts in one call, and the next when all were receipted."""

    async def run(client: _Client, times: list[float], end: float) -> None:
        async def one() -> None:
            while time.monotonic() < end:
                times.extend(await client.exchange_many())

        await asyncio.gather(*(one() for _ in range(CALLERS)))

    return asyncio.run(_timed(pair, run, seconds, CALLERS))


def run_open_load(pair: Pair, *, seconds: float, per_second: int) -> Load:
    """Send `per_second` messages each second, however long they take."""

    async def run(client: _Client, times: list[float], end: float) -> None:
        async def one() -> None:
            times.append(await client.exchange())

        begun, flying = time.monotonic(), []
        while (now := time.monotonic()) < end:
            flying.append(asyncio.create_task(one()))
            await asyncio.sleep(max(0.0, begun + len(flying) / per_second - now))
        await asyncio.gather(*flying)

    return asyncio.run(_timed(pair, run, seconds, 0))


def send_some(pair: Pair, *, messages: int, clients: int) -> None:
    """Send so many messages, untimed."""

    async def run() -> None:
        async with _client(pair) as client:
            left = iter(range(messages))

            async def one() -> None:
                for _ in left:
                    await client.exchange()

            await asyncio.gather(*(one() for _ in range(clients)))

    asyncio.run(run())


async def _timed(
    pair: Pair, run: Callable[[_Client, list[float], float], Awaitable[None]], seconds: float, clients: int
) -> Load:
    async with _client(pair) as client:
        await run(client, [], time.monotonic() + WARM_UP)
        times: list[float] = []
        begun, cpu = time.monotonic(), pair.cpu()
        await run(client, times, begun + seconds)
        took, used = time.monotonic() - begun, pair.cpu() - cpu
    times.sort()
    if not times:
        raise TransientError(Code.UNREACHABLE, "no message was receipted")
    return Load(
        clients=clients,
        seconds=round(took, 2),
        messages=len(times),
        per_second=round(len(times) / took, 1),
        p50_ms=round(1000 * times[len(times) // 2], 1),
        p99_ms=round(1000 * times[min(len(times) - 1, len(times) * 99 // 100)], 1),
        cpu_ms=round(1000 * used / len(times), 2),
    )
