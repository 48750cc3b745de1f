"""A store and a key store of its own for each test, and one connection inside a transaction for tests of queries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Connection
from support.databases import shared_postgresql
from support.fresh import engine_of, migrate
from support.keycost import CHEAP
from support.nodes import NOW

from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.kinds.sqlite_file import SqliteFile
from keys.keystore.keystore import Cost, Keystore, system_rand


@pytest.fixture
def plain_logs() -> Iterator[None]:
    """What a test before set up for the logs of a program counts for nothing: each line is told that is asked for."""
    before = structlog.get_config()
    structlog.reset_defaults()
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def cost() -> Cost:
    """A key derivation that costs a test nothing."""
    return CHEAP


@pytest.fixture
def keys(tmp_path: Path) -> Keystore:
    """The key store of a node that exists nowhere else."""
    return Keystore.create(tmp_path / "keystore", "pw", node="n1" + "a" * 32, now=NOW, cost=CHEAP)


@pytest.fixture
def vault(keys: Keystore) -> ContentSealer:
    """Seals under `keys`."""
    return ContentSealer(keys, system_rand)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open store in an empty folder."""
    opened = Store(SqliteFile(tmp_path / "node.db"))
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    """A connection that writes, inside of its transaction, as a move gets it; on each kind of database."""
    if request.param == "postgresql":
        with shared_postgresql().connect() as opened:
            begun = opened.begin()
            opened.exec_driver_sql("select setval(sequencename::regclass, 1, false) from pg_sequences")
            yield opened
            begun.rollback()
        return
    engine = engine_of(SqliteFile(tmp_path / "queries.db"), writes=True)
    migrate(engine)
    with engine.connect() as opened, opened.begin():
        yield opened
    engine.dispose()
