"""The one writer: a group shares its commit and nothing else."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, text
from support import rows
from support.house import ROOT
from support.patience import PATIENCE
from support.rest import until_at_rest

from gateway.database import content
from gateway.database import meta as database_meta
from gateway.database.engine import Store
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.database.table_fingerprint import STORED
from gateway.database.tables import meta, peer_descriptor
from gateway.database.writing import writer
from gateway.messages.store import messages

PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL
    "secure_delete": 1,
    "foreign_keys": 1,
    "temp_store": 2,  # MEMORY
    "busy_timeout": 5000,
}


def remember(key: str):
    """A move that writes one fact and returns its name."""

    def move(connection: Connection) -> str:
        database_meta.set_meta(connection, key, key.encode())
        return key

    return move


def bad(connection: Connection) -> None:
    """A move that writes and then fails."""
    database_meta.set_meta(connection, "bad", b"never seen")
    raise LookupError("this one alone")


def bad_at_commit(connection: Connection) -> None:
    """A move that fails only when its transaction is committed."""
    connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    connection.execute(insert(peer_descriptor).values(node="n1nobody", version=1, document=b""))


async def grouped(store: Store, *moves):
    """Run moves that are all waiting when the writer comes round."""
    gate = threading.Event()
    first = asyncio.create_task(store.move(lambda _: gate.wait(PATIENCE)))
    await until_at_rest()
    tasks = [asyncio.create_task(store.move(move)) for move in moves]
    await until_at_rest()
    gate.set()
    await first
    return await asyncio.gather(*tasks, return_exceptions=True)


def known(store: Store):
    """The facts on disk, but for the one that every database has."""
    return store.read(lambda c: set(c.execute(select(meta.c.key).where(meta.c.key != STORED)).scalars()))


async def test_what_waits_shares_one_commit(store: Store):
    """Moves that wait together are one group, and each waiter gets its own result."""
    names = [f"fact-{n}" for n in range(20)]
    before = store.writer.groups
    assert names == await grouped(store, *(remember(name) for name in names))
    assert store.writer.groups <= before + 2  # what held the writer up goes first, or with them
    assert set(names) <= await known(store)


@pytest.mark.parametrize("failing", [bad, bad_at_commit])
async def test_one_failing_move_harms_no_other(store: Store, failing):
    """The others of its group are written and answered; the failing one leaves nothing and raises to its own waiter."""
    results = await grouped(store, remember("a"), failing, remember("b"))
    assert [results[0], results[2]] == ["a", "b"]
    assert isinstance(results[1], Exception)
    assert {"a", "b"} == await known(store)


def remember_all(connection: Connection, names: Sequence[str]) -> list[str]:
    """A function that writes several items at once; one item is bad."""
    if "bad" in names:
        raise LookupError("this one alone")
    for name in names:
        database_meta.set_meta(connection, name, b"%d" % len(names))
    return [name.upper() for name in names]


async def test_items_of_one_function_are_written_together(store: Store):
    """One call for all that wait, and each waiter gets the result of its item."""

    async def item(name: str):
        return await store.move_together(remember_all, name)

    gate = threading.Event()
    first = asyncio.create_task(store.move(lambda _: gate.wait(PATIENCE)))
    await until_at_rest()
    tasks = [asyncio.create_task(item(name)) for name in "abc"] + [asyncio.create_task(store.move(remember("d")))]
    await until_at_rest()
    gate.set()
    await first
    assert await asyncio.gather(*tasks) == ["A", "B", "C", "d"]
    assert await store.read(lambda c: database_meta.get_meta(c, "b")) == b"3"


async def test_one_bad_item_harms_no_other(store: Store):
    """The others are written by themselves and answered; only the bad one raises."""

    async def item(name: str):
        return await store.move_together(remember_all, name)

    gate = threading.Event()
    first = asyncio.create_task(store.move(lambda _: gate.wait(PATIENCE)))
    await until_at_rest()
    tasks = [asyncio.create_task(item(name)) for name in ("a", "bad", "c")]
    await until_at_rest()
    gate.set()
    await first
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [results[0], results[2]] == ["A", "C"]
    assert isinstance(results[1], LookupError)
    assert await known(store) == {"a", "c"}


async def test_the_error_of_a_move_is_the_one_it_raised(store: Store):
    """A waiter gets the exception of its move, not a wrapper."""
    with pytest.raises(LookupError, match="this one alone"):
        await store.move(bad)
    assert await known(store) == set()


async def test_a_move_runs_though_its_waiter_left(store: Store):
    """Cancelling the waiter does not cancel what was handed to the writer."""
    gate = threading.Event()

    def slow(connection: Connection) -> None:
        gate.wait(PATIENCE)
        database_meta.set_meta(connection, "slow", b"")

    task = asyncio.create_task(store.move(slow))
    await until_at_rest()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.set()
    await store.move(remember("after"))
    assert {"slow", "after"} == await known(store)


async def test_closing_finishes_what_waits(tmp_path: Path):
    """What was handed over before closing is on disk; what comes after is our bug."""
    store = Store(SqliteFile(tmp_path / "node.db"))
    task = asyncio.create_task(store.move(remember("last")))
    await asyncio.sleep(0)
    store.close()
    assert await task == "last"
    with pytest.raises(RuntimeError, match="closed"):
        await store.move(remember("too late"))
    again = Store(SqliteFile(tmp_path / "node.db"))
    assert await known(again) == {"last"}
    again.close()


async def test_readers_see_whole_groups(store: Store):
    """A reader sees a snapshot: the same before and after a commit that happens while it reads."""
    started, written = threading.Event(), threading.Event()

    def slow_query(connection: Connection) -> tuple[bytes | None, bytes | None]:
        first = database_meta.get_meta(connection, "between")
        started.set()
        written.wait(PATIENCE)
        return first, database_meta.get_meta(connection, "between")

    reading = asyncio.create_task(store.read(slow_query))
    await asyncio.to_thread(started.wait, PATIENCE)
    await store.move(remember("between"))
    written.set()
    assert await reading == (None, None)


@pytest.mark.parametrize("pragma", PRAGMAS)
async def test_the_write_connection_is_durable(store: Store, pragma: str):
    """What promises durability and erasure is set on the connection that writes, not only asked for."""
    assert PRAGMAS[pragma] == await store.move(lambda c: c.exec_driver_sql(f"PRAGMA {pragma}").scalar())


async def test_erased_bytes_leave_the_file(store: Store):
    """After erasing and truncating the log, neither file holds the bytes."""
    row = rows.sealed(7, data=b"erase these bytes" * 100)
    await store.move(lambda c: content.put(c, [row]))
    await store.checkpoint()
    assert b"erase these bytes" in store.path.read_bytes()
    await store.move(lambda c: content.erase(c, 7))
    await store.checkpoint(truncate=True)
    for path in store.path.parent.iterdir():
        assert b"erase these bytes" not in path.read_bytes(), path.name
        assert row.wrapped not in path.read_bytes(), path.name


COUNTING = """
import asyncio, sys
from contextlib import suppress
from pathlib import Path
from gateway.errors import TransientError
from gateway.database import meta
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.database.engine import Store
def add(c):
    n = int(meta.get_meta(c, "count") or b"0")
    meta.set_meta(c, "count", str(n + 1).encode())
