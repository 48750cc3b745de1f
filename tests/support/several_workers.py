"""A node of a pair as several workers: its rows on a real PostgreSQL server, a folder for each worker, and one door for
peers behind which all of them are.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from support.databases import fresh_postgresql
from support.pair import Party, Two
from support.ports import free_port

from gateway.administration.move_database import move_database
from gateway.foundation.config import DatabaseSection


@dataclass
class Front:
    """Takes the connections of peers and gives each to the next worker that listens; knows nothing of TLS."""

    ports: list[int]
    taken: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
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


@asynccontextmanager
async def workers_of(two: Two, count: int) -> AsyncIterator[Sequence[Party]]:
    """The node FR of a pair as so many workers, the first of which has its folder."""
    first = two.fr
    await first.stop()
    url = fresh_postgresql().set(drivername="postgresql").render_as_string().replace("%2F", "/")
    await move_database(first.folder, DatabaseSection(url=url), lambda _table, _rows: None)
    settings = first.folder / "node.toml"
    door = settings.read_text(encoding="utf-8").split('listen = "127.0.0.1:')[1].split('"')[0]
    workers, ports = [first], [free_port() for _ in range(count)]
    for number in range(1, count):
        folder = first.folder.with_name(f"{first.folder.name}-{number + 1}")
        shutil.copytree(first.folder, folder, ignore=shutil.ignore_patterns("*.sock", "attachments"))
        (folder / "attachments").symlink_to(first.folder / "attachments")
        workers.append(Party(first.name, folder, first.clock, first.system))
    for worker, port in zip(workers, ports, strict=True):
        at = worker.folder / "node.toml"
        at.write_text(at.read_text(encoding="utf-8").replace(f'"127.0.0.1:{door}"', f'"127.0.0.1:{port}"'))
    front = Front(ports)
    server = await asyncio.start_server(front.take, "127.0.0.1", int(door))
    try:
        for worker in workers:
            await worker.start()
        yield workers
    finally:
        server.close()
        for worker in workers[1:]:
            await worker.stop()
