"""Work that computes for a while runs in threads, and its results keep their order."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator
from functools import partial

import pytest
from support.patience import PATIENCE

from gateway.foundation.workers import Threads, Workers


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


async def test_work_that_nobody_waits_for_any_more_does_not_begin() -> None:
    """A caller who goes away while both threads are busy takes the work along; what had begun is ended."""
    threads, go, began = Threads(1, "test"), threading.Event(), threading.Event()
    done: list[str] = []

    def first() -> None:
        began.set()
        go.wait(PATIENCE)
        done.append("first")

    asked = [asyncio.create_task(threads.run(work)) for work in (first, partial(done.append, "second"))]
    await asyncio.to_thread(began.wait, 30)
    for task in asked:
        task.cancel()
    await asyncio.wait(asked)
    go.set()
    threads.end()
    assert done == ["first"]


async def test_what_waits_is_done_before_the_threads_end() -> None:
    """And nothing is taken afterwards."""
    threads = Threads(2, "test")
    asked = [asyncio.create_task(threads.run(partial(pow, number, 2))) for number in range(5)]
    await asyncio.sleep(0)
    await asyncio.to_thread(threads.end)
    assert [await task for task in asked] == [0, 1, 4, 9, 16]
    with pytest.raises(RuntimeError, match="ended"):
        await threads.run(list)


async def test_an_error_is_let_go_of_with_the_work() -> None:
    """What was worked on may be the content of a case: nothing of it stays behind in a thread."""
    threads = Threads(1, "test")
    held = Held()

    def fail(_held: Held) -> None:
        raise ValueError

    with pytest.raises(ValueError):
        await threads.run(partial(fail, held))
    gone = weakref.ref(held)
    del held
    await threads.run(list)
    gc.collect()
    assert gone() is None
    threads.end()


class Held:
    """Something that is worked on."""
