"""This process as one worker of a node: it comes, does its share, and goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Self

from gateway.cluster import store
from gateway.cluster.entry import SharedEntry
from gateway.cluster.hints import Connect, Hints
from gateway.cluster.leadership import Leadership
from gateway.cluster.rules import PLACES
from gateway.cluster.shared_nonces import NoncesOfWorkers
from gateway.database.engine import Store
from gateway.errors import Code, GatewayError, RefusedError
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.ports import Clock


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


KeepUp = Callable[[], Awaitable[object]]


class Member:
    """One worker, from `join` to `leave`."""

    def __init__(
        self,
        *,
        id: str,
        rows: Store,
        entry: SharedEntry,
        leadership: Leadership,
        hints: Hints,
        nonces: NoncesOfWorkers,
        keep_up: KeepUp,
    ) -> None:
        self.id = id
        self.leadership = leadership
        self.nonces = nonces
        self._store = rows
        self._entry = entry
        self._hints = hints
        self._keep_up = keep_up

    @classmethod
    async def join(
        cls,
        rows: Store,
        *,
        id: str,
        host: str,
        version: str,
        pictures: int,
        refresh: Callable[[], Awaitable[None]],
        keep_up: KeepUp,
        connect: Connect | None,
        wakeups: Wakeups,
        events: EventStream,
        clock: Clock,
        now: Callable[[], int] = _now_ms,
    ) -> Self:
        """Take a place among the workers. `pictures` is the count of changes up to which `refresh` has read, `keep_up`
        does after each such reading what has to be written here; `now` is the clock of this machine, in Unix
        milliseconds.

        Raises:
            RefusedError: conflict, where every place is taken; nothing was started.
        """
        place = await rows.move(lambda c: store.join(c, id=id, host=host, version=version, now=now()))
        began = await rows.read(store.began)
        if place is None:
            raise RefusedError(
                Code.CONFLICT,
                f"this node has {PLACES} workers already, and no more can work together; nothing was started",
                hint="stop one; one that was lost leaves its place after a day",
            )
        rows.numbers.share(place, now)
        entry = SharedEntry(id, rows, refresh, pictures)
        rows.writer.entry = entry
        hints = Hints(
            id=id,
            connect=connect,
            look=entry.look,
            pictures=lambda: entry.pictures,
            wakeups=wakeups,
            events=events,
        )
        return cls(
            id=id,
            rows=rows,
            entry=entry,
            leadership=Leadership(rows, id, now, hints.look_everywhere),
            hints=hints,
            nonces=NoncesOfWorkers(rows, began // 1_000, clock),
            keep_up=keep_up,
        )

    async def run(self) -> None:
        """Do the share of this worker until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.leadership.run(), name="leadership")
            group.create_task(self._hints.run(), name="hints")
            group.create_task(self._follow(), name="what others changed")

    async def _follow(self) -> None:
        """Reading again happens while the writer waits, so what has to be written comes behind it. Loops may have
        looked before it, by a hint that knew nothing of the change: they look again.
        """
        while True:
            await self._entry.read.wait()
            self._entry.read.clear()
            await self._hints.hear_all()
            with suppress(GatewayError):  # it is done again with the next change, and by its chore
                await self._keep_up()

    async def leave(self) -> None:
        """Let the others have what this one led, at once."""
        with suppress(GatewayError):  # what is not given up runs out
            await self._store.move(lambda c: store.leave(c, self.id))
        self._entry.end()
