"""What one worker tells the others, so that they need not look all the time: NOTIFY of PostgreSQL.

A hint is never more than that. It is sent after the commit and outside of its transaction, because a NOTIFY inside
takes a lock of the whole database; the first goes at once, and what is told within a moment after it goes together.
Each worker looks every second for changes of what it has in memory. Every loop looks where a hint may have been lost:
after the connection that hears them was, and when another worker went, which may have written and not told. What
cannot be told is told over the next connection.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
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

    `look` reads again what other workers changed, and `pictures` tells up to which count of changes this one has read;
    None for `connect` where hints cannot be told (behind a pooler).
    """

    def __init__(
        self,
        *,
        id: str,
        connect: Connect | None,
        look: Callable[[], Awaitable[None]],
        pictures: Callable[[], int],
        wakeups: Wakeups,
        events: EventStream,
    ) -> None:
        self._id = id
        self._connect = connect
        self._look = look
        self._pictures = pictures
        self._wakeups = wakeups
        self._events = events
        self._pending: dict[str, None] = {}
        self._some = asyncio.Event()
        self._missed = True
        self._log = logger()
        if connect is not None:
            wakeups.tell = events.tell = self.tell

    def look_everywhere(self) -> None:
        """Let every loop look within a second: something may have been written of which nobody tells."""
        self._missed = True

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
            text = self._write(told)
            if len(text) > MOST:
                text = self._write([ALL])
            try:
                await connection.execute("select pg_notify(%s, %s)", (CHANNEL, text))
            except psycopg.Error:  # the others, whose connections are there, would wait for it for ever
                self._pending = {**dict.fromkeys(told), **self._pending}
                self._some.set()
                raise
            await asyncio.sleep(MOMENT)  # the first goes at once, and what follows it goes together

    def _write(self, hints: Sequence[str]) -> str:
        return json.dumps({"by": self._id, "pictures": self._pictures(), "hints": hints})

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
            if told.get("pictures") != self._pictures():  # most often nothing changed of what is in memory
                await self._look()
            for hint in told["hints"]:
                if hint == ALL:
                    await self.hear_all()
                elif hint == EVENTS:
                    await self._events.hear()
                else:
                    self._wakeups.hear(str(hint))

    async def hear_all(self) -> None:
        """Let every loop look now, as where something changed by which it goes."""
        self._wakeups.hear_all()
        await self._events.hear()

    async def _look_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(PAUSE)
            await self._look()
            if self._missed or self._connect is None:
                self._missed = False
                await self.hear_all()
