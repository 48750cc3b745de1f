"""A part grows in order, is durable in stretches and at its end, and a failing disk is told."""

from __future__ import annotations

import asyncio

import pytest
from support.memory_files import MemoryFiles

from gateway.attachments import spool
from gateway.attachments.spool import Spool
from gateway.errors import Code, TransientError

NAME = "0123456789abcdef" * 2


class Disk(MemoryFiles):
    """Remembers how much was there at each sync; `fails` lets every sync fail, `busy` lets it wait."""

    def __init__(self) -> None:
        super().__init__()
        self.synced: list[int] = []
        self.fails = False
        self.free_again = asyncio.Event()
        self.free_again.set()

    async def sync(self, name: str) -> None:
        """Wait, fail, or remember."""
        there = len(self.held[name])
        await self.free_again.wait()
        if self.fails:
            raise TransientError(Code.DISK, "the disk is full")
        self.synced.append(there)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "STRETCH", 10)
    monkeypatch.setattr(spool, "PIECE", 2)


async def test_it_is_durable_in_stretches_and_at_the_end() -> None:
    """While more is put the disk writes what is there; the last word waits for all of it."""
    disk = Disk()
    growing = Spool(disk, NAME)
    disk.free_again.clear()
    for number in range(5):
        await growing.put([bytes([number]), b"abc"])
    assert disk.synced == []  # it was asked after 12 bytes, and nothing waits for it yet
    disk.free_again.set()
    await growing.finish()
    assert len(disk.synced) == 2 and disk.synced[-1] == 20
    assert disk.held[NAME] == b"".join(bytes([number]) + b"abc" for number in range(5))


@pytest.mark.parametrize("sizes", [[1] * 9, [3, 3, 3], [2, 4, 6], [1, 0, 7, 1, 2], [5], [0], []])
async def test_pieces_are_whole_but_the_last(sizes: list[int]) -> None:
    """However it is cut when it comes: where a piece may be written once only, a part of one would be the end."""
    disk = Disk()
    growing = Spool(disk, NAME)
    blocks = [bytes(range(n, n + size)) for n, size in enumerate(sizes)]
    put, lengths = disk.put, []

    async def watched(name: str, at: int, data: bytes) -> None:
        assert at % 2 == 0
        lengths.append(len(data))
        await put(name, at, data)

    disk.put = watched  # type: ignore[method-assign]
    for block in blocks:
        await growing.put([block[:1], block[1:]])
    disk.held.setdefault(NAME, b"")
    await growing.finish()
    assert disk.held[NAME] == b"".join(blocks)
    assert not [length for length in lengths[:-1] if length % 2] and 0 not in lengths


async def test_one_stretch_at_a_time() -> None:
    """A disk that is slower than what is put makes the next stretch wait, so that not all of it lies in memory."""
    disk = Disk()
    growing = Spool(disk, NAME)
    disk.free_again.clear()
    await growing.put([b"x" * 10])
    second = asyncio.create_task(growing.put([b"y" * 10]))
    await asyncio.sleep(0.01)
    assert not second.done()
    disk.free_again.set()
    await second


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_a_stretch_that_the_disk_refuses_is_told(count: int) -> None:
    """With the next one or at the end, whichever comes first; then nothing of it is left."""
    disk = Disk()
    disk.fails = True
    growing = Spool(disk, NAME)
    with pytest.raises(TransientError, match="full"):
        for _ in range(count):
            await growing.put([b"x" * 10])
        await growing.finish()
    await growing.give_up()
    assert disk.held == {}
