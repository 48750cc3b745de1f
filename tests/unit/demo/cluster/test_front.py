"""The front before workers: who gets which connection, and what happens when a worker is gone."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest
from support.patience import PATIENCE

from gateway.demo.cluster.front import Door, Spread, open_door, order_workers, read_doors, write_doors

WORKERS = ("one", "two", "three")


def door(spread: Spread, workers: tuple[str, ...] = WORKERS, listen: str = "127.0.0.1:8443") -> Door:
    """A door to these workers."""
    return Door(listen=listen, workers=workers, spread=spread)


@pytest.mark.parametrize(
    ("spread", "firsts"), [(Spread.NEXT, ["one", "two", "three", "one"]), (Spread.FIRST, ["one"] * 4)]
)
def test_connections_are_spread_as_the_door_says(spread, firsts):
    """Each worker in its turn, or always the first; the others come after it in their order."""
    tried = [order_workers(door(spread), turn) for turn in range(4)]
    assert [each[0] for each in tried] == firsts
    assert all(sorted(each) == sorted(WORKERS) for each in tried)


def test_doors_are_read_as_they_were_written(tmp_path):
    """The file between the demonstration and the program says all of a door."""
    doors = [door(Spread.NEXT), door(Spread.FIRST, listen="/run/api.sock")]
    write_doors(tmp_path / "doors.json", doors)
    assert read_doors(tmp_path / "doors.json") == doors


async def listen(path: Path) -> asyncio.Server:
    """A worker that answers each line with its name."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(path.name.encode() + b" " + line)
        writer.close()

    return await asyncio.start_unix_server(answer, path)


async def ask(path: Path) -> bytes:
    """What is answered at this socket to one line, after which nothing more is said."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b"hello\n")
    writer.write_eof()
    try:
        return await reader.read()
    finally:
        writer.close()


async def test_a_worker_that_is_gone_is_passed_over(tmp_path):
    """Connections go to those that listen; where none does, they are hung up, and go on when one is back."""
    paths = [tmp_path / name for name in ("one", "two")]
    workers = [await listen(path) for path in paths]
    front = await open_door(door(Spread.NEXT, tuple(map(str, paths)), str(tmp_path / "front")))
    try:
        assert [await ask(tmp_path / "front") for _ in range(3)] == [b"one hello\n", b"two hello\n", b"one hello\n"]
        workers[0].close()
        assert {await ask(tmp_path / "front") for _ in range(3)} == {b"two hello\n"}
        workers[1].close()
        with pytest.raises((ConnectionError, AssertionError)):
            assert await ask(tmp_path / "front") != b""
        paths[0].unlink(missing_ok=True)
        workers.append(await listen(paths[0]))
        assert await ask(tmp_path / "front") == b"one hello\n"
    finally:
        for server in (front, *workers):
            server.close()


async def test_who_has_said_all_gets_the_answer(tmp_path):
    """Also where Python clears away meanwhile what nothing refers to."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = await reader.read()
        for _ in range(3):
            await asyncio.sleep(0)
            gc.collect()
        writer.write(said)
        writer.close()

    worker = await asyncio.start_unix_server(answer, tmp_path / "one")
    front = await open_door(door(Spread.FIRST, (str(tmp_path / "one"),), str(tmp_path / "front")))
    try:
        assert await ask(tmp_path / "front") == b"hello\n"
    finally:
        worker.close()
        front.close()


async def test_an_open_connection_ends_with_its_worker(tmp_path):
    """Whoever is connected to a worker that goes away is told at once, and comes again."""
    hung = asyncio.Event()

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.transport.abort()
        hung.set()

    worker = await asyncio.start_unix_server(hang_up, tmp_path / "one")
    front = await open_door(door(Spread.FIRST, (str(tmp_path / "one"),), str(tmp_path / "front")))
    try:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "front")
        writer.write(b"hello\n")
        async with asyncio.timeout(PATIENCE):
            assert await reader.read() == b""
            await hung.wait()
        writer.close()
    finally:
        worker.close()
        front.close()