async def main():
    store = Store(SqliteFile(Path(sys.argv[1])))
    left = int(sys.argv[2])
    while left:
        with suppress(TransientError):  # it waited too long for its turn, and nothing was changed
            await store.move(add)
            left -= 1
    store.close()
asyncio.run(main())
"""


async def test_no_update_is_lost_between_processes(store: Store):
    """Four processes that read, add and write never lose a step: the transaction holds the lock from its first read."""
    command = [sys.executable, "-c", COUNTING, str(store.path), "40"]
    started = [subprocess.Popen(command, cwd=ROOT) for _ in range(4)]  # noqa: ASYNC220
    assert [await asyncio.to_thread(process.wait, PATIENCE) for process in started] == [0, 0, 0, 0]
    assert await store.read(lambda c: database_meta.get_meta(c, "count")) == b"160"


def test_a_move_holds_the_lock_from_its_first_read(tmp_path: Path):
    """No second writer can begin while a move has only read."""
    store = Store(SqliteFile(tmp_path / "node.db"))

    async def main() -> None:
        def look(connection: Connection) -> str:
            connection.execute(text("select count(*) from meta")).scalar()
            probe = [sys.executable, "-c", BEGIN, str(store.path)]
            return subprocess.run(probe, capture_output=True, check=True, text=True).stdout.strip()

        assert await store.move(look) == "database is locked"

    asyncio.run(main())
    store.close()


BEGIN = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
try:
    connection.execute("BEGIN IMMEDIATE")
    print("began")
except sqlite3.OperationalError as error:
    print(error)
connection.close()
"""


