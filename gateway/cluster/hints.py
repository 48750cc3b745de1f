"""What one worker tells the others, so that they need not look all the time: NOTIFY of PostgreSQL.

A hint is never more than that. It is sent after the commit and outside of its transaction, because a NOTIFY inside
takes a lock of the whole database; the first goes at once, and what is told within a moment after it goes together.
Each worker looks every second all the same; after a connection was lost, every loop looks.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import psycopg

from gateway.foundation.logs import logger
from gateway.messages.wakeups import EVENTS, EventStream, Wakeups

CHANNEL: Final = "trm"
MOMENT: Final = 0.02
"""Seconds for which what follows a hint is gathered."""
PAUSE: Final = 1.0
"""Seconds between two looks, and before a lost connection is opened anew."""
MOST: Final = 7_000
"""Bytes of hints at a time; PostgreSQL takes 8 000. What is more is told as `ALL`."""
ALL: Final = "all"

Connect = Callable[[], Awaitable["psycopg.AsyncConnection[tuple[object, ...]]"]]


class Hints:
    """Tells other workers what is set here, and sets here what they tell.

    `look` reads what other workers changed; None for `connect` where hints cannot be told (behind a pooler).
    """

    def __init__(
        self,
        *,
        id: str,
        connect: Connect | None,
        look: Callable[[], Awaitable[None]],
        wakeups: Wakeups,
        events: EventStream,
    ) -> None:
        self._id = id
        self._connect = connect
        self._look = look
        self._wakeups = wakeups
        self._events = events
        self._pending: dict[str, None] = {}
        self._some = asyncio.Event()
        self._missed = True
        self._log = logger()
        if connect is not None:
            wakeups.tell = events.tell = self.tell

    def tell(self, hint: str) -> None:
        """Let the other workers know, in a moment."""
        self._pending[hint] = None
        self._some.set()

    async def run(self) -> None:
        """Tell, listen and look until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_now_and_then(), name="hints looked for")
            if self._connect is not None:
                group.create_task(self._again(self._send, self._connect), name="hints told")
                group.create_task(self._again(self._listen, self._connect), name="hints heard")

    async def _again(
        self, work: Callable[[psycopg.AsyncConnection[tuple[object, ...]]], Awaitable[None]], connect: Connect
    ) -> None:
        """Work over a connection, and over another one when it is lost."""
        while True:
            try:
                async with await connect() as connection:
                    await work(connection)
            except psycopg.Error:
                self._missed = True
                self._log.info("hints.cut")
            await asyncio.sleep(PAUSE)

    async def _send(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            told, self._pending = [*self._pending], {}
            text = json.dumps({"by": self._id, "hints": told})
            if len(text) > MOST:
                text = json.dumps({"by": self._id, "hints": [ALL]})
            await connection.execute("select pg_notify(%s, %s)", (CHANNEL, text))
            await asyncio.sleep(MOMENT)  # the first goes at once, and what follows it goes together

    async def _listen(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        await connection.execute(f"listen {CHANNEL}")
        self._missed = True  # what was told before
        async for told in connection.notifies():
            await self._hear(told.payload)

    async def _hear(self, payload: str) -> None:
        with suppress(ValueError, TypeError, KeyError):
            told = json.loads(payload)
            if told["by"] == self._id:
                return
            await self._look()
            for hint in told["hints"]:
                if hint == ALL:
                    await self._hear_all()
                elif hint == EVENTS:
                    await self._events.hear()
                else:
                    self._wakeups.hear(str(hint))

    async def _hear_all(self) -> None:
        self._wakeups.hear_all()
        await self._events.hear()

    async def _look_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(PAUSE)
            await self._look()
            if self._missed or self._connect is None:
                self._missed = False
                await self._hear_all()
