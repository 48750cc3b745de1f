"""One writer, natural group commit.

A *move* is a function of a connection. Whatever waits when the writer comes round joins one transaction, so a durable
commit is paid once for many. When one move of a group raises, the group is rolled back and each of its moves runs again
in a transaction of its own: a move must therefore have no effect outside its connection, and no move ever sees another
one's failure. Moves that write the same kind of thing may come as items of one function, which then writes all that
wait with one statement each (`move_together`). What nobody waits for and may be lost rides along with the next group
(`move_along`). How a transaction begins where several processes write is the `Entry`'s (`leading`).
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from gateway.database.kinds.database import Database
from gateway.database.writing.leading import LEADING, BehindError, Entry, Lease

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741
Move = Callable[[Connection], T]
Batch = Callable[[Connection, Sequence[I]], Sequence[T]]

GROUP_LIMIT = 256
"""Moves in one transaction at most: bounds the work lost to one failing move and the time others wait."""


RIDE = 0.2
"""Seconds after which what only rides along gets a transaction of its own."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    move: Callable[[Connection], Any]
    future: asyncio.Future[Any]
    lease: Lease | None
    batch: Callable[[Connection, Sequence[Any]], Sequence[Any]] | None = None
    item: Any = None


class Writer:
    """Owns the only connection that writes. Made and closed by the store."""

    def __init__(self, engine: Engine, database: Database) -> None:
        self._engine = engine
        self._database = database
        self.entry: Entry = database.entry()
        """How a transaction begins; set before anything is led."""
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._along: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._closed = False
        self.groups = 0
        self.moves = 0
        self._thread.start()

    async def move(self, move: Move[T]) -> T:
        """Run `move` in a durable transaction; returns after the commit, raises what the move raised. A caller who is
        cancelled does not undo it.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._put(_Waiting(move, future, LEADING.get()))
        return await future

    async def move_together(self, batch: Batch[I, T], item: I) -> T:
        """The same for one item of a module-level function that writes several and returns a result for each."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._put(_Waiting(lambda c: batch(c, [item])[0], future, LEADING.get(), batch, item))
        return await future

    def move_along(self, move: Move[T]) -> asyncio.Future[T]:
        """Run `move` in the transaction of the next group, or in its own after `RIDE` seconds if none comes.

        For what a kill may undo without harm. Nobody has to await the future; a failure is then lost with the move.
        """
        if self._closed:
            raise RuntimeError("the store is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        alone = loop.call_later(RIDE, self._queue.put, _Waiting(_nothing, loop.create_future(), None))
        future.add_done_callback(lambda _: alone.cancel())
        future.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody has to look
        self._along.put(_Waiting(move, future, LEADING.get()))
        return future

    def _put(self, waiting: _Waiting) -> None:
        if self._closed:
            raise RuntimeError("the store is closed")
        self._queue.put(waiting)

    def close(self) -> None:
        """Finish what waits, then stop."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        with self._engine.connect() as connection:
            stopping = False
            while not stopping:
                group, stopping = self._next_group()
                if group:
                    self._commit_group(connection, group)

    def _next_group(self) -> tuple[list[_Waiting], bool]:
        """What waits, and whether it is the last of all. What rides along comes first: it was there first."""
        waiting: list[_Waiting] = []
        stopping = False
        with suppress(queue.Empty):
            following = self._queue.get()
            while following is not None and len(waiting) < GROUP_LIMIT - 1:
                waiting.append(following)
                following = self._queue.get_nowait()
            if following is not None:
                waiting.append(following)
            else:
                stopping = True
        return [*self._riding(), *waiting], stopping

    def _riding(self) -> list[_Waiting]:
        riding: list[_Waiting] = []
        with suppress(queue.Empty):
            while len(riding) < GROUP_LIMIT:
                riding.append(self._along.get_nowait())
        return riding

    def _commit_group(self, connection: Connection, group: list[_Waiting]) -> None:
        self.groups += 1
        self.moves += len(group)
        results: list[Any] = []
        try:
            self._run_group(connection, group, results)
        except BaseException as error:  # noqa: BLE001 (what a move raises belongs to the one who waits for it)
            self._database.leave(connection)
            if not results or not self._database.was_committed(error):
                self._undone(connection, group, error)
                return
        _settle([(waiting.future, result, None) for waiting, result in zip(group, results, strict=True)])

    def _run_group(self, connection: Connection, group: list[_Waiting], results: list[Any]) -> None:
        """Run every move of a group in one transaction. `results` are there as soon as only the commit is left."""
        leases = {waiting.lease for waiting in group if waiting.lease is not None}
        while True:
            try:
                with connection.begin():
                    self.entry.begin(connection, leases)
                    results.extend(_results(connection, group))
            except BehindError:
                self._database.leave(connection)
                self.entry.catch_up()
            else:
                return

    def _undone(self, connection: Connection, group: list[_Waiting], error: BaseException) -> None:
        """Run each move of a group that failed by itself."""
        if len(group) == 1:
            _settle([(group[0].future, None, error)])
            return
        for waiting in group:
            self._commit_group(connection, [waiting])


def _nothing(_connection: Connection) -> None:
    """A group for what rides along."""


def _results(connection: Connection, group: list[_Waiting]) -> list[Any]:
    """Run every move; items of one function at the place of the first of them."""
    together: dict[Any, list[int]] = {}
    for place, waiting in enumerate(group):
        if waiting.batch is not None:
            together.setdefault(waiting.batch, []).append(place)
    results: list[Any] = [None] * len(group)
    for place, waiting in enumerate(group):
        if waiting.batch is None:
            results[place] = waiting.move(connection)
        elif places := together.pop(waiting.batch, None):
            for member, result in zip(
                places, waiting.batch(connection, [group[member].item for member in places]), strict=True
            ):
                results[member] = result
    return results


def _settle(outcomes: list[tuple[asyncio.Future[Any], Any, BaseException | None]]) -> None:
    """Hand results back to their loops, one wake-up for a whole group of one loop."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any, BaseException | None]]] = {}
    for outcome in outcomes:
        loops.setdefault(outcome[0].get_loop(), []).append(outcome)
    for loop, theirs in loops.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, theirs)


def _resolve(outcomes: list[tuple[asyncio.Future[Any], Any, BaseException | None]]) -> None:
    for future, result, error in outcomes:
        if future.done():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
