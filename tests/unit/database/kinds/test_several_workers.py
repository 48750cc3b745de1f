"""gateway.database.kinds.several_workers: the server counts what workers have in memory, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError
from support.databases import fresh_postgresql

from gateway.database.kinds import several_workers
from gateway.database.kinds.postgres_server import PostgresServer
from gateway.database.kinds.several_workers import TABLES, enter, prepare_for_workers
from gateway.database.migrating import migrate

TOLD = "insert into meta (key, value) values ('keyset', '1') on conflict (key) do update set value = '2'"
ADDED = "insert into token (id, hash, role, label, made, expires) values ('{}', 'h', 'adapter', 'l', 1, 2)"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """A node's database on a server."""
    made = PostgresServer(fresh_postgresql(), Path()).open_engine(writes=True)
    migrate(made, new=True)
    yield made
    made.dispose()


def count(connection: Connection) -> int:
    """How often something changed, as workers read it."""
    return connection.execute(text("select pictures from cluster")).scalar_one()


def counted(engine: Engine, *statements: str) -> int:
    """By how much one transaction of these statements changes the count."""
    with engine.begin() as connection:
        before = count(connection)
        for statement in statements:
            connection.execute(text(statement))
    with engine.begin() as connection:
        return count(connection) - before


def test_a_statement_that_meets_no_row_changes_nothing(engine: Engine) -> None:
    """Each message that is handed over looks for an erasure of it: no worker reads everything again for that."""
    assert counted(engine, "update erasure set place = 'due' where message = 1", "delete from token") == 0
    assert counted(engine, "insert into meta (key, value) values ('seen', '1')") == 0


def test_a_transaction_counts_once_whatever_it_changes(engine: Engine) -> None:
    """Workers compare at the beginning of theirs; the next transaction counts again."""
    assert counted(engine, ADDED.format("a"), ADDED.format("b"), "update token set label = 'm'", TOLD) == 1
    assert counted(engine, TOLD) == 1
    assert counted(engine, "delete from token") == 1


def test_what_is_taken_back_does_not_keep_the_rest_from_counting(engine: Engine) -> None:
    """A part of a transaction that failed has counted nothing."""
    part = ("savepoint part", ADDED.format("a"), "rollback to savepoint part")
    assert counted(engine, *part) == 0
    assert counted(engine, *part, ADDED.format("b"), "delete from token") == 1


def test_a_database_that_counted_statements_counts_rows_when_it_is_opened(engine: Engine) -> None:
    """The triggers of before are replaced, all of them."""
    with engine.begin() as connection:
        for table in TABLES:
            connection.exec_driver_sql(
                f"create or replace trigger count_change after update on {table}"
                " for each statement execute function trm_count_change()"
            )
        connection.exec_driver_sql(
            "create or replace function trm_count_change() returns trigger language plpgsql as"
            " $$ begin update cluster set pictures = pictures + 1; return null; end $$"
        )
    assert counted(engine, "update erasure set place = 'due' where message = 1") == 1
    with engine.begin() as connection:
        prepare_for_workers(connection)
    assert counted(engine, "update erasure set place = 'due' where message = 1") == 0
    assert counted(engine, ADDED.format("a"), "delete from token") == 1


def test_no_transaction_holds_the_others_up_for_ever(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server ends it where it can, whatever it is at, and the next one is not bounded by what was set for it."""
    monkeypatch.setattr(several_workers, "LONGEST", 1)
    with engine.connect() as connection:
        bounds = connection.scalar(text("select current_setting('server_version_num')::int >= 170000"))
    if bounds:
        with pytest.raises(OperationalError), engine.begin() as connection:
            enter(connection)
            connection.execute(text("select pg_sleep(30)"))
    with engine.begin() as connection:
        enter(connection)
    with engine.begin() as connection:
        assert connection.scalar(text("select current_setting('transaction_timeout', true)")) in ("0", None)
