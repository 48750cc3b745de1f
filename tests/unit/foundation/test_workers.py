"""Work that computes for a while runs in threads, and its results keep their order."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from gateway.foundation.workers import Workers


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Threads that end with the test."""
    made = Workers()
    yield made
    made.shutdown()


async def test_work_leaves_the_event_loop(workers: Workers) -> None:
    """It runs in another thread than the one that asks."""
    assert await workers.off_loop(threading.get_ident) != threading.get_ident()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
async def test_results_keep_the_order_of_the_items(workers: Workers, count: int) -> None:
    """However the items are shared among the threads."""
    assert await workers.off_loop_each(lambda item: item * 10, range(count)) == [item * 10 for item in range(count)]


async def test_pieces_are_answered_as_a_whole(workers: Workers) -> None:
    """Every item is in one piece, and no thread gets more than its share."""
    pieces: list[list[int]] = []

    def keep(piece: list[int]) -> list[int]:
        pieces.append(piece)
        return piece

    assert await workers.off_loop_pieces(keep, [1, 2, 3, 4, 5]) == [1, 2, 3, 4, 5]
    assert sorted(map(len, pieces)) == [2, 3]


async def test_what_one_item_raises_is_raised(workers: Workers) -> None:
    """The first failing item speaks for all."""

    def divide(item: int) -> float:
        return 1 / item

    with pytest.raises(ZeroDivisionError):
        await workers.off_loop_each(divide, [1, 0, 2])
