"""Streams of bytes: in blocks of a useful size, and with the next one under way while this one is worked on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def in_blocks(chunks: AsyncIterator[bytes], size: int) -> AsyncGenerator[list[bytes], None]:
    """Gather chunks until they are `size` bytes or more; the last block is what is left."""
    block: list[bytes] = []
    length = 0
    async for chunk in chunks:
        block.append(chunk)
        length += len(chunk)
        if length >= size:
            yield block
            block, length = [], 0
    if block:
        yield block


async def one_ahead(blocks: AsyncIterator[T]) -> AsyncGenerator[T, None]:
    """Yield what `blocks` yields, while it makes the next one. Close it (`contextlib.aclosing`) if it may end early."""
    source = aiter(blocks)
    following = asyncio.ensure_future(_next_of(source))
    try:
        while (found := await following) is not None:
            following = asyncio.ensure_future(_next_of(source))
            yield found[0]
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await following


async def _next_of(source: AsyncIterator[T]) -> tuple[T] | None:
    """Return the next item, in a tuple, since anything may be one; None at the end."""
    try:
        return (await anext(source),)
    except StopAsyncIteration:
        return None
