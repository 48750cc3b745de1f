"""A server that was primary and is a standby by now, where what leads to it has not noticed yet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL
from support.shared import lacking

from gateway.database import meta
from gateway.database.engine import Store
from gateway.database.kinds.postgres_server import PostgresServer
from gateway.demo.cluster.postgresql import PostgresqlServer, find_programs
from gateway.demo.processes import Processes
from gateway.errors import Code, TransientError


@pytest.fixture
def processes() -> Iterator[Processes]:
    """Programs that are stopped in the end."""
    running = Processes()
    yield running
    running.stop()


async def test_nothing_is_read_or_written_at_a_standby(processes: Processes, tmp_path: Path) -> None:
    """It is refused as a server that is away, and the store goes on by itself when it is primary again."""
    programs = find_programs()
    if programs is None:
        lacking("there is no PostgreSQL on this machine")
    server = PostgresqlServer("the server", programs, tmp_path / "log")
    server.make()
    assert server.folder is not None
    try:
        server.start(processes)
        query = {"host": str(server.folder), "port": str(server.port)}
        url = URL.create("postgresql", "postgres", database="postgres", query=query)
        store = Store(PostgresServer(url, tmp_path / "node.db"), new=True)
        await store.move(lambda c: meta.set_meta(c, "key", b"before"))
        server.crash(processes)
        (server.folder / "data" / "standby.signal").touch()
        server.start(processes)
        for _ in range(3):
            with pytest.raises(TransientError) as caught:
                await store.move(lambda c: meta.set_meta(c, "key", b"lost"))
            assert caught.value.code is Code.DISK
            with pytest.raises(TransientError):
                await store.read(lambda c: meta.get_meta(c, "key"))
        server.execute(["select pg_promote()"])
        await store.move(lambda c: meta.set_meta(c, "other", b"after"))
        assert await store.read(lambda c: (meta.get_meta(c, "key"), meta.get_meta(c, "other"))) == (b"before", b"after")
        store.close()
    finally:
        processes.stop()
        server.remove()
