"""What stands before the workers of a node: it gives each connection to a worker that listens, and reads nothing of it.

`python -m gateway.demo.cluster.front FILE` opens the doors of FILE and serves until it is ended. An office has HAProxy
or a load balancer there (docs/workers.md); this one is on every machine of a visitor.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

CHUNK = 65_536


class Spread(StrEnum):
    """Who gets a connection."""

    NEXT = "next"
    """The worker after the one that got the last one: for peers and case systems, which may come to any."""
    FIRST = "first"
    """The first one that listens: for people, who would see at another a moment later what they have just done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where it listens and which workers are behind it: HOST:PORT, or the path of a socket."""

    listen: str
    workers: tuple[str, ...]
    spread: Spread


def order_workers(door: Door, turn: int) -> tuple[str, ...]:
    """Return the workers in the order in which they are tried for the connection of this number."""
    first = turn % len(door.workers) if door.spread is Spread.NEXT else 0
    return door.workers[first:] + door.workers[:first]


def write_doors(file: Path, doors: Sequence[Door]) -> None:
    """Write the file that the program reads."""
    file.write_text(json.dumps([asdict(door) for door in doors], indent=1), encoding="utf-8")


def read_doors(file: Path) -> list[Door]:
    """Read the doors of a file."""
    return [
        Door(listen=each["listen"], workers=tuple(each["workers"]), spread=Spread(each["spread"]))
        for each in json.loads(file.read_text(encoding="utf-8"))
    ]


async def open_door(door: Door) -> asyncio.Server:
    """Listen at a door; what comes is led to a worker, or hung up where none listens."""
    turns = iter(range(sys.maxsize))
    under_way: set[asyncio.Task[None] | None] = set()  # the loop forgets a caller that has said all, while it waits

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way.add(task := asyncio.current_task())
        try:
            there = await _reach(order_workers(door, next(turns)))
            if there is not None:
                await _join(reader, writer, *there)
        finally:
            under_way.discard(task)
            writer.close()

    if door.listen.startswith("/"):
        return await asyncio.start_unix_server(lead, door.listen)
    return await asyncio.start_server(lead, *_split(door.listen))


async def _reach(workers: Sequence[str]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    """Connect to the first of these that listens."""
    for worker in workers:
        with suppress(OSError):
            if worker.startswith("/"):
                return await asyncio.open_unix_connection(worker)
            return await asyncio.open_connection(*_split(worker))
    return None


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    answers: asyncio.StreamReader,
    worker: asyncio.StreamWriter,
) -> None:
    """Carry bytes both ways until the worker has ended, or its caller."""
    asking = asyncio.create_task(_pour(reader, worker))
    try:
        await _pour(answers, writer)
    finally:
        asking.cancel()
        worker.close()


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Carry bytes one way, and their end."""
    with suppress(OSError):
        while data := await source.read(CHUNK):
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()


async def serve_doors(doors: Sequence[Door]) -> None:
    """Open all doors and serve until cancelled."""
    for server in [await open_door(door) for door in doors]:
        await server.start_serving()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve_doors(read_doors(Path(sys.argv[1]))))
