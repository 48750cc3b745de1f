"""A database behind a real PgBouncer in transaction mode: refused unless node.toml says so, and then nothing is left to
sessions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import URL, Connection, create_engine, text
from support.databases import fresh_postgresql
from support.poolers import pooler_before

from gateway.database import meta
from gateway.database.engine import Store
from gateway.database.kinds.postgres_server import PostgresServer
from gateway.errors import Code, RefusedError, TransientError

IGNORED = "extra_float_digits,options"
"""What a pooler may be told to take from clients and forget."""


@pytest.fixture
def server() -> URL:
    """An empty database."""
    return fresh_postgresql()


@pytest.fixture
def pooled(server: URL) -> Iterator[URL]:
    """The same behind a pooler."""
    with pooler_before(server) as url:
        yield url


def remember(connection: Connection) -> None:
    """A move that writes one fact."""
    meta.set_meta(connection, "fact", b"1")


def test_settings_that_it_does_not_pass_on_are_told_in_words(pooled: URL, tmp_path: Path) -> None:
    """PgBouncer as it comes refuses the connection; whoever starts the node reads why, and what to set."""
    with pytest.raises(RefusedError) as caught:
        Store(PostgresServer(pooled, tmp_path / "node.db"), new=True)
    assert caught.value.code is Code.INVALID
    assert "pooler" in caught.value.what and "pooled = true" in (caught.value.hint or "")


@pytest.mark.parametrize("sessions", [1, 4], ids=["one session", "several"])
@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_one_that_takes_settings_and_forgets_them_is_found(
    server: URL, tmp_path: Path, sessions: int, mode: str
) -> None:
    """Also where it is idle and gives the same session again and again; nothing is made."""
    with pooler_before(server, sessions=sessions, pool_mode=mode, ignore_startup_parameters=IGNORED) as url:
        with pytest.raises(RefusedError) as caught:
            Store(PostgresServer(url, tmp_path / "node.db"), new=True)
        assert caught.value.code is Code.INVALID and "pooler" in caught.value.what
    engine = create_engine(server)
    with engine.connect() as connection:
        assert connection.scalar(text("select count(*) from pg_tables where schemaname = 'public'")) == 0
    engine.dispose()


async def test_what_is_set_is_set_for_each_transaction(pooled: URL, tmp_path: Path) -> None:
    """Both that read and that write, and no session of the server has anything afterwards."""
    shown = text("select current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout')")
    with closing(Store(PostgresServer(pooled, tmp_path / "node.db", pooled=True), new=True)) as store:
        await store.move(remember)
        assert await store.read(lambda c: meta.get_meta(c, "fact")) == b"1"
        assert await store.read(lambda c: tuple(c.execute(shown).one())) == ("1min", "5s")
        assert await store.move(lambda c: tuple(c.execute(shown).one())) == ("1min", "5s")
        engine = create_engine(pooled)
        with engine.connect() as connection:
            assert tuple(connection.execute(shown).one()) == ("0", "0")
            assert connection.scalar(text("select count(*) from pg_prepared_statements")) == 0
            held = text("select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()")
            assert connection.scalar(held) == 0
        engine.dispose()


def test_it_has_one_owner_behind_a_pooler_too(pooled: URL, tmp_path: Path) -> None:
    """A second process is refused, whether it comes through the pooler or past it; after the first it is let in."""

    def behind() -> PostgresServer:
        return PostgresServer(pooled, tmp_path / "node.db", pooled=True)

    with closing(Store(behind(), new=True)):
        with pytest.raises(RefusedError) as caught:
            Store(behind())
        assert caught.value.code is Code.LOCKED
    with closing(Store(PostgresServer(pooled, tmp_path / "node.db", pooled=True, shared=True))):
        Store(PostgresServer(pooled, tmp_path / "node.db", pooled=True, shared=True)).close()
        with pytest.raises(RefusedError):
            Store(behind())
    Store(behind()).close()


async def test_a_lock_that_was_lost_is_taken_again(server: URL, pooled: URL, tmp_path: Path) -> None:
    """Before anything is written; and where another process has it by then, nothing is."""
    with closing(Store(PostgresServer(pooled, tmp_path / "node.db", pooled=True), new=True)) as store:
        cut_lock(server)
        await store.move(remember)
        with pytest.raises(RefusedError):
            Store(PostgresServer(server, tmp_path / "node.db"))
        cut_lock(server)
        with closing(Store(PostgresServer(server, tmp_path / "node.db"))):
            with pytest.raises(RefusedError) as caught:
                await store.move(lambda c: meta.set_meta(c, "fact", b"2"))
            assert caught.value.code is Code.LOCKED
        assert await store.read(lambda c: meta.get_meta(c, "fact")) == b"1"
        await store.move(lambda c: meta.set_meta(c, "fact", b"3"))


async def test_it_goes_on_after_every_session_was_cut(server: URL, pooled: URL, tmp_path: Path) -> None:
    """As without a pooler: what was under way is refused, the next is written and read."""
    with closing(Store(PostgresServer(pooled, tmp_path / "node.db", pooled=True), new=True)) as store:
        await store.read(lambda c: meta.get_meta(c, "fact"))
        cut(server, "true")
        with suppress(TransientError):
            await store.move(remember)
        await store.move(remember)
        with suppress(TransientError):
            await store.read(lambda c: meta.get_meta(c, "fact"))
        assert await store.read(lambda c: meta.get_meta(c, "fact")) == b"1"


def cut_lock(server: URL) -> None:
    """The server ends the sessions that hold the lock of a process."""
    cut(server, "pid in (select pid from pg_locks where locktype = 'advisory')")


def cut(server: URL, which: str) -> None:
    """The server ends sessions of this database."""
    engine = create_engine(server)
    with engine.connect() as connection:
        connection.execute(
            text(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
                f" and pid != pg_backend_pid() and {which}"
            )
        )
    engine.dispose()