@pytest.mark.parametrize(
    ("number", "write"),
    [
        (10, lambda c: content.put(c, [rows.sealed(10)])),
        (11, lambda c: messages.add(c, [rows.message(11)])),
        (12, lambda c: c.execute(text("insert into draft values (12,'i',null,'waiting',1,null)"))),
        (13, lambda c: c.execute(text("insert into statement values ('h',1,13,1)"))),
        (14, lambda c: c.execute(text("insert into receipt_batch values (14,x'00')"))),
        (15, lambda c: c.execute(text("insert into origin values (15,x'00',x'00',1)"))),
        (16, lambda c: c.execute(text("insert into consent values (16,x'00','own','active',1)"))),
    ],
    ids=["content", "message", "draft", "statement", "batch", "origin", "consent"],
)
async def test_numbers_rise_across_restarts(tmp_path: Path, number: int, write):
    """A number that stands anywhere is never given out again, also when its content was erased before the restart."""
    store = Store(SqliteFile(tmp_path / "node.db"))
    await store.move(write)
    store.close()
    again = Store(SqliteFile(tmp_path / "node.db"))
    assert number < again.new_ref() < again.new_ref()
    again.close()


def test_numbers_are_unique_among_threads(store: Store):
    """Threads that ask at once never get the same number."""
    given: list[int] = []
    threads = [threading.Thread(target=lambda: given.extend(store.new_ref() for _ in range(500))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == len(set(given)) == 4_000


async def test_what_rides_along_shares_the_next_commit(store: Store, monkeypatch: pytest.MonkeyPatch):
    """Nobody waits for it: it has no transaction of its own when one comes anyway, and is in that one."""
    monkeypatch.setattr(writer, "RIDE", PATIENCE)
    before = store.writer.groups
    riding = store.move_along(remember("rides"))
    await store.move(remember("waits"))
    assert store.writer.groups == before + 1
    assert await riding == "rides"
    assert await known(store) == {"rides", "waits"}


async def test_what_rides_along_goes_alone_when_nothing_comes(store: Store):
    """It waits for a moment only."""
    async with asyncio.timeout(PATIENCE):
        assert await store.move_along(remember("alone")) == "alone"
    assert await known(store) == {"alone"}


async def test_what_rides_along_harms_no_other(store: Store):
    """Its failure is its own, whether somebody looks at it or not."""
    riding = store.move_along(bad)
    assert await store.move(remember("waits")) == "waits"
    assert isinstance(riding.exception(), Exception)
    assert await known(store) == {"waits"}


async def test_what_rides_along_is_written_at_the_end(tmp_path: Path):
    """A store that is closed in good order loses nothing."""
    store = Store(SqliteFile(tmp_path / "closed.db"))
    store.move_along(remember("last"))
    store.close()
    again = Store(SqliteFile(tmp_path / "closed.db"))
    assert "last" in await known(again)
    again.close()
