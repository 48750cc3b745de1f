"""Workers of one node on one real PostgreSQL server, in one process: each a store of its own, with what makes it one
worker among several. For tests of leases, hints and of how they write.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support import running
from support.databases import fresh_postgresql

from gateway.cluster import leadership, rules, store
from gateway.cluster.member import Member
from gateway.database import meta
from gateway.database.engine import Store
from gateway.database.kinds.postgres_server import PostgresServer
from gateway.foundation.clock import SystemClock
from gateway.messages.wakeups import EventStream, Wakeups


async def until(true: Callable[[], bool]) -> None:
    """Wait until it is."""

    async def done() -> bool:
        return true()

    await running.until(done)


def now() -> int:
    """The clock of this machine, Unix milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass
class Worker:
    """One worker: its store, what it has read, what it leads."""

    rows: Store
    member: Member
    wakeups: Wakeups
    events: EventStream
    read: list[bytes | None] = field(default_factory=list)
    led: list[str] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def lead(self, what: str, work: Callable[[], Awaitable[None]] | None = None) -> None:
        """Take part in a duty; what is led stands in `led`."""

        async def stay() -> None:
            self.led.append(what)
            try:
                await (work or asyncio.Event().wait)()
            finally:
                self.led.remove(what)

        self.tasks.append(asyncio.create_task(self.member.leadership.lead(what, stay)))

    def begin(self) -> None:
        """Do what a worker does by itself."""
        self.tasks.append(asyncio.create_task(self.member.run()))

    async def end(self) -> None:
        """Stop without a word, as a process that is killed."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks = []


@asynccontextmanager
async def joined_workers(base: Path) -> AsyncIterator[Callable[..., Awaitable[Worker]]]:
    """Makes workers of one node; each goes in the end."""
    url, made = fresh_postgresql(), list[Worker]()
    Store(PostgresServer(url, base), new=True).close()

    async def another(id: str, *, ahead: int = 0) -> Worker:
        server = PostgresServer(url, base, shared=True)
        rows, wakeups, events = Store(server), Wakeups(), EventStream()

        async def refresh() -> None:
            worker.read.append(await rows.read(lambda c: meta.get_meta(c, "keyset")))

        _, pictures = await rows.read(store.counters)
        member = await Member.join(
            rows,
            id=id,
            host="one.example",
            version="1",
            pictures=pictures,
            refresh=refresh,
            keep_up=refresh,
            connect=server.connect,
            wakeups=wakeups,
            events=events,
            clock=SystemClock(),
            now=lambda: now() + ahead,
        )
        worker = Worker(rows, member, wakeups, events)
        made.append(worker)
        return worker

    try:
        yield another
    finally:
        for worker in made:
            await worker.end()
            await worker.member.leave()
            worker.rows.close()


@asynccontextmanager
async def quick(monkeypatch: pytest.MonkeyPatch, life: int = 1_000, margin: int = 300) -> AsyncIterator[None]:
    """Leases that live for a second, or so many milliseconds."""
    with monkeypatch.context() as patch:
        patch.setattr(store, "LIFE", life)
        patch.setattr(rules, "LIFE", life)
        patch.setattr(rules, "MARGIN", margin)
        patch.setattr(rules, "BEAT", 0.2)
        patch.setattr(leadership, "WATCH", 0.05)
        yield
