"""gateway.database.content: an epoch that was closed takes nothing any more, on any machine of the node, and is
closed only where nothing names it. On a server two machines meet at every moment in between.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from support.databases import fresh_postgresql

from gateway.database import content
from gateway.database.content import SealedRow
from gateway.database.kinds.postgres_server import PostgresServer
from gateway.database.migrating import migrate
from gateway.errors import Code, TransientError


def row(ref: int, epoch: int) -> SealedRow:
    """Content under a data key that is wrapped under this epoch."""
    return SealedRow(ref=ref, epoch=epoch, wrapped=b"wrapped", data=b"data")


def test_what_is_closed_takes_nothing(connection: Connection) -> None:
    """Nor what is older; what is newer is stored, and a group of which one row is too old is not stored in part."""
    content.put(connection, [row(1, 1), row(2, 2)])
    assert not content.close_epoch(connection, 1)
    content.rewrap(connection, 2, [(1, b"new")])
    assert content.close_epoch(connection, 1)
    content.put(connection, [row(3, 2)])
    for rows in ([row(4, 1)], [row(5, 2), row(6, 1)]):
        with (
            connection.begin_nested(),
            pytest.raises(TransientError, match="nothing was stored", check=lambda error: error.code is Code.LOCKED),
        ):
            content.put(connection, rows)


def test_a_later_closing_counts(connection: Connection) -> None:
    """Only the newest one is kept, and one that was closed is not opened by an older one."""
    for epoch in (1, 2, 1):
        assert content.close_epoch(connection, epoch)
    assert connection.execute(text("select n from closed_epoch")).scalars().all() == [2]


def test_a_row_goes_on_and_never_back(connection: Connection) -> None:
    """A machine that was stopped in the middle of wrapping anew changes nothing that another has done since."""
    content.put(connection, [row(1, 1)])
    content.rewrap(connection, 3, [(1, b"by the other")])
    content.rewrap(connection, 2, [(1, b"late")])
    assert content.keys_not_of(connection, 9, 9) == [(1, 3, b"by the other")]


@pytest.fixture
def engine() -> Iterator[Engine]:
    """A node's database on a server, with as many connections as machines."""
    url = fresh_postgresql()
    owner = PostgresServer(url, Path()).open_engine(writes=True)
    migrate(owner, new=True)
    owner.dispose()
    made = create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="READ COMMITTED")
    yield made
    made.dispose()


class Beside(threading.Thread):
    """What another machine does in a transaction of its own."""

    def __init__(self, engine: Engine, rows: list[SealedRow]) -> None:
        super().__init__()
        self.engine, self.rows = engine, rows
        self.refused: Code | None = None

    def run(self) -> None:
        """Store the rows."""
        try:
            with self.engine.begin() as connection:
                content.put(connection, self.rows)
        except TransientError as error:
            self.refused = error.code


def waits(engine: Engine) -> None:
    """Return as soon as somebody waits for a lock."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.scalar(text("select count(*) from pg_locks where not granted")):
            pass


def test_who_stores_while_an_epoch_is_closed_is_refused(engine: Engine) -> None:
    """It waits for the one who closes, and then meets the epoch closed: with it nothing of it would ever open."""
    late = Beside(engine, [row(1, 1)])
    with engine.begin() as connection:
        assert content.close_epoch(connection, 1)
        late.start()
        waits(engine)
    late.join()
    assert late.refused is Code.LOCKED
    with engine.begin() as connection:
        assert content.present(connection, [1]) == set()


def test_who_closes_waits_for_who_stores(engine: Engine) -> None:
    """What another machine has not committed yet is counted: the epoch stays until it is wrapped anew."""
    closed: list[bool] = []

    def close() -> None:
        with engine.begin() as connection:
            closed.append(content.close_epoch(connection, 1))

    closing = threading.Thread(target=close)
    with engine.begin() as connection:
        content.put(connection, [row(1, 1)])
        closing.start()
        waits(engine)
    closing.join()
    assert closed == [False]
