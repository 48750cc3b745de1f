"""A node of a pair as several workers: its rows on a real PostgreSQL server, a folder for each worker, and one door for
peers behind which all of them are.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sqlalchemy.engine import URL
from support.databases import fresh_postgresql
from support.nodechild import CHEAP
from support.pair import PASSPHRASE, Party, Two
from support.poolers import pooler_before
from support.ports import free_port

from gateway.administration.move_database import move_database
from gateway.database.opening import open_store
from gateway.foundation.config import DatabaseSection
from gateway.identity.machines import add_machine
from gateway.identity.store import own_chain
from keys.documents.descriptor import DESCRIPTORS, parse_descriptor
from keys.keystore.keyring_file import read_content
from keys.keystore.keystore import Keystore
from keys.primitives.sign import SignedDocument


@dataclass
class Front:
    """Takes the connections of peers and gives each to the next worker that listens; knows nothing of TLS."""

    ports: list[int]
    taken: int = 0
    _tasks: set[asyncio.Task[None] | None] = field(default_factory=set)

    async def end(self) -> None:
        """End every connection."""
        tasks = [task for task in self._tasks if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            await self._carry(reader, writer)
        finally:
            self._tasks.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in self.ports:
            self.taken += 1
            with suppress(OSError):
                there = await asyncio.open_connection("127.0.0.1", self.ports[self.taken % len(self.ports)])
                break
        else:
            writer.close()
            return
        try:
            await asyncio.gather(_pour(reader, there[1]), _pour(there[0], writer), return_exceptions=True)
        finally:
            for end in (writer, there[1]):
                end.close()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with suppress(OSError, RuntimeError):
        writer.write_eof()


BESIDE = ("checkpoint", "position")
"""Of a node folder, what says how far its database had come: a worker that comes has none of it."""


async def join(first: Path, folder: Path, passphrase: str, at: int) -> None:
    """Make the folder of one more worker beside that of a node that has run on its server, at this Unix second: the
    same settings and attachments, keys by a key store of its own.
    """
    left = shutil.ignore_patterns("*.sock", "attachments", "keystore*", *BESIDE)
    shutil.copytree(first, folder, ignore=left)
    (folder / "attachments").symlink_to(first / "attachments")
    content = read_content(first / "keystore", passphrase, at_least=CHEAP)
    store = open_store(folder, shared=True)
    try:
        node = parse_descriptor(SignedDocument.decode((await store.read(own_chain))[-1], *DESCRIPTORS)).node
        keys = Keystore.join(folder / "keystore", passphrase, content, node=node, cost=CHEAP)
        await store.move(partial(add_machine, keys=keys, host=folder.name, at=at))
    finally:
        store.close()


def change_listen(folder: Path, before: str, after: str) -> None:
    """Let a worker that listened at one address listen at another; peers go on to know the first."""
    settings = folder / "node.toml"
    told = settings.read_text(encoding="utf-8")
    settings.write_text(told.replace(f'"{before}"', f'"{after}"'), encoding="utf-8")


def on_loopback(port: int) -> str:
    """The address of a port of the loopback."""
    return f"127.0.0.1:{port}"


def listens_at(folder: Path) -> str:
    """Where peers come to a worker, as host and port."""
    return (folder / "node.toml").read_text(encoding="utf-8").split('listen = "')[1].split('"')[0]


@asynccontextmanager
async def workers_of(two: Two, count: int, *, pooled: bool = False) -> AsyncIterator[Sequence[Party]]:
    """The node FR of a pair as so many workers, the first of which has its folder; `pooled` behind a PgBouncer."""
    server = fresh_postgresql()
    with pooler_before(server) if pooled else nullcontext(server) as reached:
        async with _workers_on(reached, two, count, pooled=pooled) as workers:
            yield workers


@asynccontextmanager
async def _workers_on(reached: URL, two: Two, count: int, *, pooled: bool) -> AsyncIterator[Sequence[Party]]:
    first = two.fr
    await first.stop()
    url = reached.set(drivername="postgresql").render_as_string().replace("%2F", "/")
    await move_database(first.folder, DatabaseSection(url=url, pooled=pooled), lambda _table, _rows: None)
    door, ports = listens_at(first.folder), [free_port() for _ in range(count)]
    change_listen(first.folder, door, on_loopback(ports[0]))
    workers = [first]
    front = Front(ports)
    server = await asyncio.start_server(front.take, *door.split(":"))
    try:
        await first.start()
        for number in range(1, count):
            folder = first.folder.with_name(f"{first.folder.name}-{number + 1}")
            await join(first.folder, folder, PASSPHRASE, two.clock.now())
            change_listen(folder, on_loopback(ports[0]), on_loopback(ports[number]))
            worker = Party(first.name, folder, first.clock, first.system)
            await worker.start()
            workers.append(worker)
        yield workers
    finally:
        server.close()
        for worker in workers if pooled else workers[1:]:
            await worker.stop()
        await front.end()
