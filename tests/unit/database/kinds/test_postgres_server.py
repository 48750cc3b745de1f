"""A database on a PostgreSQL server: one owner, and what is said when the server goes away in the middle."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, text
from support.databases import fresh_postgresql

from gateway.database import meta
from gateway.database.engine import Store
from gateway.database.kinds import postgres_server
from gateway.database.kinds.postgres_server import PostgresServer
from gateway.errors import Code, RefusedError, TransientError


@pytest.fixture
def server(tmp_path: Path) -> PostgresServer:
    """An empty database."""
    return PostgresServer(fresh_postgresql(), tmp_path / "node.db")


@pytest.fixture
def store(server: PostgresServer) -> Iterator[Store]:
    """A store on it."""
    opened = Store(server, new=True)
    yield opened
    opened.close()


def remember(key: str):
    """A move that writes one fact."""

    def move(connection: Connection) -> str:
        meta.set_meta(connection, key, b"1")
        return key

    return move


def cut(server: PostgresServer) -> None:
    """The server ends every session of this database but this one, as at a restart."""
    engine = create_engine(server.url)
    with engine.connect() as connection:
        connection.execute(
            text(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid != pg_backend_pid()"
            )
        )
    engine.dispose()


def let_write(server: PostgresServer, may: bool) -> None:
    """Whether sessions that begin from now on may write."""
    always = {"options": "-c default_transaction_read_only=off"}
    engine = create_engine(server.url, connect_args=always, isolation_level="AUTOCOMMIT")
    read_only = "off" if may else "on"
    with engine.connect() as connection:
        connection.execute(
            text(f"alter database {server.url.database} set default_transaction_read_only = {read_only}")
        )
    engine.dispose()


def test_it_has_one_owner(store: Store, server: PostgresServer) -> None:
    """A second process is refused, and does nothing; after the first has closed it is let in."""
    with pytest.raises(RefusedError) as caught:
        Store(PostgresServer(server.url, server.path))
    assert caught.value.code is Code.LOCKED
    store.close()
    Store(PostgresServer(server.url, server.path)).close()


async def test_it_goes_on_after_the_server_was_away(store: Store, server: PostgresServer) -> None:
    """What was under way is refused in words; the next is written and read without a restart."""
    await store.move(remember("before"))
    cut(server)
    results = await asyncio.gather(store.move(remember("lost")), return_exceptions=True)
    assert isinstance(results[0], TransientError) and results[0].code is Code.DISK
    await store.move(remember("after"))
    read = await asyncio.gather(store.read(lambda c: meta.get_meta(c, "after")), return_exceptions=True)
    assert read == [b"1"] or isinstance(read[0], TransientError)
    assert await store.read(lambda c: meta.get_meta(c, "after")) == b"1"
    assert await store.read(lambda c: meta.get_meta(c, "before")) == b"1"


@pytest.mark.parametrize("writes", [True, False], ids=["writes", "reads"])
async def test_it_goes_on_after_it_stood_still(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch, writes: bool
) -> None:
    """The server ended the session because nothing happened in its transaction: it is told, and the next works."""
    monkeypatch.setattr(postgres_server, "IDLE_SECONDS", 3)
    opened = Store(server, new=True)
    engine = create_engine(server.url)

    def stand_still(connection: Connection) -> object:
        own = connection.scalar(text("select pg_backend_pid()"))
        with engine.connect() as other:
            while other.scalar(text("select count(*) from pg_stat_activity where pid = :own"), {"own": own}):
                other.rollback()
                time.sleep(0.05)
        return connection.scalar(text("select 1"))

    with pytest.raises(TransientError) as caught:
        await (opened.move(stand_still) if writes else opened.read(stand_still))
    assert caught.value.code is Code.DISK
    await opened.move(remember("after"))
    assert await opened.read(lambda c: meta.get_meta(c, "after")) == b"1"
    engine.dispose()
    opened.close()


async def test_it_goes_on_after_the_server_took_no_writes(store: Store, server: PostgresServer) -> None:
    """As when its disk is full and who runs it lets it be read only: nothing is written, and the next goes on."""
    let_write(server, False)
    cut(server)
    for _ in range(3):
        with pytest.raises(TransientError) as caught:
            await store.move(remember("lost"))
        assert caught.value.code is Code.DISK
    let_write(server, True)
    await store.move(remember("after"))
    assert await store.read(lambda c: (meta.get_meta(c, "lost"), meta.get_meta(c, "after"))) == (None, b"1")


@pytest.mark.parametrize("done", [True, False], ids=["committed", "not committed"])
async def test_a_commit_whose_answer_was_lost(store: Store, server: PostgresServer, done: bool) -> None:
    """The server is asked what became of it: what was committed counts, and nothing else does."""

    def lose(connection: Connection) -> str:
        meta.set_meta(connection, "lost", b"1")
        driver = connection.connection.driver_connection
        commit = driver.commit

        def commit_and_lose() -> None:
            if done:
                commit()
            driver.close()
            raise postgres_server.psycopg.OperationalError("the connection is lost")

        driver.commit = commit_and_lose
        return "told"

    if done:
        assert await store.move(lose) == "told"
    else:
        with pytest.raises(TransientError):
            await store.move(lose)
    found = await store.read(lambda c: meta.get_meta(c, "lost"))
    assert found == (b"1" if done else None)
    assert await store.move(remember("next")) == "next"


@pytest.mark.parametrize("writes", [True, False], ids=["writing", "reading"])
async def test_a_transaction_that_stood_still(store: Store, server: PostgresServer, writes: bool) -> None:
    """The server ends it, as of a process that was stopped in the middle: nothing was changed, and the next goes on."""
    watch = create_engine(server.url, isolation_level="AUTOCOMMIT")

    def stand_still(connection: Connection) -> None:
        connection.execute(text("set local idle_in_transaction_session_timeout = '20ms'"))
        here = connection.scalar(text("select pg_backend_pid()"))
        with watch.connect() as other:
            there = text("select count(*) from pg_stat_activity where pid = :pid")
            while other.scalar(there, {"pid": here}):
                pass
        meta.get_meta(connection, "lost")

    with pytest.raises(TransientError) as caught:
        await (store.move(stand_still) if writes else store.read(stand_still))
    watch.dispose()
    assert caught.value.code is Code.DISK
    assert await store.move(remember("next")) == "next"
    assert await store.read(lambda c: meta.get_meta(c, "next")) == b"1"


async def test_a_line_that_is_gone_is_noticed(store: Store) -> None:
    """By libpq, whether something was sent or is waited for: the kernel alone would take a quarter of an hour."""

    def parameters(connection: Connection) -> dict[str, str]:
        driver = connection.connection.driver_connection
        assert isinstance(driver, postgres_server.psycopg.Connection)
        return driver.info.get_parameters()

    for ask in (store.move, store.read):
        told = await ask(parameters)
        assert {name: told[name] for name in postgres_server.LINE} == {
            "keepalives_idle": "5",
            "keepalives_interval": "2",
            "keepalives_count": "3",
            "tcp_user_timeout": "10000",
        }


def test_one_that_is_empty_is_no_node(server: PostgresServer) -> None:
    """A wrong address is told, and nothing is made there."""
    with pytest.raises(RefusedError) as caught:
        Store(server)
    assert caught.value.code is Code.NOT_FOUND
    Store(server, new=True).close()
    with pytest.raises(RefusedError) as caught:
        Store(server, new=True)
    assert caught.value.code is Code.EXISTS


def test_a_server_that_may_lose_what_is_accepted_is_refused(server: PostgresServer) -> None:
    """Each setting by which it would, and nothing is made."""
    administrator = create_engine(server.url, isolation_level="AUTOCOMMIT")
    with administrator.connect() as connection:
        connection.exec_driver_sql(f"alter database {server.url.database} set synchronous_commit = off")
    administrator.dispose()
    with pytest.raises(RefusedError) as caught:
        Store(server, new=True)
    assert [finding.rule for finding in caught.value.findings] == [
        "synchronous_commit is off: what is accepted may be lost"
    ]


def test_tables_of_another_version_are_refused(store: Store, server: PostgresServer) -> None:
    """A column that somebody took away: nothing is started."""
    store.close()
    engine = create_engine(server.url)
    with engine.begin() as connection:
        connection.exec_driver_sql("alter table alarm drop column dismissed")
    engine.dispose()
    with pytest.raises(RefusedError) as caught:
        Store(PostgresServer(server.url, server.path))
    assert caught.value.code is Code.INVALID
