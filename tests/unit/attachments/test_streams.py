"""Streams in blocks, and one item ahead of whoever works on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from gateway.attachments.streams import in_blocks, one_ahead


async def chunks(*sizes: int) -> AsyncIterator[bytes]:
    """Chunks of these sizes, each of its own byte."""
    for number, size in enumerate(sizes):
        yield bytes([number]) * size


@pytest.mark.parametrize(
    ("sizes", "blocks"),
    [
        ([], []),
        ([3], [[3]]),
        ([4], [[4]]),
        ([1, 2, 3], [[1, 2, 3]]),
        ([9, 1], [[9], [1]]),
        ([2, 2, 2, 2], [[2, 2]] * 2),
    ],
)
async def test_chunks_are_gathered(sizes: list[int], blocks: list[list[int]]) -> None:
    """Until they are as many bytes as a block has; nothing is cut, and nothing is left behind."""
    found = [block async for block in in_blocks(chunks(*sizes), 4)]
    assert [[len(chunk) for chunk in block] for block in found] == blocks
    assert b"".join(chunk for block in found for chunk in block) == b"".join([one async for one in chunks(*sizes)])


class Source:
    """Numbers that are made when somebody asks; remembers which, and whether it was closed."""

    def __init__(self, count: int, fault: Exception | None = None) -> None:
        self.made: list[int] = []
        self.closed = False
        self._count, self._fault = count, fault

    async def __call__(self) -> AsyncIterator[int]:
        """The numbers."""
        try:
            for number in range(self._count):
                await asyncio.sleep(0)
                self.made.append(number)
                yield number
            if self._fault is not None:
                raise self._fault
        finally:
            self.closed = True


async def test_the_next_is_made_while_one_is_worked_on() -> None:
    """One ahead and no more, in order; the end is the end."""
    source, seen = Source(4), []
    async for number in one_ahead(source()):
        for _ in range(5):
            await asyncio.sleep(0)
        seen.append((number, list(source.made)))
    assert seen == [(0, [0, 1]), (1, [0, 1, 2]), (2, [0, 1, 2, 3]), (3, [0, 1, 2, 3])]


async def test_a_fault_comes_after_what_was_made_before_it() -> None:
    """And is the one that the source raised."""
    seen = []
    with pytest.raises(ValueError, match="torn"):
        async for number in one_ahead(Source(2, ValueError("torn"))()):
            seen.append(number)
    assert seen == [0, 1]


async def test_an_early_end_stops_what_is_under_way() -> None:
    """Whoever leaves in the middle leaves nothing running, and their own fault is the one that is told."""
    source = Source(9)
    with pytest.raises(KeyError):
        async with aclosing(one_ahead(source())) as numbers:
            async for _ in numbers:
                raise KeyError
    made = list(source.made)
    await asyncio.sleep(0.01)
    assert source.made == made and len(made) <= 2
    assert len(asyncio.all_tasks()) == 1
