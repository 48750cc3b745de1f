"""A store of its own for each test, and one connection inside a transaction for tests of queries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection
from support.fresh import migrate

from gateway.store import Store
from gateway.store.engine import _engine


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open store in an empty folder."""
    opened = Store(tmp_path / "node.db")
    yield opened
    opened.close()


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """A write connection inside BEGIN IMMEDIATE, as a move gets it."""
    engine = _engine(tmp_path / "queries.db", begin="BEGIN IMMEDIATE")
    migrate(engine)
    with engine.connect() as opened, opened.begin():
        yield opened
    engine.dispose()
