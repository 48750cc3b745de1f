"""The migrations make exactly the tables that the queries are written for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from support.databases import fresh_postgresql

from gateway.database import migrating
from gateway.database.kinds.database import Database
from gateway.database.kinds.postgres_server import PostgresServer
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.database.migrating import migrate
from gateway.database.migrations import HEAD
from gateway.database.tables import metadata

BOOKKEEPING = "alembic_version"


def reflected(engine: Engine) -> dict[str, Any]:
    """What the database says about its tables, in a form that does not depend on the order of statements."""
    found: dict[str, Any] = {}
    inspector = inspect(engine)
    for name in inspector.get_table_names():
        if name == BOOKKEEPING:
            continue
        found[name] = {
            "columns": {c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in inspector.get_columns(name)},
            "key": inspector.get_pk_constraint(name)["constrained_columns"],
            "unique": sorted(c["column_names"] for c in inspector.get_unique_constraints(name)),
            "foreign": sorted(
                (f["constrained_columns"], f["referred_table"], f["referred_columns"])
                for f in inspector.get_foreign_keys(name)
            ),
        }
    with engine.connect() as connection:
        statements = connection.execute(text("select name, type, sql from sqlite_master where sql is not null"))
        for name, kind, sql in statements:
            if kind == "index":
                found[f"index {name}"] = re.sub(r"\s+", " ", sql).lower()
            elif name in found:
                found[name]["autoincrement"] = "autoincrement" in sql.lower()
    return found


def test_the_migrations_make_the_tables(tmp_path: Path):
    """A database made by the migrations is the one that the table definitions describe."""
    migrated, described = (
        SqliteFile(tmp_path / "a.db").open_engine(writes=True),
        create_engine(f"sqlite:///{tmp_path}/b.db"),
    )
    migrate(migrated)
    metadata.create_all(described)
    assert reflected(described) == reflected(migrated)
    assert set(metadata.tables) == {name for name in reflected(migrated) if not name.startswith("index ")}
    migrated.dispose()
    described.dispose()


def test_a_forgotten_index_is_found(tmp_path: Path):
    """The comparison sees a difference as small as one index."""
    one, other = (create_engine(f"sqlite:///{tmp_path}/{name}.db") for name in "ab")
    metadata.create_all(one)
    metadata.create_all(other)
    with other.begin() as connection:
        connection.execute(text("drop index outbox_peer"))
    assert reflected(one) != reflected(other)
    one.dispose()
    other.dispose()


def test_migrating_twice_changes_nothing(tmp_path: Path):
    """Opening an up-to-date database runs no step again."""
    engine = SqliteFile(tmp_path / "a.db").open_engine(writes=True)
    revision = migrate(engine)
    before = reflected(engine)
    assert revision == migrate(engine)
    assert before == reflected(engine)
    engine.dispose()


LATER = (
    *("statement_batch", "cluster", "worker", "lease", "nonce"),
    *("closed_epoch", "keystore_step", "key_machine", "key_invitation", "conversation_word", "case_word"),
)
"""Tables that revisions after 0015 have made."""
ADDED = (
    ("sealed", "form"),
    ("conversation", "worded moved stage"),
    ("cases", "worded listed ours theirs moved stage closed"),
)
"""Columns that they have added."""


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """An empty database of each kind."""
    file = tmp_path / "node.db"
    return SqliteFile(file) if request.param == "sqlite" else PostgresServer(fresh_postgresql(), file)


def test_rows_of_before_stay_as_they_are(database: Database):
    """Revision 0016 says of sealed content which form it has, and of all that is there that it has the first one; those
    after it make tables that are empty, and columns of which nothing is known yet.
    """
    engine = database.open_engine(writes=True)
    migrate(engine, new=True)
    with engine.begin() as connection:
        for table in LATER:
            connection.execute(text(f"drop table {table}"))
        for index in ("conversation_unworded", "cases_unworded", "cases_unlisted"):
            connection.execute(text(f"drop index {index}"))
        for table, columns in ADDED:
            for column in columns.split():
                connection.execute(text(f"alter table {table} drop column {column}"))
        connection.execute(text("insert into sealed (ref, data) values (7, 'bytes')"))
        connection.execute(text("update alembic_version set version_num = '0015'"))
        connection.execute(text("delete from meta where key = 'tables'"))
    migrate(engine)
    with engine.connect() as connection:
        assert connection.execute(text("select ref, form from sealed")).all() == [(7, 0)]
        assert connection.scalar(text("select count(*) from statement_batch")) == 0
        assert connection.scalar(text("select version_num from alembic_version")) == HEAD
    engine.dispose()


def test_a_start_may_take_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """While it compares tables its session is not ended as that of a worker that stands still; afterwards it is."""
    bounds, idle = list[str](), "show idle_in_transaction_session_timeout"

    def look(connection: Connection) -> list[Any]:
        bounds.append(connection.exec_driver_sql(idle).scalar())
        return []

    monkeypatch.setattr(migrating, "find_faults", look)
    engine = PostgresServer(fresh_postgresql(), tmp_path).open_engine(writes=True)
    migrating.migrate(engine, new=True)
    with engine.connect() as connection:
        look(connection)
    engine.dispose()
    assert bounds == ["1min", "5s"]
