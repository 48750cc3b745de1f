"""A client of the sender's local API: it submits, and learns from the event stream how far its messages have come."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import aiohttp

from bench.pair import SENDER, Pair, encode_request
from gateway.cli.connection import credential
from gateway.errors import Code, TransientError
from gateway.ports import Json
from keys.keystore.keystore import system_rand
from keys.primitives.encoding import b64u

API = "http://localhost/api/v1"
ALIVE = "http://localhost/health/live"
PATIENCE = 120.0
"""Seconds after which a message counts as lost."""
IN_BULK = 32
"""Drafts of one call."""
RECEIVED, DELIVERED = "awaiting_handover", "awaiting_opening"
"""The states of a message whose receipt of that name came back; `delivered` may come without the other before it."""
USERS: Json = {"by": "u-1", "second_by": "u-2"}
"""The two users of the case system who release each message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Seconds from the submission of one message until its receipts were here, and the conversation that it is in."""

    id: str
    received: float
    delivered: float
    conversation: str


class _Waiting:
    """What is known of one message."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.received: asyncio.Future[float] = loop.create_future()
        self.delivered: asyncio.Future[float] = loop.create_future()


class Door:
    """One session with a node's local API, and its event stream: at its only process, or at one of its workers."""

    def __init__(
        self, session: aiohttp.ClientSession, positions: dict[str, int], name: str, request: Mapping[str, Json]
    ) -> None:
        self._session = session
        self._positions = positions
        self._name = name
        self._body = encode(request)
        self._under_way: dict[str, _Waiting] = {}

    async def exchange(self, body: bytes | None, until: str) -> Exchange:
        """See `Client`."""
        begun = time.monotonic()
        headers = {"Idempotency-Key": b64u(system_rand(12)), "Content-Type": "application/json"}
        status, answer = await self._post("messages", body or self._body, headers)
        if status not in (200, 201):
            raise TransientError(Code.UNREACHABLE, f"a submission was answered {status}: {answer}")
        return await self._receipted(str(answer["id"]), begun, until, str(answer.get("conversation", "")))

    async def exchange_many(self) -> list[Exchange]:
        """See `Client`."""
        begun = time.monotonic()
        keys = [b64u(system_rand(12)) for _ in range(IN_BULK + 1)]
        items = b",".join(b'{"key":"%s","draft":%s}' % (key.encode(), self._body) for key in keys[1:])
        headers = {"Idempotency-Key": keys[0], "Content-Type": "application/json"}
        status, answer = await self._post("messages/batch", b'{"items":[%s]}' % items, headers)
        answers = answer["items"] if status == 200 else []
        ids = [str(answer["submitted"]["id"]) for answer in answers if "submitted" in answer]
        if len(ids) != IN_BULK:
            raise TransientError(Code.UNREACHABLE, f"of {IN_BULK} drafts {len(ids)} were submitted")
        return [*await asyncio.gather(*(self._receipted(id, begun, DELIVERED) for id in ids))]

    async def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
        """Post until there is an answer: a node may end a connection that was idle, and the key of a call makes it safe
        to repeat.
        """
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    async with self._session.post(f"{API}/{path}", data=body, headers=headers) as response:
                        return response.status, await response.json()
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.01)

    async def connect(self, count: int) -> None:
        """See `Client`."""

        async def ask() -> None:
            async with self._session.get(ALIVE) as response:
                await response.read()

        await asyncio.gather(*(ask() for _ in range(count)))

    async def drained(self) -> None:
        """See `Client`."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(waiting.delivered for waiting in self._under_way.values()))
        self._under_way.clear()

    async def follow(self) -> None:
        """Read the event stream until cancelled; where it ends, from the last event that came on."""
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                await self._follow()
            await asyncio.sleep(1)

    async def _follow(self) -> None:
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._session.get(f"{API}/events?after={self._positions[self._name]}", timeout=timeout) as response:
            async for line in response.content:
                if line.startswith(b"id: "):
                    self._positions[self._name] = max(self._positions[self._name], int(line[4:]))
                elif line.startswith(b"data: "):
                    self._told(json.loads(line[6:]))

    async def _receipted(self, id: str, begun: float, until: str, conversation: str = "") -> Exchange:
        waiting = self._of(id)
        async with asyncio.timeout(PATIENCE):
            received = await waiting.received - begun
            delivered = await waiting.delivered - begun if until == DELIVERED else received
        if waiting.delivered.done():
            self._under_way.pop(id, None)
        return Exchange(id=id, received=received, delivered=delivered, conversation=conversation)

    def _of(self, id: str) -> _Waiting:
        """What waits for a message; an event may come before the answer to the submission."""
        return self._under_way.setdefault(id, _Waiting())

    def _told(self, event: Mapping[str, object]) -> None:
        state = event.get("state")
        if state not in (RECEIVED, DELIVERED):
            return
        waiting, now = self._of(str(event["id"])), time.monotonic()
        for future in (waiting.received, waiting.delivered) if state == DELIVERED else (waiting.received,):
            if not future.done():
                future.set_result(now)


class Client:
    """A case system at all doors of a node: it goes to the next one for each submission, and stays there for it."""

    def __init__(self, doors: Sequence[Door]) -> None:
        self._doors = doors
        self._next = cycle(doors)

    async def exchange(self, body: bytes | None = None, *, until: str = DELIVERED) -> Exchange:
        """Submit one message, by default the one of all, and wait for its receipt; that of `received` says no more."""
        return await next(self._next).exchange(body, until)

    async def exchange_many(self) -> list[Exchange]:
        """Submit a call of drafts and wait for the `delivered` receipt of each."""
        return await next(self._next).exchange_many()

    async def connect(self, count: int) -> None:
        """Open so many connections at each door. Those that a load needs at its worst moment stay open after it, so
        what a node holds open can be compared only where they were there from the beginning.
        """
        await asyncio.gather(*(door.connect(count) for door in self._doors))

    async def drained(self) -> None:
        """Wait until everything that was submitted is delivered: what is left disturbs the next load."""
        await asyncio.gather(*(door.drained() for door in self._doors))


def encode(request: Mapping[str, Json]) -> bytes:
    """Encode a request with the people who release it, as a case system submits it."""
    return encode_request({**request, "attested": USERS})


@asynccontextmanager
async def connect(pair: Pair, name: str = SENDER, request: Mapping[str, Json] | None = None) -> AsyncIterator[Client]:
    """Connect to a node whose case system submits `request`, by default the referral of the pair."""
    async with AsyncExitStack() as stack:
        doors = []
        for worker in pair.workers[name]:
            connector = aiohttp.UnixConnector(path=str(pair.node(worker) / "run" / "api.sock"), limit=0)
            session = aiohttp.ClientSession(connector=connector, headers=credential(pair.tokens[name]))
            await stack.enter_async_context(session)
            doors.append(Door(session, pair.positions, name, request or pair.referral))
        followers = [asyncio.create_task(door.follow()) for door in doors]
        try:
            yield Client(doors)
        finally:
            for follower in followers:
                follower.cancel()
            await asyncio.gather(*followers, return_exceptions=True)
